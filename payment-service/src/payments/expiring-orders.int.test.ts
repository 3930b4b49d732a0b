import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as newId } from 'uuid';
import type { OrderResource, PaymentResource } from '@shop/common/contracts';
import { eventually, TIMEOUT } from '@shop/testing';
import { expectLedgerToBalance } from '../../test/ledger.js';
import { buildOrder, deliver, orderCreatedEvent, placeOrder, statusChangedEvent } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

let test: TestService;
let alice: TestCaller;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService();
});
afterAll(async () => {
  try {
    await expectLedgerToBalance(test);
  } finally {
    await test.stop();
  }
});
beforeEach(() => {
  [alice, admin] = [test.caller(), test.caller('admin')];
});

const inSeconds = (seconds: number) => ({ payableUntil: new Date(Date.now() + seconds * 1_000).toISOString() });
const aDraft = ({ id }: OrderResource) => ({ orderId: id, amount: 44.98, currency: 'USD', method: 'card' });

const current = async (id: string): Promise<PaymentResource> => (await admin.get(`/${id}`).expect(200)).body.data;

/** Events of a payment, as they will be published. */
const eventsOf = (paymentId: string) =>
  test.query<{ type: string; sequence: number; data: PaymentResource & { reason: string; previousStatus: string } }>(
    'SELECT type, sequence, data FROM outbox WHERE subject = $1 ORDER BY position',
    [paymentId],
  );
const typesOf = async (paymentId: string) => (await eventsOf(paymentId)).map(({ type }) => type);

const expired = (paymentId: string) =>
  eventually(async () => expect(await typesOf(paymentId)).toContain('payment.expired'));

/** Waits until an order's time is over, and until it was looked at since. */
async function afterDeadline({ id, payableUntil }: OrderResource): Promise<void> {
  await eventually(
    async () => {
      const [row] = await test.query<{ is_looked_at: boolean }>(
        `SELECT now() > payable_until AND (expires_at IS NULL OR expires_at > payable_until) AS is_looked_at
         FROM payable_orders WHERE id = $1`,
        [id],
      );
      expect(row).toEqual({ is_looked_at: true });
    },
    { timeout: TIMEOUT + Math.max(0, Date.parse(payableUntil) - Date.now()) },
  );
}

describe('an order whose time to be paid is over', () => {
  it('nobody has paid it -> its payment is cancelled, and that is reported once', async () => {
    const { payment } = await placeOrder(test, alice, inSeconds(1));
    await expired(payment.id);
    expect(await current(payment.id)).toMatchObject({ status: 'cancelled', provider: null, failureReason: null });
    expect(await eventsOf(payment.id)).toMatchObject([
      { type: 'payment.created', sequence: 1 },
      {
        type: 'payment.expired',
        sequence: 2,
        data: { status: 'cancelled', previousStatus: 'pending', reason: 'expired', orderId: payment.orderId },
      },
    ]);
  });

  it('its last payment was declined -> expires, and the payment stays what it is', async () => {
    const { payment } = await placeOrder(test, alice, inSeconds(2));
    await alice.post(`/${payment.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);
    await expired(payment.id);
    expect((await current(payment.id)).status).toBe('failed');
    const [, , failed, last] = await eventsOf(payment.id);
    expect(failed).toMatchObject({ type: 'payment.failed', sequence: 3 });
    expect(last).toMatchObject({ sequence: 4, data: { status: 'failed', previousStatus: 'failed' } });
  });

  it('a further payment waits after a declined one -> that one is cancelled, with an event', async () => {
    const { order, payment } = await placeOrder(test, alice, inSeconds(3));
    await alice.post(`/${payment.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);
    const { body } = await alice.post('', aDraft(order)).expect(201);
    await expired(body.data.id);
    expect((await current(body.data.id)).status).toBe('cancelled');
    expect(await typesOf(payment.id)).not.toContain('payment.expired');
  });

  it('it becomes known only then -> expires at once', async () => {
    const { payment } = await placeOrder(test, alice, inSeconds(-60));
    await expired(payment.id);
  });

  it('is paid in time -> never expires', async () => {
    const { order, payment } = await placeOrder(test, alice, inSeconds(2));
    await alice.post(`/${payment.id}/process`, {}).expect(200);
    await afterDeadline(order);
    expect(await typesOf(payment.id)).toEqual(['payment.created', 'payment.processing', 'payment.success']);
  });

  it('is confirmed or cancelled meanwhile -> does not expire', async () => {
    for (const status of ['confirmed', 'cancelled'] as const) {
      const { order, payment } = await placeOrder(test, alice, inSeconds(2));
      await deliver(test, statusChangedEvent(order, status));
      await afterDeadline(order);
      expect(await typesOf(payment.id)).not.toContain('payment.expired');
    }
  });

  it('no charge begins any more, and no payment is opened', async () => {
    const { order, payment } = await placeOrder(test, alice, inSeconds(1));
    await test.query(`UPDATE payable_orders SET expires_at = now() + interval '1 hour' WHERE id = $1`, [order.id]);
    await eventually(() => expect(Date.now()).toBeGreaterThan(Date.parse(order.payableUntil) + 100));
    const { body } = await alice.post(`/${payment.id}/process`, {}).expect(409);
    expect(body.error.message).toBe('Order can no longer be paid');
    expect(await test.query('SELECT FROM simulated_provider.charges WHERE key = $1', [payment.id])).toEqual([]);
    await test.query('UPDATE payable_orders SET expires_at = payable_until WHERE id = $1', [order.id]);
    await expired(payment.id);
    await alice.post('', aDraft(order)).expect(409);
  });

  it('300 of them, three processes -> each expires once', async () => {
    const orders = Array.from({ length: 300 }, () => buildOrder({ userId: alice.id, ...inSeconds(3) }));
    await test.publish(...orders.map(orderCreatedEvent));
    const others = await Promise.all([test.startAnother(), test.startAnother()]);
    const ids = orders.map(({ id }) => id);
    await eventually(async () => {
      const [row] = await test.query(
        `SELECT count(*)::integer AS all, count(DISTINCT subject)::integer AS once FROM outbox
           WHERE type = 'payment.expired' AND data ->> 'orderId' = ANY($1)`,
        [ids],
      );
      expect(row).toEqual({ all: 300, once: 300 });
    });
    await Promise.all(others.map((other) => other.stop()));
  });
});

describe('a charge that was begun in time', () => {
  it('and answered after it -> counts: the order is paid, does not expire, and nothing goes back', async () => {
    const { order, payment } = await placeOrder(test, alice, inSeconds(1.5));
    const { body } = await alice.post(`/${payment.id}/process`, { token: 'tok_slow' }).expect(200);
    expect(body.data.status).toBe('success');
    expect(Date.parse(body.data.paidAt)).toBeGreaterThan(Date.parse(order.payableUntil));
    await afterDeadline(order);
    await delay(1_500); // another look
    expect(await typesOf(payment.id)).toEqual(['payment.created', 'payment.processing', 'payment.success']);
    expect((await alice.get(`/${payment.id}/refunds`).expect(200)).body.data).toEqual([]);
  });

  it('and declined after it -> the order expires then', async () => {
    const { order, payment } = await placeOrder(test, alice, inSeconds(2));
    await test.query(
      `UPDATE payments SET status = 'processing', provider = 'simulated', version = version + 1,
         updated_at = now() + interval '1 hour' WHERE id = $1`,
      [payment.id],
    );
    await afterDeadline(order);
    expect(await typesOf(payment.id)).not.toContain('payment.expired');
    await test.query(
      `INSERT INTO simulated_provider.charges (key, transaction_id, amount, currency, decline_reason)
       VALUES ($1, $2, 4498, 'USD', 'card_declined')`,
      [payment.id, `ch_${newId()}`],
    );
    // Nobody waits for its answer: the reconciler asks for the verdict.
    await test.query(`UPDATE payments SET updated_at = now() - interval '1 minute' WHERE id = $1`, [payment.id]);
    await expired(payment.id);
    expect((await current(payment.id)).status).toBe('failed');
  });
});
