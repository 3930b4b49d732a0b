import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sendRequest } from '@shop/testing/api-client';
import { startStack, type RunningStack } from '../stack/start-stack.ts';
import { eventually, type Answer } from './support/system.js';

const WINDOW_SECONDS = 6;
/** How long until all is settled after an outage. */
const SETTLED = 30_000;

let stack: RunningStack;
let token: string;
beforeAll(async () => {
  stack = await startStack({
    environment: { BCRYPT_COST: '4', LOG_LEVEL: 'warn', ORDER_PAYMENT_WINDOW: `${WINDOW_SECONDS}s` },
    postgresSettings: {}, // what is committed survives a kill
  });
  const { body } = await ask('POST', `${stack.urls.userService}/api/v1/users/register`, {
    email: 'user@example.com',
    password: 'password123',
    firstName: 'John',
    lastName: 'Doe',
  });
  token = body.data.token;
});
afterAll(() => stack.stop());

const ask = (method: 'GET' | 'POST', url: string, body?: object): Promise<Answer> =>
  sendRequest(url, { method, token, body });

const orders = () => `${stack.urls.orderService}/api/v1/orders`;
const payments = () => `${stack.urls.paymentService}/api/v1/payments`;

/** A new order, whose pending payment is known. */
async function place(): Promise<{ orderId: string; paymentId: string; payableUntil: number }> {
  const { status, body } = await ask('POST', orders(), {
    shippingAddress: '1 Main Street',
    items: [{ productId: 'book', productName: 'A book', quantity: 1, unitPrice: 10 }],
  });
  expect(status).toBe(201);
  const { id: orderId, payableUntil } = body.data;
  const payment = await eventually(async () => {
    const found = await ask('GET', `${payments()}/order/${orderId}`);
    expect(found.status).toBe(200);
    return found.body.data;
  });
  return { orderId, paymentId: payment.id, payableUntil: Date.parse(payableUntil) };
}

const pay = (paymentId: string, requested: object = {}) => ask('POST', `${payments()}/${paymentId}/process`, requested);

const after = (payableUntil: number) =>
  eventually(async () => expect(Date.now()).toBeGreaterThan(payableUntil + 2_500), {
    timeout: (WINDOW_SECONDS + 10) * 1_000,
  });

/** The order has come to its end, and its payment to one that fits. */
const endsAs = (orderId: string, order: object, payment: object) =>
  eventually(
    async () => {
      expect((await ask('GET', `${orders()}/${orderId}`)).body.data).toMatchObject(order);
      expect((await ask('GET', `${payments()}/order/${orderId}`)).body.data).toMatchObject(payment);
    },
    { timeout: SETTLED },
  );

const confirmed = [{ status: 'confirmed' }, { status: 'success', refundedAmount: 0 }] as const;
const expired = [{ status: 'cancelled', statusReason: 'expired' }, { status: 'cancelled' }] as const;

describe('an order whose time to be paid runs out', () => {
  it('its charge was begun in time and answered late -> confirmed; the one that nobody paid -> expired', async () => {
    const [paid, unpaid] = [await place(), await place()];
    await eventually(async () => expect(Date.now()).toBeGreaterThan(paid.payableUntil - 1_500), { timeout: 10_000 });
    const { status, body } = await pay(paid.paymentId, { token: 'tok_slow' });
    expect([status, body.data.status]).toEqual([200, 'success']);
    expect(Date.now()).toBeGreaterThan(paid.payableUntil);
    await endsAs(unpaid.orderId, ...expired);
    await endsAs(paid.orderId, ...confirmed);
  });

  it('the broker is frozen from before it is paid until after its deadline -> confirmed; unpaid -> expired', async () => {
    const [paid, unpaid] = [await place(), await place()];
    const broker = stack.process('rabbitmq');
    broker.pause();
    try {
      expect((await pay(paid.paymentId)).status).toBe(200);
      await after(unpaid.payableUntil);
      for (const { orderId } of [paid, unpaid]) {
        expect((await ask('GET', `${orders()}/${orderId}`)).body.data.status).toBe('pending');
      }
    } finally {
      broker.resume();
    }
    await endsAs(paid.orderId, ...confirmed);
    await endsAs(unpaid.orderId, ...expired);
  });

  it.each(['order-service', 'postgres-order', 'payment-service', 'postgres-payment'] as const)(
    '%s is down across its deadline -> what was paid is confirmed, the rest expires',
    async (name) => {
      const [paid, unpaid] = [await place(), await place()];
      const process = stack.process(name);
      const isOrders = name.endsWith('order') || name.startsWith('order');
      if (!isOrders) expect((await pay(paid.paymentId)).status).toBe(200);
      await process.kill();
      try {
        if (isOrders) expect((await pay(paid.paymentId)).status).toBe(200);
        await after(unpaid.payableUntil);
      } finally {
        await process.start();
      }
      await endsAs(paid.orderId, ...confirmed);
      await endsAs(unpaid.orderId, ...expired);
    },
  );
});
