import { afterEach, describe, expect, it } from '@jest/globals';
import { subscribe, type Subscriber, timeLimit } from '@shop/testing';
import { eventually, graphql, placeOrder, register, urls } from './support/system.js';

const orderUpdated = 'subscription ($id: ID!) { orderUpdated(id: $id) { status user { id } payment { status } } }';
const paymentUpdated = 'subscription ($id: ID!) { paymentUpdated(orderId: $id) { status order { id } } }';
const processPayment = 'mutation ($id: ID!) { processPayment(id: $id) { status } }';

const open: Subscriber[] = [];
afterEach(() => {
  for (const subscriber of open.splice(0)) subscriber.leave();
});

const watch = async (query: string, id: string, token: string): Promise<Subscriber> => {
  const subscriber = await subscribe(`${urls.gateway}/graphql`, { query, variables: { id }, token });
  open.push(subscriber);
  return subscriber;
};
const codes = ({ results }: Subscriber) => results.map(({ errors }) => errors?.[0]?.extensions.code);

describe('subscriptions', () => {
  it('an order is paid -> its owner sees the payment succeed and the order become confirmed', async () => {
    const owner = await register();
    const { orderId, paymentId } = await placeOrder(owner.token);
    const [order, payment] = await Promise.all([
      watch(orderUpdated, orderId, owner.token),
      watch(paymentUpdated, orderId, owner.token),
    ]);

    const { body } = await graphql(processPayment, owner.token, { id: paymentId });
    expect(body.data.processPayment.status).toBe('success');

    await eventually(async () => {
      expect(payment.results.at(-1)?.data.paymentUpdated).toEqual({ status: 'success', order: { id: orderId } });
      expect(order.results.at(-1)?.data.orderUpdated).toEqual({
        status: 'confirmed',
        user: { id: owner.id },
        payment: { status: 'success' },
      });
    });
    expect(order.results).toHaveLength(1);
    expect([order, payment].map(({ isClosed }) => isClosed)).toEqual([false, false]);
  });

  it("somebody else's order -> NOT_FOUND, as if it were not there", async () => {
    const [owner, other] = await Promise.all([register(), register()]);
    const { orderId } = await placeOrder(owner.token);

    for (const query of [orderUpdated, paymentUpdated]) {
      const subscriber = await watch(query, orderId, other.token);
      await eventually(async () => expect(subscriber.isComplete).toBe(true));
      expect(codes(subscriber)).toEqual(['NOT_FOUND']);
    }
  });

  it('its subscriber logs out -> it ends with UNAUTHORIZED within two seconds', async () => {
    const owner = await register();
    const { orderId } = await placeOrder(owner.token);
    const subscriber = await watch(orderUpdated, orderId, owner.token);

    const { body } = await graphql('mutation { logout }', owner.token);
    const since = Date.now();
    expect(body.data.logout).toBe(true);

    await eventually(async () => expect(subscriber.isComplete).toBe(true));
    expect(Date.now() - since).toBeLessThan(timeLimit(2_000));
    expect(codes(subscriber)).toEqual(['UNAUTHORIZED']);
  });
});
