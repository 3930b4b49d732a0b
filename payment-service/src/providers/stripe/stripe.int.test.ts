import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as newId } from 'uuid';
import type { PaymentResource, RefundResource } from '@shop/common/contracts';
import { eventually } from '@shop/testing';
import { startFakeStripe, type FakeStripe } from '@shop/testing/fake-stripe';
import type { DiscrepancyDraft } from '../../discrepancies/discrepancy.js';
import { LedgerComparison } from '../../reconciliation/ledger-comparison.js';
import { createStripeClient } from './stripe-client.js';
import { StripeLedger } from './stripe-ledger.js';
import { buildOrder, deliver, orderCreatedEvent, placeOrder } from '../../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../../test/test-service.js';

const secretKey = `sk_test_${'0'.repeat(32)}`;
const webhookSecret = `whsec_${'1'.repeat(32)}`;

let fake: FakeStripe;
let test: TestService;
let alice: TestCaller;
let admin: TestCaller;

beforeAll(async () => {
  fake = await startFakeStripe({ secretKey });
  test = await startTestService({
    providers: ['stripe', 'simulated'],
    stripe: {
      secretKey,
      mode: 'test',
      webhookSecrets: [webhookSecret],
      webhookTolerance: 300,
      apiUrl: fake.url,
      returnUrl: 'https://shop.example/paid',
    },
  });
});
afterAll(async () => {
  try {
    const logged = inspect(test.logged, { depth: null });
    expect(logged).not.toContain(secretKey);
    expect(logged).not.toContain('_secret_');
    // Nobody was charged twice: an order has one charge at most that succeeded.
    const orders = [...fake.account.intents.values()]
      .filter(({ status }) => status === 'succeeded')
      .map(({ metadata }) => metadata.orderId);
    expect(new Set(orders).size).toBe(orders.length);
  } finally {
    await fake.stop();
    await test.stop();
  }
});
beforeEach(() => {
  [alice, admin] = [test.caller(), test.caller('admin')];
  fake.deliverTo({ url: `${test.url}/api/v1/payments/webhooks/stripe`, secret: webhookSecret });
});
afterEach(() => {
  fake.deliverTo(undefined);
});

const current = async (id: string): Promise<PaymentResource> => (await alice.get(`/${id}`).expect(200)).body.data;

const becomes = (id: string, status: PaymentResource['status']): Promise<PaymentResource> =>
  eventually(async () => {
    const payment = await current(id);
    expect(payment.status).toBe(status);
    return payment;
  });

const eventTypesOf = async (id: string): Promise<string[]> => {
  const rows = await test.query<{ type: string }>('SELECT type FROM outbox WHERE subject = $1 ORDER BY position', [id]);
  return rows.map(({ type }) => type);
};

/** The charges that Stripe has of a payment. */
const intentsOf = (id: string) =>
  [...fake.account.intents.values()].filter(({ metadata }) => metadata.paymentId === id);
const intentOf = (id: string) => intentsOf(id)[0]!;

const process = (id: string, token?: string) => alice.post(`/${id}/process`, { token });

async function paid(token = 'pm_card_visa') {
  const { order, payment } = await placeOrder(test, alice);
  const { body } = await process(payment.id, token).expect(200);
  return { order, payment: body.data as PaymentResource };
}

const refundsOf = async (id: string): Promise<RefundResource[]> =>
  (await alice.get(`/${id}/refunds`).expect(200)).body.data;

const discrepanciesOf = async (id: string) => {
  const { body } = await admin.get('/discrepancies?limit=100').expect(200);
  return (body.data as { paymentId: string; kind: string; details: object }[]).filter(
    ({ paymentId }) => paymentId === id,
  );
};

/** As if the payment had been sent to the provider so many seconds earlier. */
const age = (id: string, seconds: number) =>
  test.query(
    "UPDATE payments SET updated_at = updated_at - $2 * interval '1 second', next_check_at = NULL WHERE id = $1",
    [id, seconds],
  );

describe('a charge at Stripe', () => {
  it('-> begun under our ids, confirmed once its name is committed, paid', async () => {
    const before = fake.requests.length;
    const { order, payment } = await paid();
    const intent = intentOf(payment.id);
    expect(payment).toMatchObject({
      status: 'success',
      provider: 'stripe',
      transactionId: intent.id,
      nextAction: null,
    });
    expect(intent).toMatchObject({
      amount: 4_498,
      currency: 'usd',
      metadata: { paymentId: payment.id, orderId: order.id, confirmedBy: 'server' },
    });
    const comparison = ['GET /v1/payment_intents', 'GET /v1/refunds']; // which may go on beside the charge
    const requests = fake.requests.slice(before).filter((request) => !comparison.includes(request));
    expect(requests).toEqual(['POST /v1/payment_intents', `POST /v1/payment_intents/${intent.id}/confirm`]);
    const rows = await test.query('SELECT provider_reference FROM payments WHERE id = $1', [payment.id]);
    expect(rows).toEqual([{ provider_reference: intent.id }]);
  });

  it('declined -> 402 with the issuer’s reason; called off, so that no other card pays it later', async () => {
    const { order, payment } = await placeOrder(test, alice);
    const { body } = await process(payment.id, 'pm_card_visa_chargeDeclinedInsufficientFunds').expect(402);
    expect(body.error).toMatchObject({ code: 'PAYMENT_DECLINED', reason: 'insufficient_funds', paymentId: payment.id });
    expect(intentOf(payment.id).status).toBe('canceled');
    const draft = { orderId: order.id, amount: 44.98, currency: 'USD', method: 'card' };
    const { body: next } = await alice.post('', draft).expect(201);
    await process(next.data.id, 'pm_card_visa').expect(200);
  });

  it('the number of a card for a token -> declined, and never sent', async () => {
    const { payment } = await placeOrder(test, alice);
    const { body } = await process(payment.id, '4242424242424242').expect(402);
    expect(body.error.reason).toBe('unknown_token');
    expect(intentOf(payment.id).payment_method).toBeNull();
  });

  it('called off by us, and Stripe’s answer to that is lost -> failed with our reason all the same', async () => {
    const { payment } = await placeOrder(test, alice);
    fake.fail({ path: /cancel$/, when: 'after', status: 500 });
    await process(payment.id, '4242424242424242').expect(202);
    await age(payment.id, 20);
    expect((await becomes(payment.id, 'failed')).failureReason).toBe('unknown_token');
  });

  it('an amount that Stripe does not take -> declined with the reason', async () => {
    const { payment } = await placeOrder(test, alice, { totalAmount: 5.124, currency: 'KWD' });
    expect((await process(payment.id, 'pm_card_visa').expect(402)).body.error.reason).toBe('amount_not_supported');
    const { payment: large } = await placeOrder(test, alice, { totalAmount: 1_000_000 });
    expect((await process(large.id, 'pm_card_visa').expect(402)).body.error.reason).toBe('amount_too_large');
  });

  it('a currency with decimals that Stripe has in no list -> declined with the reason, and nothing is left open', async () => {
    const order = {
      ...buildOrder({ userId: alice.id, currency: 'XQA', totalAmount: 1.234 }),
      currencyDecimals: 3,
    };
    await deliver(test, orderCreatedEvent(order));
    const { body } = await alice.get(`/order/${order.id}`).expect(200);
    const { body: refused } = await process(body.data.id, 'pm_card_visa').expect(402);
    expect(refused.error.reason).toBe('currency_not_supported');
    expect(await current(body.data.id)).toMatchObject({ status: 'failed' });
  });

  it('without a token -> the customer pays by Stripe’s script with the secret that it is given', async () => {
    const { payment } = await placeOrder(test, alice);
    const { body } = await process(payment.id).expect(202);
    const intent = intentOf(payment.id);
    expect(body.data.nextAction).toEqual({ type: 'confirm_payment', clientSecret: intent.client_secret });
    fake.account.succeed(intent.id);
    expect(await becomes(payment.id, 'success')).toMatchObject({ transactionId: intent.id, nextAction: null });
  });

  it('3-D Secure -> 202 with where to go; the customer agrees: paid, and reported once', async () => {
    const { payment } = await placeOrder(test, alice);
    const { body } = await process(payment.id, 'pm_card_authenticationRequired').expect(202);
    expect(body.data).toMatchObject({
      status: 'processing',
      nextAction: { type: 'redirect_to_url', url: expect.stringMatching(/^https:/) },
    });
    fake.account.succeed(intentOf(payment.id).id);
    await becomes(payment.id, 'success');
    expect(await eventTypesOf(payment.id)).toEqual([
      'payment.created',
      'payment.processing',
      'payment.processing',
      'payment.success',
    ]);
  });

  it('3-D Secure, and the customer refuses -> failed, and called off', async () => {
    const { payment } = await placeOrder(test, alice);
    await process(payment.id, 'pm_card_authenticationRequired').expect(202);
    fake.account.failAuthentication(intentOf(payment.id).id);
    const { failureReason } = await becomes(payment.id, 'failed');
    expect(failureReason).toBe('payment_intent_authentication_failure');
    expect(intentOf(payment.id).status).toBe('canceled');
  });

  it('3-D Secure that nobody finishes -> called off at Stripe at the order’s deadline', async () => {
    const { order, payment } = await placeOrder(test, alice);
    await process(payment.id, 'pm_card_authenticationRequired').expect(202);
    await test.query('UPDATE payable_orders SET payable_until = now() WHERE id = $1', [order.id]);
    await age(payment.id, 20);
    expect((await becomes(payment.id, 'failed')).failureReason).toBe('charge_cancelled');
    expect(intentOf(payment.id).status).toBe('canceled');
  });

  it('the bank takes its time -> 202, and paid when it has agreed', async () => {
    const { payment } = await placeOrder(test, alice);
    const { body } = await process(payment.id, 'pm_card_processing').expect(202);
    expect(body.data.nextAction).toBeNull();
    fake.account.succeed(intentOf(payment.id).id);
    await becomes(payment.id, 'success');
  });

  it('Stripe has taken another amount -> not booked as paid; a discrepancy', async () => {
    const { payment } = await placeOrder(test, alice);
    await process(payment.id).expect(202);
    fake.account.succeed(intentOf(payment.id).id, 4_000);
    await eventually(async () =>
      expect(await discrepanciesOf(payment.id)).toMatchObject([
        { kind: 'amount_differs', details: { ours: '44.98 USD', theirs: '40 USD' } },
      ]),
    );
    expect((await current(payment.id)).status).toBe('processing');
  });
});

describe('Stripe does not answer', () => {
  it.each([
    ['no key is taken', 401],
    ['too many requests', 429],
  ])('%s -> 503, pending again, and paid at the next try', async (_what, status) => {
    const { payment } = await placeOrder(test, alice);
    for (const path of [/payment_intents$/, /confirm$/]) {
      fake.fail({ path, when: 'before', status });
      await process(payment.id, 'pm_card_visa').expect(503);
      expect(await current(payment.id)).toMatchObject({ status: 'pending', provider: null });
    }
    await process(payment.id, 'pm_card_visa').expect(200);
    expect(intentsOf(payment.id)).toHaveLength(1);
  });

  it.each(['before', 'after'] as const)(
    'nothing was confirmed (lost %s it was begun) -> 503, pending again',
    async (when) => {
      const { payment } = await placeOrder(test, alice);
      fake.fail({ path: /payment_intents$/, when, status: 502 });
      await process(payment.id, 'pm_card_visa').expect(503);
      expect((await current(payment.id)).status).toBe('pending');
    },
  );

  it.each([
    ['the answer is lost', undefined],
    ['an error of Stripe’s', 500],
    ['a conflict', 409],
  ])('to the confirmation: %s -> 202, and paid by the webhook, once', async (_what, status) => {
    const { payment } = await placeOrder(test, alice);
    fake.deliverTo({
      url: `${test.url}/api/v1/payments/webhooks/stripe`,
      secret: webhookSecret,
      delay: 3_000,
      times: 2,
    });
    // The package asks once more when a connection was closed, so it has to be lost twice.
    for (let time = 0; time < (status === undefined ? 2 : 1); time += 1) {
      fake.fail({ path: /confirm$/, when: 'after', status });
    }
    await process(payment.id, 'pm_card_visa').expect(202);
    await becomes(payment.id, 'success');
    expect(await eventTypesOf(payment.id)).toEqual(['payment.created', 'payment.processing', 'payment.success']);
  });

  it('and no webhook comes -> asked until it is known', async () => {
    fake.deliverTo(undefined);
    const { payment } = await placeOrder(test, alice);
    fake.fail({ path: /confirm$/, when: 'after', status: 500 });
    await process(payment.id, 'pm_card_visa').expect(202);
    await age(payment.id, 20);
    expect(await becomes(payment.id, 'success')).toMatchObject({ transactionId: intentOf(payment.id).id });
  });

  it.each([true, false])(
    'our process died, its name for the charge stored: %j -> called off, and can not charge any more',
    async (isStored) => {
      const { payment } = await placeOrder(test, alice);
      const reference = fake.account.createIntent({
        amount: '4498',
        currency: 'usd',
        'metadata[paymentId]': payment.id,
      }).id;
      await test.query(
        `UPDATE payments SET status = 'processing', provider = 'stripe', provider_reference = $2, version = version + 1,
         updated_at = now() WHERE id = $1`,
        [payment.id, isStored ? reference : null],
      );
      await age(payment.id, 70);
      expect((await becomes(payment.id, 'failed')).failureReason).toBe('charge_cancelled');
      const [row] = await test.query<{ name: string }>(
        'SELECT provider_reference AS name FROM payments WHERE id = $1',
        [payment.id],
      );
      expect(fake.account.intent(row!.name).status).toBe('canceled');
    },
  );
});

describe('a refund at Stripe', () => {
  it('-> made once under our id, whatever is lost', async () => {
    const { payment } = await paid();
    fake.fail({ path: /refunds$/, when: 'after', status: 500 });
    await admin.post(`/${payment.id}/refund`, { amount: 4.98 }).expect(202);
    await becomes(payment.id, 'partially_refunded');
    await admin.post(`/${payment.id}/refund`, {}).expect(200);
    const made = [...fake.account.refunds.values()].filter(({ payment_intent: id }) => id === payment.transactionId);
    const ours = await refundsOf(payment.id);
    expect(made.map(({ metadata }) => metadata.refundId).toSorted()).toEqual(ours.map(({ id }) => id).toSorted());
    expect(await discrepanciesOf(payment.id)).toEqual([]);
  });

  it.each([
    ['succeeded', 'refunded', 'succeeded'],
    ['failed', 'success', 'failed'],
  ] as const)(
    'that takes days -> 202 and pending; %s in the end: the payment is %s',
    async (end, status, refundStatus) => {
      const { payment } = await paid('pm_card_pendingRefund');
      await admin.post(`/${payment.id}/refund`, {}).expect(202);
      expect(await refundsOf(payment.id)).toMatchObject([{ status: 'pending' }]);
      const made = [...fake.account.refunds.values()].find(({ payment_intent: id }) => id === payment.transactionId)!;
      fake.account.settleRefund(made.id, end);
      await eventually(async () => expect(await refundsOf(payment.id)).toMatchObject([{ status: refundStatus }]));
      expect((await current(payment.id)).status).toBe(status);
    },
  );

  it('that fails after it had succeeded -> stays as it is; a discrepancy', async () => {
    const { payment } = await paid();
    await admin.post(`/${payment.id}/refund`, {}).expect(200);
    const made = [...fake.account.refunds.values()].find(({ payment_intent: id }) => id === payment.transactionId)!;
    fake.account.settleRefund(made.id, 'failed');
    await eventually(async () =>
      expect(await discrepanciesOf(payment.id)).toMatchObject([{ kind: 'refund_failed_after_success' }]),
    );
    expect((await current(payment.id)).status).toBe('refunded');
  });

  it('more than Stripe has left -> 402, and set free again', async () => {
    const { payment } = await paid();
    fake.account.refund({ payment_intent: payment.transactionId!, amount: '4000', 'metadata[refundId]': newId() });
    const { body } = await admin.post(`/${payment.id}/refund`, {}).expect(402);
    expect(body.error.code).toBe('PAYMENT_DECLINED');
    await admin.post(`/${payment.id}/refund`, { amount: 4.98 }).expect(200);
  });
});

describe('what happens at Stripe without our asking', () => {
  it('a dispute -> a discrepancy, once, however often it is reported', async () => {
    const { payment } = await paid();
    fake.deliverTo({ url: `${test.url}/api/v1/payments/webhooks/stripe`, secret: webhookSecret, times: 2 });
    fake.account.dispute(payment.transactionId!);
    await eventually(async () =>
      expect(await discrepanciesOf(payment.id)).toMatchObject([
        { kind: 'dispute', details: { amount: 44.98, currency: 'USD', reason: 'fraudulent (needs_response)' } },
      ]),
    );
  });

  it('a refund made in the dashboard -> a discrepancy', async () => {
    const { payment } = await paid();
    fake.account.refund({ payment_intent: payment.transactionId!, amount: '500' });
    await eventually(async () =>
      expect(await discrepanciesOf(payment.id)).toMatchObject([
        { kind: 'refund_at_provider', details: { theirs: '5 USD' } },
      ]),
    );
  });

  it('with charges of others in the same account -> nothing', async () => {
    const intent = fake.account.createIntent({ amount: '100', currency: 'usd' });
    fake.account.confirm(intent.id, { payment_method: 'pm_card_visa' });
    fake.account.refund({ payment_intent: intent.id, amount: '50' });
    fake.account.dispute(intent.id);
    const { payment } = await paid();
    expect(await discrepanciesOf(payment.id)).toEqual([]);
    const rows = await test.query('SELECT FROM discrepancies WHERE reference = $1', [intent.id]);
    expect(rows).toEqual([]);
  });
});

describe('the comparison of the ledgers', () => {
  it('with Stripe’s -> what differs there, page by page, and nothing of what the other provider did', async () => {
    const { payment } = await paid();
    await admin.post(`/${payment.id}/refund`, { amount: 4.98 }).expect(200);
    const other = await test.startAnother({ providers: ['simulated', 'stripe'] });
    const { payment: next } = await placeOrder(test, alice);
    await alice.at(other.url).post(`/${next.id}/process`, {}).expect(200);
    await other.stop();
    const { payment: unknown } = await paid();
    await test.query('UPDATE payments SET transaction_id = $2 WHERE id = $1', [unknown.id, 'pi_other']);
    const { stripe, close } = createStripeClient({ secretKey, apiUrl: fake.url, timeout: 5_000 });
    const comparison = new LedgerComparison({
      databaseUrl: test.config.databaseUrl,
      ledgers: new Map([['stripe', new StripeLedger({ stripe })]]),
      providerTimeout: 5_000,
    });
    const found: DiscrepancyDraft[] = [];
    const record = (drafts: readonly DiscrepancyDraft[]) => Promise.resolve(void found.push(...drafts));
    await comparison.run({ since: new Date(0), record });
    const ids = [payment.id, next.id, unknown.id];
    expect(found.filter(({ paymentId }) => ids.includes(paymentId ?? ''))).toMatchObject([
      { kind: 'transaction_differs', provider: 'stripe', paymentId: unknown.id },
    ]);
    close();
  });
});

describe('another provider has become the first', () => {
  it('-> what was begun at Stripe is settled and refunded at Stripe; what is new goes to the other', async () => {
    fake.deliverTo(undefined);
    const { payment: open } = await placeOrder(test, alice);
    await process(open.id, 'pm_card_authenticationRequired').expect(202);
    const { payment: settled } = await paid();
    const switched = await test.startAnother({ providers: ['simulated', 'stripe'] });
    const { payment: next } = await placeOrder(test, alice);
    const { body } = await alice.at(switched.url).post(`/${next.id}/process`, {}).expect(200);
    expect(body.data.provider).toBe('simulated');
    fake.account.succeed(intentOf(open.id).id);
    await age(open.id, 20);
    expect(await becomes(open.id, 'success')).toMatchObject({ provider: 'stripe' });
    const { body: refunded } = await admin.at(switched.url).post(`/${settled.id}/refund`, {}).expect(200);
    expect(refunded.data).toMatchObject({ provider: 'stripe', status: 'refunded' });
    const made = [...fake.account.refunds.values()].filter(({ payment_intent: id }) => id === settled.transactionId);
    expect(made).toHaveLength(1);
    await switched.stop();
  });
});
