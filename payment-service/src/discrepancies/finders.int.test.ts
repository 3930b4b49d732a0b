import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import supertest from 'supertest';
import { v7 as newId } from 'uuid';
import type { DiscrepancyKind, DiscrepancyResource, PaymentResource } from '@shop/common/contracts';
import { createTestPool } from '@shop/testing';
import { SimulatedLedger } from '../providers/simulated/simulated-ledger.js';
import { LedgerComparison } from '../reconciliation/ledger-comparison.js';
import { LedgerRepository } from '../reconciliation/ledger.repository.js';
import { placeOrder, placePaidOrder } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

const secret = randomBytes(32);
const signer = new Webhook(`whsec_${secret.toString('base64')}`);

let test: TestService;
let ledger: SimulatedLedger;
let providerLedger: ReturnType<typeof createTestPool>;
let alice: TestCaller;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService({ simulated: { webhookSecrets: [secret] } });
  const url = test.config.simulated.databaseUrl;
  ledger = new SimulatedLedger({ url, connectTimeout: 5_000, newId, onConnectionLost: () => undefined });
  providerLedger = createTestPool(url);
  await ledger.find('charges', newId()); // which makes the provider's tables
});
afterAll(async () => {
  await Promise.all([ledger.close(), providerLedger.end()]);
  await test.stop();
});
beforeEach(() => {
  [alice, admin] = [test.caller(), test.caller('admin')];
});

/** The one finder: the provider tells unasked. */
async function notify(type: string, data: object): Promise<void> {
  const [id, at] = [newId(), new Date()];
  const body = JSON.stringify({ type, data: { amount: 4_498, currency: 'USD', ...data } });
  await supertest(test.url)
    .post('/api/v1/payments/webhooks/simulated')
    .set({
      'Content-Type': 'application/json',
      'Webhook-Id': id,
      'Webhook-Timestamp': String(Math.floor(at.getTime() / 1_000)),
      'Webhook-Signature': signer.sign(id, at, body),
    })
    .send(body)
    .expect(200);
}

/** The other finder: the ledgers are compared. */
async function compare(): Promise<void> {
  const { databaseUrl } = test.config;
  const ledgers = new Map([['simulated', ledger]]);
  const comparison = new LedgerComparison({ databaseUrl, ledgers, providerTimeout: 5_000 });
  const ledgerRepository = new LedgerRepository({ url: databaseUrl });
  await ledgerRepository.open();
  await comparison.run({ since: new Date(0), record: (found) => ledgerRepository.record(found) });
  await ledgerRepository.close();
}

const discrepancies = async (payment: PaymentResource, kind: DiscrepancyKind): Promise<DiscrepancyResource[]> =>
  (await admin.get(`/discrepancies?paymentId=${payment.id}&kind=${kind}`).expect(200)).body.data;

interface Contradiction {
  payment: PaymentResource;
  notify(): Promise<void>;
}

async function chargedOtherwise(): Promise<Contradiction> {
  const { payment } = await placePaidOrder(test, alice);
  await providerLedger.query('UPDATE simulated_provider.charges SET amount = 4400 WHERE key = $1', [payment.id]);
  const { transactionId } = payment;
  return { payment, notify: () => notify('charge.succeeded', { key: payment.id, transactionId, amount: 4_400 }) };
}

async function chargedAfterAll(status: 'failed' | 'pending'): Promise<Contradiction> {
  const { payment } = await placeOrder(test, alice);
  if (status === 'failed') await alice.post(`/${payment.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);
  const transactionId = `ch_${newId()}`;
  await providerLedger.query(
    `INSERT INTO simulated_provider.charges (key, transaction_id, amount, currency) VALUES ($1, $2, 4498, 'USD')
     ON CONFLICT (key) DO UPDATE SET transaction_id = $2, decline_reason = NULL`,
    [payment.id, transactionId],
  );
  return { payment, notify: () => notify('charge.succeeded', { key: payment.id, transactionId }) };
}

async function neverCharged(): Promise<Contradiction> {
  const { payment } = await placePaidOrder(test, alice);
  await providerLedger.query(`UPDATE simulated_provider.charges SET decline_reason = 'no' WHERE key = $1`, [
    payment.id,
  ]);
  return { payment, notify: () => notify('charge.declined', { key: payment.id, reason: 'no' }) };
}

async function refunded() {
  const { payment } = await placePaidOrder(test, alice);
  await admin.post(`/${payment.id}/refund`, { amount: 4.98 }).expect(200);
  const [refund] = await test.query<{ key: string; transactionId: string }>(
    'SELECT id AS key, transaction_id AS "transactionId" FROM refunds WHERE payment_id = $1',
    [payment.id],
  );
  return { payment, ...refund! };
}

async function refundFailedLater(): Promise<Contradiction> {
  const { payment, key } = await refunded();
  await providerLedger.query(`UPDATE simulated_provider.refunds SET decline_reason = 'no' WHERE key = $1`, [key]);
  return { payment, notify: () => notify('refund.declined', { key, amount: 498, reason: 'no' }) };
}

async function refundedOtherwise(): Promise<Contradiction> {
  const { payment, key, transactionId } = await refunded();
  await providerLedger.query('UPDATE simulated_provider.refunds SET amount = 400 WHERE key = $1', [key]);
  return { payment, notify: () => notify('refund.succeeded', { key, amount: 400, transactionId }) };
}

async function refundedAfterAll(): Promise<Contradiction> {
  const { payment } = await placePaidOrder(test, alice);
  const [key, transactionId] = [newId(), `re_${newId()}`];
  // What is committed before the provider is asked, which nobody does for a while.
  await test.query(
    `WITH reserved AS (UPDATE payments SET refund_reserved = 498, version = version + 1 WHERE id = $1)
     INSERT INTO refunds (id, payment_id, amount, status, next_attempt_at, created_at, updated_at)
     VALUES ($2, $1, 498, 'pending', now() + interval '1 hour', now(), now())`,
    [payment.id, key],
  );
  await notify('refund.declined', { key, amount: 498, reason: 'no' });
  await providerLedger.query(
    `INSERT INTO simulated_provider.refunds (key, transaction_id, charge_transaction_id, amount, currency)
     VALUES ($1, $2, $3, 498, 'USD')`,
    [key, transactionId, payment.transactionId],
  );
  return { payment, notify: () => notify('refund.succeeded', { key, amount: 498, transactionId }) };
}

describe('the provider reports a contradiction, and the comparison of the ledgers finds it too', () => {
  it.each([
    ['amount_differs', 'another amount was charged', chargedOtherwise],
    ['amount_differs', 'another amount was refunded', refundedOtherwise],
    ['charged_not_paid', 'a failed payment was charged', () => chargedAfterAll('failed')],
    ['charged_not_paid', 'a payment that has no provider any more was charged', () => chargedAfterAll('pending')],
    ['paid_not_charged', 'a paid one was not charged', neverCharged],
    ['refund_failed_after_success', 'a refund failed later', refundFailedLater],
    ['refund_at_provider', 'a failed refund was made', refundedAfterAll],
  ] as const)(
    '%s: %s -> one discrepancy; closed, it stays closed whoever sees it again',
    async (kind, _what, contradict) => {
      const contradiction = await contradict();
      const { payment } = contradiction;
      await contradiction.notify();
      const [open] = await discrepancies(payment, kind);
      expect(open).toMatchObject({ status: 'open', provider: 'simulated', orderId: payment.orderId });
      await compare();
      expect(await discrepancies(payment, kind)).toMatchObject([{ id: open!.id, details: open!.details }]);
      await admin.post(`/discrepancies/${open!.id}/close`, { note: 'Settled by hand' }).expect(200);
      await compare();
      await contradiction.notify();
      expect(await discrepancies(payment, kind)).toMatchObject([{ id: open!.id, status: 'closed' }]);
      const { body } = await admin.get(`/discrepancies?paymentId=${payment.id}&status=open`).expect(200);
      const others = (body.data as DiscrepancyResource[]).filter((one) => one.kind !== 'refund_declined');
      expect(others).toEqual([]);
    },
  );

  it('found by the comparison first -> the same', async () => {
    const contradiction = await chargedOtherwise();
    await compare();
    await contradiction.notify();
    const found = await discrepancies(contradiction.payment, 'amount_differs');
    expect(found).toMatchObject([
      { orderId: contradiction.payment.orderId, details: { ours: '44.98 USD', theirs: '44 USD', reason: null } },
    ]);
  });

  it('our status goes on changing after it was closed -> it stays closed; the provider’s amount changes -> a new one', async () => {
    const { payment } = await chargedOtherwise();
    await compare();
    const [open] = await discrepancies(payment, 'amount_differs');
    await admin.post(`/discrepancies/${open!.id}/close`, { note: 'Agreed with the customer' }).expect(200);
    await admin.post(`/${payment.id}/refund`, { amount: 1 }).expect(200);
    await compare();
    expect(await discrepancies(payment, 'amount_differs')).toMatchObject([{ id: open!.id, status: 'closed' }]);
    await providerLedger.query('UPDATE simulated_provider.charges SET amount = 4300 WHERE key = $1', [payment.id]);
    await compare();
    const found = await discrepancies(payment, 'amount_differs');
    expect(found.map(({ status }) => status)).toEqual(['open', 'closed']);
  });
});
