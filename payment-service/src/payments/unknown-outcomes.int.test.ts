import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { v7 as newId } from 'uuid';
import type { PaymentResource } from '@shop/common/contracts';
import { eventually, startTcpProxy } from '@shop/testing';
import { expectLedgerToBalance } from '../../test/ledger.js';
import { deliver, placeOrder, placePaidOrder, statusChangedEvent } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';
import { SimulatedLedger } from '../providers/simulated/simulated-ledger.js';

/** No webhook arrives here: what is settled, is settled by asking the provider. */
const NOWHERE = 'http://127.0.0.1:1/';

let test: TestService;
/** The provider's side. */
let ledger: SimulatedLedger;
let alice: TestCaller;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService({ simulated: { webhookUrl: NOWHERE }, providerTimeout: 2_000 });
  const url = test.config.simulated.databaseUrl;
  ledger = new SimulatedLedger({ url, connectTimeout: 5_000, newId, onConnectionLost: () => undefined });
});
afterAll(async () => {
  try {
    await expectLedgerToBalance(test);
    expect(await test.query("SELECT id FROM payments WHERE status = 'processing'")).toEqual([]);
    expect(await test.query("SELECT id FROM refunds WHERE status = 'pending'")).toEqual([]);
  } finally {
    await ledger.close();
    await test.stop();
  }
});
beforeEach(() => {
  [alice, admin] = [test.caller(), test.caller('admin')];
});

const current = async (id: string): Promise<PaymentResource> => (await admin.get(`/${id}`).expect(200)).body.data;

const settled = (id: string): Promise<PaymentResource> =>
  eventually(async () => {
    const payment = await current(id);
    expect(payment.status).not.toBe('processing');
    return payment;
  });

const eventTypesOf = async (id: string): Promise<string[]> => {
  const rows = await test.query<{ type: string }>('SELECT type FROM outbox WHERE subject = $1 ORDER BY position', [id]);
  return rows.map(({ type }) => type);
};

/** As if the payment had been sent to the provider so many seconds earlier. */
const age = (id: string, seconds: number) =>
  test.query(
    "UPDATE payments SET updated_at = updated_at - $2 * interval '1 second', next_check_at = NULL WHERE id = $1",
    [id, seconds],
  );

/** A payment whose process died after it had said that it would ask the provider. */
async function placeAbandoned(provider = 'simulated') {
  const placed = await placeOrder(test, alice);
  await test.query(
    `UPDATE payments SET status = 'processing', provider = $2, version = version + 1, updated_at = now() WHERE id = $1`,
    [placed.payment.id, provider],
  );
  return placed;
}

const chargeOf = ({ id, amount, currency }: PaymentResource) => ({
  key: id,
  amount: BigInt(Math.round(amount * 100)),
  currency,
  currencyDecimals: 2,
});

const chargesOf = (orderId: string) =>
  test.query<{ key: string }>(
    `SELECT key FROM simulated_provider.charges JOIN payments ON payments.id::text = key
     WHERE order_id = $1 AND decline_reason IS NULL`,
    [orderId],
  );

describe('a charge whose outcome is unknown', () => {
  it.each(['tok_timeout', 'tok_error'])('%s -> the provider is asked: paid, once', async (token) => {
    const { order, payment } = await placeOrder(test, alice);
    await alice.post(`/${payment.id}/process`, { token }).expect(202);
    await age(payment.id, 20);
    const paid = await settled(payment.id);
    const [charge] = await test.query('SELECT transaction_id FROM simulated_provider.charges WHERE key = $1', [
      payment.id,
    ]);
    expect(paid).toMatchObject({ status: 'success', transactionId: charge?.transaction_id });
    expect(await chargesOf(order.id)).toHaveLength(1);
    expect(await eventTypesOf(payment.id)).toEqual(['payment.created', 'payment.processing', 'payment.success']);
  });

  it('the connection to the provider breaks while it charges -> an error, and nothing that ends the process', async () => {
    const key = newId();
    const proxy = await startTcpProxy(test.config.simulated.databaseUrl);
    const distant = new SimulatedLedger({
      url: proxy.url,
      connectTimeout: 5_000,
      newId,
      onConnectionLost: () => undefined,
    });
    const client = new pg.Client({ connectionString: test.config.databaseUrl });
    await client.connect();
    await client.query('BEGIN');
    await client.query('INSERT INTO simulated_provider.charges VALUES ($1, $1, 1, $2)', [key, 'USD']);
    const refusal = expect(
      distant.enterCharge({ key, amount: 1n, currency: 'USD' }, { declineReason: 'card_declined' }),
    ).rejects.toThrow('Connection terminated unexpectedly');
    await eventually(async () => {
      const sessions = 'SELECT FROM pg_stat_activity WHERE datname = current_database()';
      const waiting = await test.query(`${sessions} AND wait_event_type = 'Lock'`);
      expect(waiting).toHaveLength(1);
    });
    proxy.cut();
    await refusal;
    await Promise.all([client.end(), distant.close(), proxy.stop()]);
  });

  it('our process died after the provider had charged -> paid', async () => {
    const { payment } = await placeAbandoned();
    await ledger.enterCharge(chargeOf(payment), { declineReason: null });
    await age(payment.id, 20);
    expect((await settled(payment.id)).status).toBe('success');
  });

  it('our process died after the provider had declined -> failed, and the order can be paid again', async () => {
    const { order, payment } = await placeAbandoned();
    await ledger.enterCharge(chargeOf(payment), { declineReason: 'card_declined' });
    await age(payment.id, 20);
    expect(await settled(payment.id)).toMatchObject({ status: 'failed', failureReason: 'card_declined' });
    await payAgain(order.id);
    expect(await chargesOf(order.id)).toHaveLength(1);
  });

  it('our process died before it asked -> called off after a minute; the late request charges nothing, a new payment does', async () => {
    const { order, payment } = await placeAbandoned();
    await age(payment.id, 70);
    expect(await settled(payment.id)).toMatchObject({
      status: 'failed',
      failureReason: 'charge_cancelled',
      paidAt: null,
    });
    const late = await ledger.enterCharge(chargeOf(payment), { declineReason: null });
    expect(late.verdict).toMatchObject({ outcome: 'declined', reason: 'charge_cancelled' });
    await payAgain(order.id);
    expect((await chargesOf(order.id)).map(({ key }) => key)).not.toContain(payment.id);
  });

  it('the request is still on its way -> waited for; it arrives after all: paid', async () => {
    const { payment } = await placeAbandoned();
    await age(payment.id, 10);
    await eventually(async () => {
      const [row] = await test.query('SELECT next_check_at FROM payments WHERE id = $1', [payment.id]);
      expect(row?.next_check_at).not.toBeNull(); // it was looked after
    });
    expect((await current(payment.id)).status).toBe('processing');
    await ledger.enterCharge(chargeOf(payment), { declineReason: null });
    await age(payment.id, 70);
    expect((await settled(payment.id)).status).toBe('success');
  });

  it('somebody still waits for the answer -> nobody else asks', async () => {
    const { payment: young } = await placeAbandoned();
    const { payment: old } = await placeAbandoned();
    await Promise.all([young, old].map((payment) => ledger.enterCharge(chargeOf(payment), { declineReason: null })));
    await age(old.id, 20);
    await settled(old.id);
    expect((await current(young.id)).status).toBe('processing');
    await age(young.id, 20);
    expect((await settled(young.id)).status).toBe('success');
  });

  it('its order was cancelled meanwhile -> paid, and given back', async () => {
    const { order, payment } = await placeOrder(test, alice);
    await alice.post(`/${payment.id}/process`, { token: 'tok_error' }).expect(202);
    await deliver(test, statusChangedEvent(order, 'cancelled'));
    await age(payment.id, 20);
    await eventually(async () => expect((await current(payment.id)).status).toBe('refunded'));
    expect((await alice.get(`/${payment.id}/refunds`).expect(200)).body.data).toHaveLength(1);
  });

  it('money was received by hand and our process died -> received: the admin has said so', async () => {
    const { payment } = await placeAbandoned('manual');
    await age(payment.id, 20);
    expect(await settled(payment.id)).toMatchObject({ status: 'success', provider: 'manual' });
  });

  it('the provider does not answer -> asked again, until it does', async () => {
    const { payment } = await placeAbandoned();
    await ledger.enterCharge(chargeOf(payment), { declineReason: null });
    const client = new pg.Client({ connectionString: test.config.databaseUrl });
    await client.connect();
    await client.query('BEGIN');
    await client.query('LOCK TABLE simulated_provider.charges');
    await age(payment.id, 70);
    await eventually(() =>
      expect(test.logged).toContainEqual(
        expect.objectContaining({ message: 'provider did not say what became of a charge', paymentId: payment.id }),
      ),
    );
    expect((await current(payment.id)).status).toBe('processing');
    await client.end();
    await age(payment.id, 0);
    expect((await settled(payment.id)).status).toBe('success');
  });

  it('40 of them, three processes -> each is settled once', async () => {
    const placed = await Promise.all(Array.from({ length: 40 }, () => placeOrder(test, alice)));
    const tokens = ['tok_error', 'tok_visa', 'tok_chargeDeclined', 'tok_timeout'];
    await Promise.all(
      placed.map(({ payment }, index) =>
        eventually(async () => {
          await alice.post(`/${payment.id}/process`, { token: tokens[index % 4] });
          expect((await current(payment.id)).status).not.toBe('pending'); // as it stays where there was too much to do
        }),
      ),
    );
    const others = await Promise.all([test.startAnother(), test.startAnother()]);
    await Promise.all(placed.map(({ payment }) => age(payment.id, 70)));
    await eventually(async () => {
      // A busy machine's provider may answer too late, and is then asked again: at once, here.
      await test.query("UPDATE payments SET next_check_at = NULL WHERE status = 'processing'");
      expect(await test.query("SELECT FROM payments WHERE status = 'processing'")).toEqual([]);
    });
    const statuses = await Promise.all(placed.map(async ({ payment }) => (await current(payment.id)).status));
    expect(statuses.filter((status) => status === 'success')).toHaveLength(30);
    expect(statuses.filter((status) => status === 'failed')).toHaveLength(10);
    for (const { payment } of placed) expect(await eventTypesOf(payment.id)).toHaveLength(3);
    await Promise.all(others.map((other) => other.stop()));
  });
});

describe('a refund whose outcome is unknown', () => {
  it('our process died after the provider had refunded -> found, and not asked for again', async () => {
    const { payment } = await placePaidOrder(test, alice);
    const refundId = newId();
    const { transactionId } = payment;
    await ledger.enterRefund({ ...chargeOf(payment), key: refundId, transactionId: transactionId! });
    const [entry] = await test.query('SELECT transaction_id FROM simulated_provider.refunds WHERE key = $1', [
      refundId,
    ]);
    const client = new pg.Client({ connectionString: test.config.databaseUrl });
    await client.connect();
    await client.query('BEGIN');
    // As long as its charge is locked the provider can refund nothing, and only tell what it has refunded.
    await client.query('SELECT FROM simulated_provider.charges WHERE key = $1 FOR UPDATE', [payment.id]);
    await test.query(
      `WITH reserved AS (
         UPDATE payments SET refund_reserved = amount, version = version + 1 WHERE id = $1 RETURNING id, amount
       )
       INSERT INTO refunds (id, payment_id, amount, status, next_attempt_at, created_at, updated_at)
       SELECT $2, id, amount, 'pending', now(), now(), now() FROM reserved`,
      [payment.id, refundId],
    );
    await eventually(async () => expect((await current(payment.id)).status).toBe('refunded'));
    await client.end();
    expect(await test.query('SELECT transaction_id FROM refunds WHERE id = $1', [refundId])).toEqual([entry]);
  });
});

/** A failed payment can be paid again, by a new one. */
async function payAgain(orderId: string): Promise<void> {
  const draft = { orderId, amount: 44.98, currency: 'USD', method: 'card' };
  const { body } = await alice.post('', draft).expect(201);
  await alice.post(`/${body.data.id}/process`, {}).expect(200);
}
