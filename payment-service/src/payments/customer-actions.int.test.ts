import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { PaymentResource } from '@shop/common/contracts';
import { eventually } from '@shop/testing';
import { expectLedgerToBalance } from '../../test/ledger.js';
import { deliver, placeOrder, statusChangedEvent } from '../../test/order-builder.js';
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

const current = async (id: string): Promise<PaymentResource> => (await alice.get(`/${id}`).expect(200)).body.data;

const becomes = (id: string, status: PaymentResource['status']): Promise<PaymentResource> =>
  eventually(async () => {
    const payment = await current(id);
    expect(payment.status).toBe(status);
    return payment;
  });

const eventsOf = (id: string) =>
  test.query<{ type: string; sequence: number; data: { nextAction: unknown } }>(
    'SELECT type, sequence, data FROM outbox WHERE subject = $1 ORDER BY position',
    [id],
  );

async function processed(token: string) {
  const placed = await placeOrder(test, alice);
  const { body } = await alice.post(`/${placed.payment.id}/process`, { token }).expect(202);
  return { ...placed, body: body as { message: string; data: PaymentResource } };
}

/** As if the payment had been sent to the provider so many seconds earlier. */
const age = (id: string, seconds: number) =>
  test.query(
    "UPDATE payments SET updated_at = updated_at - $2 * interval '1 second', next_check_at = NULL WHERE id = $1",
    [id, seconds],
  );

describe('a charge that needs the customer', () => {
  it('-> 202 with what is to be done, in the resource and in an event; the customer does it -> paid, once', async () => {
    const { payment, body } = await processed('tok_threeDSecure');
    expect(body).toMatchObject({ message: 'Payment is being processed', data: { status: 'processing' } });
    const { nextAction } = body.data;
    expect(nextAction).toEqual({ type: 'redirect_to_url', url: expect.stringMatching(/^https:\/\/.*ch_/) });
    expect((await current(payment.id)).nextAction).toEqual(nextAction);
    const paid = await becomes(payment.id, 'success');
    expect(paid.nextAction).toBeNull();
    expect(nextAction?.url).toContain(paid.transactionId);
    expect(await eventsOf(payment.id)).toMatchObject([
      { type: 'payment.created', sequence: 1, data: { nextAction: null } },
      { type: 'payment.processing', sequence: 2, data: { nextAction: null } },
      { type: 'payment.processing', sequence: 3, data: { nextAction, previousStatus: 'processing' } },
      { type: 'payment.success', sequence: 4, data: { nextAction: null } },
    ]);
  });

  it('the customer fails -> the payment has failed, and the order can be paid again', async () => {
    const { order, payment } = await processed('tok_threeDSecureFailed');
    expect(await becomes(payment.id, 'failed')).toMatchObject({
      failureReason: 'authentication_failed',
      nextAction: null,
    });
    const draft = { orderId: order.id, amount: 44.98, currency: 'USD', method: 'card' };
    const { body } = await alice.post('', draft).expect(201);
    await alice.post(`/${body.data.id}/process`, {}).expect(200);
  });

  it('the customer takes its time -> the payment is not called off before the deadline, and is then, at the provider', async () => {
    const { order, payment } = await processed('tok_threeDSecureAbandoned');
    await age(payment.id, 3_600);
    await eventually(async () => {
      // Later than the lease of whoever looks after it, so nobody does any more.
      const [row] = await test.query<{ is_postponed: boolean }>(
        "SELECT next_check_at > now() + interval '1 minute' AS is_postponed FROM payments WHERE id = $1",
        [payment.id],
      );
      expect(row?.is_postponed).toBe(true);
    });
    expect((await current(payment.id)).status).toBe('processing');
    await test.query('UPDATE payable_orders SET payable_until = now() WHERE id = $1', [order.id]);
    await age(payment.id, 0);
    expect((await becomes(payment.id, 'failed')).failureReason).toBe('charge_cancelled');
    const charges = await test.query('SELECT decline_reason FROM simulated_provider.charges WHERE key = $1', [
      payment.id,
    ]);
    expect(charges).toEqual([{ decline_reason: 'charge_cancelled' }]);
  });

  it('its order is cancelled -> called off at the provider', async () => {
    const { order, payment } = await processed('tok_threeDSecureAbandoned');
    await deliver(test, statusChangedEvent(order, 'cancelled'));
    await age(payment.id, 20);
    expect((await becomes(payment.id, 'failed')).failureReason).toBe('charge_cancelled');
  });
});

describe('the provider has charged something else', () => {
  it.each([
    ['amount', 'amount = 1', { ours: '44.98 USD', theirs: '0.01 USD' }],
    ['currency', "currency = 'EUR'", { ours: '44.98 USD', theirs: '44.98 EUR' }],
  ])('another %s -> not booked as paid; a discrepancy that an admin sees', async (_what, change, details) => {
    const { payment } = await processed('tok_threeDSecureAbandoned');
    await test.query(
      `INSERT INTO simulated_provider.charges (key, transaction_id, amount, currency)
       SELECT id, provider_reference, 4498, 'USD' FROM payments WHERE id = $1`,
      [payment.id],
    );
    await test.query(`UPDATE simulated_provider.charges SET ${change} WHERE key = $1`, [payment.id]);
    await age(payment.id, 20);
    await eventually(async () => {
      const { body } = await admin.get('/discrepancies?kind=amount_differs').expect(200);
      expect(body.data).toContainEqual(
        expect.objectContaining({
          paymentId: payment.id,
          provider: 'simulated',
          details: expect.objectContaining(details),
        }),
      );
    });
    expect(await current(payment.id)).toMatchObject({ status: 'processing', paidAt: null });
    // Put right at the provider: paid as soon as somebody looks.
    await test.query("UPDATE simulated_provider.charges SET amount = 4498, currency = 'USD' WHERE key = $1", [
      payment.id,
    ]);
    await age(payment.id, 0);
    await becomes(payment.id, 'success');
  });
});
