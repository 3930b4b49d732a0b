import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { Webhook } from 'standardwebhooks';
import supertest from 'supertest';
import { v7 as newId } from 'uuid';
import type { PaymentResource } from '@shop/common/contracts';
import { eventually } from '@shop/testing';
import { expectLedgerToBalance } from '../../test/ledger.js';
import { placeOrder, placePaidOrder } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

const secrets = [randomBytes(32), randomBytes(24)] as const;
/** Independent signers: the library of Standard Webhooks itself, with the new secret and with the old one. */
const [signer, oldSigner] = secrets.map((secret) => new Webhook(`whsec_${secret.toString('base64')}`)) as [
  Webhook,
  Webhook,
];

let test: TestService;
let alice: TestCaller;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService({ simulated: { webhookSecrets: secrets } });
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

interface Message {
  body: string;
  id?: string;
  at?: Date;
  by?: Webhook;
  headers?: Record<string, string>;
  provider?: string;
}

const send = ({ body, id = newId(), at = new Date(), by = signer, headers = {}, provider = 'simulated' }: Message) =>
  supertest(test.url)
    .post(`/api/v1/payments/webhooks/${provider}`)
    .set({
      'Content-Type': 'application/json',
      'Webhook-Id': id,
      'Webhook-Timestamp': String(Math.floor(at.getTime() / 1_000)),
      'Webhook-Signature': by.sign(id, at, body),
      ...headers,
    })
    .send(body);

const messageOf = (type: string, data: object) => {
  const money = { amount: 4_498, currency: 'USD' };
  return JSON.stringify({ type, timestamp: new Date().toISOString(), data: { ...money, ...data } });
};
const succeeded = (key: string, transactionId = `ch_${newId()}`) =>
  messageOf('charge.succeeded', { key, transactionId });
const declined = (key: string, reason = 'card_declined') => messageOf('charge.declined', { key, reason });

const current = async (id: string): Promise<PaymentResource> => (await admin.get(`/${id}`).expect(200)).body.data;

const eventTypesOf = async (id: string): Promise<string[]> => {
  const rows = await test.query<{ type: string }>('SELECT type FROM outbox WHERE subject = $1 ORDER BY position', [id]);
  return rows.map(({ type }) => type);
};

const paidOnce = ['payment.created', 'payment.processing', 'payment.success'];

const ledgerId = async (key: string): Promise<string | undefined> => {
  const [charge] = await test.query<{ transaction_id: string }>(
    'SELECT transaction_id FROM simulated_provider.charges WHERE key = $1',
    [key],
  );
  return charge?.transaction_id;
};

/** A payment that was charged, of which we don't know the outcome; no webhook will report it. */
async function placeUnknown() {
  const placed = await placeOrder(test, alice);
  const { id, amount, currency } = placed.payment;
  await test.query(
    "UPDATE payments SET status = 'processing', provider = 'simulated', version = version + 1, updated_at = now() WHERE id = $1",
    [id],
  );
  await test.query(
    'INSERT INTO simulated_provider.charges (key, transaction_id, amount, currency) VALUES ($1, $2, $3, $4)',
    [id, `ch_${newId()}`, Math.round(amount * 100), currency],
  );
  return { ...placed, transactionId: (await ledgerId(id))! };
}

const handled = (id: string) => test.query('SELECT provider FROM handled_webhooks WHERE webhook_id = $1', [id]);

describe('a webhook', () => {
  it('of a charge that succeeded -> settles its payment, at once and once; the body is the envelope of every answer', async () => {
    await ledgerReady();
    const { payment, transactionId } = await placeUnknown();
    const message = { id: newId(), body: succeeded(payment.id, transactionId) };
    const { body } = await send(message).expect(200);
    expect(body).toEqual({ success: true, message: 'Webhook received', data: null });
    expect(await current(payment.id)).toMatchObject({ status: 'success', transactionId });
    await send(message).expect(200);
    await send({ ...message, id: newId() }).expect(200);
    expect(await eventTypesOf(payment.id)).toHaveLength(2); // created and success; the test itself made it `processing`
    expect(await handled(message.id)).toEqual([{ provider: 'simulated' }]);
  });

  it('of a charge that was declined -> fails its payment, and the order can be paid again', async () => {
    const { order, payment } = await placeOrder(test, alice);
    await test.query("UPDATE payments SET status = 'processing', provider = 'simulated' WHERE id = $1", [payment.id]);
    await send({ body: declined(payment.id, 'expired_card') }).expect(200);
    expect(await current(payment.id)).toMatchObject({ status: 'failed', failureReason: 'expired_card' });
    const draft = { orderId: order.id, amount: 44.98, currency: 'USD', method: 'card' };
    const { body } = await alice.post('', draft).expect(201);
    await alice.post(`/${body.data.id}/process`, {}).expect(200);
  });

  it('with a reason that no database can hold -> fails its payment all the same', async () => {
    const { payment } = await placeOrder(test, alice);
    await test.query("UPDATE payments SET status = 'processing', provider = 'simulated' WHERE id = $1", [payment.id]);
    await send({ body: declined(payment.id, 'expired\0_card\ud800') }).expect(200);
    expect(await current(payment.id)).toMatchObject({ status: 'failed', failureReason: 'expired_card\ufffd' });
  });

  it('of an id that was handled before -> 200 without effect, whatever it says now', async () => {
    const { payment, transactionId } = await placeUnknown();
    const id = newId();
    await send({ id, body: messageOf('other', {}) }).expect(200);
    await send({ id, body: declined(payment.id) }).expect(200);
    expect((await current(payment.id)).status).toBe('processing');
    await send({ body: succeeded(payment.id, transactionId) }).expect(200);
  });

  it('written in another way than we would -> its very bytes count', async () => {
    const { payment, transactionId } = await placeUnknown();
    const data = `{ "key": "${payment.id}" , "amount" : 4498, "currency": "USD", "transactionId": "${transactionId}", "fee": 1.0, "note": "\\u0061" }`;
    const body = `{\n  "type" : "charge.\\u0073ucceeded",\r\n  "data" : ${data} }\n`;
    await send({ body }).expect(200);
    expect((await current(payment.id)).status).toBe('success');
    const { payment: another } = await placeUnknown();
    const id = newId();
    const rewritten = JSON.stringify(JSON.parse(body.replace(payment.id, another.id)));
    const signature = signer.sign(id, new Date(), body.replace(payment.id, another.id));
    await send({ id, body: rewritten, headers: { 'Webhook-Signature': signature } }).expect(401);
    await send({ body: succeeded(another.id, await ledgerId(another.id)) }).expect(200);
  });

  it('signed with the older of two secrets -> accepted', async () => {
    const { payment, transactionId } = await placeUnknown();
    await send({ body: succeeded(payment.id, transactionId), by: oldSigner }).expect(200);
    expect((await current(payment.id)).status).toBe('success');
  });

  it('10 at once -> one success', async () => {
    const { payment, transactionId } = await placeUnknown();
    const message = { id: newId(), body: succeeded(payment.id, transactionId) };
    const answers = await Promise.all(Array.from({ length: 10 }, () => send(message)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await eventTypesOf(payment.id)).filter((type) => type === 'payment.success')).toHaveLength(1);
  });

  it('of a payment with a final state -> changes nothing, and what contradicts it is a discrepancy', async () => {
    const { payment: paid } = await placePaidOrder(test, alice);
    await send({ body: declined(paid.id) }).expect(200);
    await send({ body: succeeded(paid.id, 'ch_another') }).expect(200);
    expect(await current(paid.id)).toEqual(paid);
    expect(test.logged).toContainEqual(
      expect.objectContaining({ level: 'error', kind: 'paid_not_charged', paymentId: paid.id }),
    );

    const { payment: failed } = await placeOrder(test, alice);
    await alice.post(`/${failed.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);
    await send({ body: succeeded(failed.id) }).expect(200);
    expect(await current(failed.id)).toMatchObject({ status: 'failed', failureReason: 'card_declined', paidAt: null });
    expect(test.logged).toContainEqual(
      expect.objectContaining({
        level: 'error',
        kind: 'charged_not_paid',
        paymentId: failed.id,
      }),
    );
  });

  it.each([
    ['a charge that is not ours', () => succeeded(newId())],
    ['a key that is none of ours', () => succeeded('somebody-else')],
    ['a refund that is not ours', () => messageOf('refund.declined', { key: newId(), reason: 'no' })],
    ['something else', () => messageOf('payout.paid', { key: 1 })],
  ])('about %s -> 200, and nothing happens', async (_what, body) => {
    await send({ body: body() }).expect(200);
  });

  it('about a payment received by hand -> 200, and nothing happens', async () => {
    const { payment } = await placeOrder(test, alice);
    await test.query("UPDATE payments SET status = 'processing', provider = 'manual' WHERE id = $1", [payment.id]);
    await send({ body: declined(payment.id) }).expect(200);
    expect((await current(payment.id)).status).toBe('processing');
  });

  it.each([
    ['no JSON', '{"type":'],
    ['no message', '[]'],
    ['a message without its data', JSON.stringify({ type: 'charge.succeeded' })],
    ['a verdict without a transaction', messageOf('charge.succeeded', { key: newId() })],
    ['an empty body', ''],
  ])('with %s, well signed -> 400', async (_what, body) => {
    const { body: answer } = await send({ body }).expect(400);
    expect(answer.error).toMatchObject({ code: 'INVALID_INPUT', fields: [{ field: 'body' }] });
  });
});

describe('what is no webhook', () => {
  const forged = new Webhook(`whsec_${randomBytes(32).toString('base64')}`);
  it.each<[string, Partial<Message>]>([
    ['signed with another secret', { by: forged }],
    ['too old', { at: new Date(Date.now() - 302_000) }],
    ['too new', { at: new Date(Date.now() + 900_000) }],
    ['signed for another id', { headers: { 'Webhook-Id': 'another' } }],
    ['not signed', { headers: { 'Webhook-Signature': '' } }],
  ])('%s -> 401, and its payment stays as it is', async (_what, changes) => {
    const { payment } = await placeUnknown();
    const { body } = await send({ body: succeeded(payment.id), ...changes }).expect(401);
    expect(body.error.code).toBe('UNAUTHORIZED');
    expect((await current(payment.id)).status).toBe('processing');
    await send({ body: succeeded(payment.id, await ledgerId(payment.id)) }).expect(200);
  });

  it('an unknown provider, or one that sends none -> 404, whatever the signature', async () => {
    for (const provider of ['stripe', 'manual']) await send({ body: '{}', provider }).expect(404);
  });

  it('another method, another type, too large, unknown parameters -> as everywhere', async () => {
    const url = '/api/v1/payments/webhooks/simulated';
    const { headers } = await supertest(test.url).get(url).expect(405);
    expect(headers.allow).toBe('POST, OPTIONS');
    await send({ body: succeeded(newId()), headers: { 'Content-Type': 'text/plain' } }).expect(415);
    await send({ body: JSON.stringify({ type: 'other', data: 'a'.repeat(999_000) }) }).expect(200);
    await send({ body: JSON.stringify({ type: 'other', data: 'a'.repeat(1_000_000) }) }).expect(413);
    await supertest(test.url).post(`${url}?x=1`).set('Content-Type', 'application/json').send('{}').expect(400);
  });

  it('old ones -> forgotten', async () => {
    const id = newId();
    await send({ id, body: messageOf('other', {}) }).expect(200);
    await test.query("UPDATE handled_webhooks SET handled_at = now() - interval '8 days' WHERE webhook_id = $1", [id]);
    const another = await test.startAnother(); // it looks for them when it starts
    await eventually(async () => expect(await handled(id)).toEqual([]));
    await another.stop();
  });
});

describe('the provider reports a charge by webhook', () => {
  const notifiedOf = (id: string) => eventually(async () => expect(await handled(`msg_charge_${id}`)).toHaveLength(1));

  it.each(['tok_webhookFirst', 'tok_webhookTwice', 'tok_webhookLate'])('%s -> paid, once', async (token) => {
    const { payment } = await placeOrder(test, alice);
    const { body } = await alice.post(`/${payment.id}/process`, { token }).expect(200);
    expect(body.data).toMatchObject({ status: 'success', transactionId: await ledgerId(payment.id) });
    await notifiedOf(payment.id);
    expect(await current(payment.id)).toEqual(body.data);
    expect(await eventTypesOf(payment.id)).toEqual(paidOnce);
  });

  it.each(['tok_timeout', 'tok_error'])('%s -> 202, and paid as soon as the webhook is there', async (token) => {
    const { payment } = await placeOrder(test, alice);
    const impatient = await test.startAnother({ providerTimeout: 2_000 });
    await alice.at(impatient.url).post(`/${payment.id}/process`, { token }).expect(202);
    await eventually(async () =>
      expect(await current(payment.id)).toMatchObject({
        status: 'success',
        transactionId: await ledgerId(payment.id),
      }),
    );
    expect(await eventTypesOf(payment.id)).toEqual(paidOnce);
    await impatient.stop();
  });

  it('while we are writing down its answer -> one of the two settles the payment', async () => {
    const { order, payment } = await placeOrder(test, alice);
    const client = new pg.Client({ connectionString: test.config.databaseUrl });
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM payable_orders WHERE id = $1 FOR UPDATE', [order.id]);
    const answer = alice.post(`/${payment.id}/process`, {}).then((response) => response);
    const transactionId = await eventually(async () => {
      const id = await ledgerId(payment.id);
      if (id === undefined) throw new Error('not charged yet');
      return id;
    });
    const webhook = send({ body: succeeded(payment.id, transactionId) }).then((response) => response);
    await eventually(async () => {
      const waiting = await test.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      expect(waiting).toHaveLength(2);
    });
    await client.query('COMMIT');
    await client.end();
    expect([(await answer).status, (await webhook).status]).toEqual([200, 200]);
    expect(await current(payment.id)).toMatchObject({ status: 'success', transactionId });
    expect(await eventTypesOf(payment.id)).toEqual(paidOnce);
  });
});

describe('the provider reports a refund by webhook', () => {
  it.each(['tok_webhookFirst', 'tok_webhookTwice'])('%s -> refunded, once', async (token) => {
    const { payment } = await placeOrder(test, alice);
    await alice.post(`/${payment.id}/process`, { token }).expect(200);
    const { body } = await admin.post(`/${payment.id}/refund`, { amount: 4.98 }).expect(200);
    expect(body.data).toMatchObject({ status: 'partially_refunded', refundedAmount: 4.98 });
    const { body: list } = await alice.get(`/${payment.id}/refunds`).expect(200);
    expect(list.data).toMatchObject([{ status: 'succeeded', amount: 4.98 }]);
    await eventually(async () => expect(await handled(`msg_refund_${list.data[0].id}`)).toHaveLength(1));
    expect(await eventTypesOf(payment.id)).toEqual([...paidOnce, 'payment.refunded']);
  });

  it('declined -> its amount is free again; reported again, or otherwise -> it stays, and a contradiction is an error in the log', async () => {
    const { payment } = await placePaidOrder(test, alice);
    const refundId = newId();
    // What is committed before the provider is asked, which nobody does for a while.
    await test.query(
      `WITH reserved AS (
         UPDATE payments SET refund_reserved = amount, version = version + 1 WHERE id = $1 RETURNING id, amount
       )
       INSERT INTO refunds (id, payment_id, amount, status, next_attempt_at, created_at, updated_at)
       SELECT $2, id, amount, 'pending', now() + interval '1 hour', now(), now() FROM reserved`,
      [payment.id, refundId],
    );
    const body = messageOf('refund.declined', { key: refundId, reason: 'insufficient_balance' });
    for (const message of [body, body, messageOf('refund.succeeded', { key: refundId, transactionId: 're_1' })]) {
      await send({ body: message }).expect(200);
    }
    expect((await alice.get(`/${payment.id}/refunds`).expect(200)).body.data).toMatchObject([{ status: 'failed' }]);
    expect(test.logged).toContainEqual(
      expect.objectContaining({ level: 'error', kind: 'refund_at_provider', refundId }),
    );
    await admin.post(`/${payment.id}/refund`, {}).expect(200);
    const [done] = (await alice.get(`/${payment.id}/refunds`).expect(200)).body.data;
    await send({ body: messageOf('refund.declined', { key: done.id, reason: 'no' }) }).expect(200);
    expect((await current(payment.id)).status).toBe('refunded');
    const { body: found } = await admin.get(`/discrepancies?paymentId=${payment.id}`).expect(200);
    expect(found.data.map(({ kind }: { kind: string }) => kind).sort()).toEqual([
      'refund_at_provider',
      'refund_declined',
      'refund_failed_after_success',
    ]);
    expect(test.logged).toContainEqual(
      expect.objectContaining({ level: 'error', kind: 'refund_failed_after_success', refundId: done.id }),
    );
  });
});

/** The provider makes its ledger when it is first asked. */
async function ledgerReady(): Promise<void> {
  await placePaidOrder(test, alice);
}
