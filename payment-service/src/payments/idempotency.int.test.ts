import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Response } from 'supertest';
import { v7 as newId } from 'uuid';
import type { PaymentResource } from '@shop/common/contracts';
import { eventually, startTcpProxy } from '@shop/testing';
import { expectLedgerToBalance } from '../../test/ledger.js';
import { buildOrder, deliver, placeOrder, placePaidOrder, statusChangedEvent } from '../../test/order-builder.js';
import {
  startTestService,
  type RunningTestService,
  type TestCaller,
  type TestService,
} from '../../test/test-service.js';

let test: TestService;
let another: RunningTestService;
let alice: TestCaller;
let admin: TestCaller;
let key: string;

beforeAll(async () => {
  test = await startTestService({ providerTimeout: 20_000 }); // a slow machine fails no payment
  another = await test.startAnother();
});
afterAll(async () => {
  try {
    await expectLedgerToBalance(test);
  } finally {
    await another.stop();
    await test.stop();
  }
});
beforeEach(() => {
  [alice, admin, key] = [test.caller(), test.caller('admin'), newId()];
});

/** A request under the test's key. */
const post = (caller: TestCaller, path: string, body: object = {}) =>
  caller.post(path, body).set('Idempotency-Key', key);
const current = async (id: string): Promise<PaymentResource> => (await admin.get(`/${id}`).expect(200)).body.data;
const chargesOf = (id: string) => test.query('SELECT FROM simulated_provider.charges WHERE key = $1', [id]);
const refundsOf = (id: string) =>
  test.query<{ id: string; status: string }>('SELECT id, status FROM refunds WHERE payment_id = $1', [id]);
const givenBack = (id: string) =>
  test.query(
    `SELECT FROM simulated_provider.refunds JOIN simulated_provider.charges ON charge_transaction_id = charges.transaction_id
     WHERE charges.key = $1`,
    [id],
  );
const endLease = () =>
  test.query("UPDATE idempotency_keys SET lease_until = now() - interval '1 second' WHERE key = $1", [key]);

/** An order whose first payment was declined, and what a further one is asked for with. */
async function orderToPayAgain(owner: TestCaller) {
  const { order, payment } = await placeOrder(test, owner);
  await owner.post(`/${payment.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);
  return { orderId: order.id, amount: order.totalAmount, currency: order.currency, method: 'card' };
}

function expectReplay(again: Response, first: Response): void {
  expect(again.headers['idempotent-replayed']).toBe('true');
  expect(again.status).toBe(first.status);
  const { requestId, ...body } = again.body;
  expect(body).toEqual((({ requestId: _, ...rest }) => rest)(first.body));
  if (first.body.success) expect(again.text).toBe(first.text);
  else expect(requestId).toBe(again.headers['x-request-id']);
}

/** Sends a request 50 times at once to two processes. All answers are equal or 409; answers the one that is not. */
async function expectOneAnswer(caller: TestCaller, path: string, body: object, status: number): Promise<Response> {
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => post(index % 2 ? caller : caller.at(another.url), path, body)),
  );
  const done = answers.filter((answer) => answer.status === status);
  expect(new Set(done.map(({ text }) => text)).size).toBe(1);
  const others = answers.filter((answer) => answer.status !== status);
  expect(new Set(others.map((answer) => `${answer.status} ${answer.body.error.message}`))).toEqual(
    new Set(others.length > 0 ? ['409 A request with this Idempotency-Key is still running'] : []),
  );
  return done[0]!;
}

/**
 * Sends a request to a process that never learns of what it asked for last, its own database or the provider's, and is
 * killed once that is done.
 */
async function dieAfter(
  cues: { database?: readonly string[]; provider?: readonly string[] },
  send: (url: string) => PromiseLike<unknown>,
  isDone: () => Promise<void>,
): Promise<void> {
  const [database, provider] = await Promise.all([
    startTcpProxy(test.config.databaseUrl),
    startTcpProxy(test.config.simulated.databaseUrl),
  ]);
  const doomed = await test.startProcess({ databaseUrl: database.url, simulated: { databaseUrl: provider.url } });
  database.muteAfter(...(cues.database ?? []));
  provider.muteAfter(...(cues.provider ?? []));
  const lost = Promise.resolve(send(doomed.url)).then(
    () => 'answered',
    () => 'lost',
  );
  await eventually(isDone);
  await doomed.kill();
  expect(await lost).toBe('lost');
  await Promise.all([database.stop(), provider.stop()]);
}

/** What the transaction says after the text that is noted in it: its COMMIT, of which only the name may be sent. */
const COMMIT = '';

describe('opening a payment under an idempotency key', () => {
  it('again -> the same answer; one payment', async () => {
    const draft = await orderToPayAgain(alice);
    const first = await post(alice, '', draft).expect(201);
    expectReplay(await post(alice, '', draft), first);
    const rows = await test.query('SELECT FROM payments WHERE order_id = $1', [draft.orderId]);
    expect(rows).toHaveLength(2);
  });

  it('50 times at once -> one payment; equal answers or 409', async () => {
    const draft = await orderToPayAgain(alice);
    const { body } = await expectOneAnswer(alice, '', draft, 201);
    const live = await test.query("SELECT id FROM payments WHERE order_id = $1 AND status <> 'failed'", [
      draft.orderId,
    ]);
    expect(live).toEqual([{ id: body.data.id }]);
  });

  it('refused by a rule -> the refusal is kept, though the rule would let it pass now', async () => {
    const { order, payment } = await placeOrder(test, alice);
    const draft = { orderId: order.id, amount: order.totalAmount, currency: order.currency, method: 'card' };
    const first = await post(alice, '', draft).expect(409);
    expect(first.body.error.paymentId).toBe(payment.id);
    await alice.post(`/${payment.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);
    expectReplay(await post(alice, '', draft), first);
  });

  it('for an unknown order -> 404, of which nothing is kept', async () => {
    const draft = { orderId: newId(), amount: 1, currency: 'USD', method: 'card' };
    await post(alice, '', draft).expect(404);
    expect(await test.query('SELECT FROM idempotency_keys WHERE user_id = $1', [alice.id])).toHaveLength(0);
    expect((await post(alice, '', draft).expect(404)).headers).not.toHaveProperty('idempotent-replayed');
  });

  it('of a wrong amount, or while order-service is down -> the key is free again', async () => {
    const order = buildOrder({ userId: alice.id });
    const draft = { orderId: order.id, amount: order.totalAmount, currency: order.currency, method: 'card' };
    test.orderService.fault = 'failing';
    await post(alice, '', draft).expect(503);
    test.orderService.fault = 'none';
    test.orderService.orders.set(order.id, order);
    await post(alice, '', { ...draft, amount: 1 }).expect(400);
    await post(alice, '', draft).expect(201);
  });

  it('the process is killed between its commit and its answer -> the answer is there at once', async () => {
    const draft = await orderToPayAgain(alice);
    const live = () =>
      test.query<{ id: string }>("SELECT id FROM payments WHERE order_id = $1 AND status = 'pending'", [draft.orderId]);
    await dieAfter(
      { database: ['"Payment created"', COMMIT] },
      (url) => post(alice.at(url), '', draft),
      async () => expect(await live()).toHaveLength(1),
    );
    const again = await post(alice, '', draft).expect(201);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(await live()).toEqual([{ id: again.body.data.id }]);
  });
});

describe('processing a payment under an idempotency key', () => {
  let payment: PaymentResource;
  let path: string;
  beforeEach(async () => {
    ({ payment } = await placeOrder(test, alice));
    path = `/${payment.id}/process`;
  });

  it('again -> the same answer, also after it was refunded; one charge', async () => {
    const first = await post(alice, path, { token: 'tok_visa' }).expect(200);
    await admin.post(`/${payment.id}/refund`, {}).expect(200);
    expectReplay(await post(alice, path, { token: 'tok_visa' }), first);
    expect(await chargesOf(payment.id)).toHaveLength(1);
  });

  it('50 times at once -> one charge; equal answers or 409', async () => {
    await expectOneAnswer(alice, path, {}, 200);
    expect(await chargesOf(payment.id)).toHaveLength(1);
  });

  it('declined -> 402 is kept', async () => {
    const first = await post(alice, path, { token: 'tok_insufficientFunds' }).expect(402);
    expectReplay(await post(alice, path, { token: 'tok_insufficientFunds' }), first);
  });

  it('of an unknown outcome -> 202, and from then on what has become of it', async () => {
    await post(alice, path, { token: 'tok_error' }).expect(202);
    await test.query("UPDATE payments SET updated_at = updated_at - interval '1 hour' WHERE id = $1", [payment.id]);
    await eventually(async () => expect((await current(payment.id)).status).toBe('success'));
    const later = await post(alice, path, { token: 'tok_error' }).expect(200);
    expect(later.body.data).toEqual(await current(payment.id));
    expectReplay(await post(alice, path, { token: 'tok_error' }), later);
    await post(alice, path, { token: 'tok_visa' }).expect(422);
    expect(await chargesOf(payment.id)).toHaveLength(1);
  });

  it('of an outcome that is unknown still -> 202 again, charged once, and then the provider’s verdict', async () => {
    await post(alice, path, { token: 'tok_error' }).expect(202);
    // Nobody has settled it yet: the repetition asks the provider itself.
    await post(alice, path, { token: 'tok_error' }).expect(200);
    expect(await chargesOf(payment.id)).toHaveLength(1);
  });

  it('of an unknown outcome, declined since -> 402', async () => {
    await post(alice, path, { token: 'tok_error' }).expect(202);
    await test.query(
      `UPDATE payments SET status = 'failed', failure_reason = 'card_declined', version = version + 1
       WHERE id = $1 AND status = 'processing'`,
      [payment.id],
    );
    await test.query('DELETE FROM simulated_provider.charges WHERE key = $1', [payment.id]);
    const later = await post(alice, path, { token: 'tok_error' }).expect(402);
    expect(later.body.error).toMatchObject({ paymentId: payment.id, reason: 'card_declined' });
    expectReplay(await post(alice, path, { token: 'tok_error' }), later);
  });

  it('the provider is certainly not reached -> 503, and the key is free for another card', async () => {
    const cutOff = await test.startAnother({ simulated: { databaseUrl: 'postgresql://127.0.0.1:1/none' } });
    await post(alice.at(cutOff.url), path, { token: 'tok_slow' }).expect(503);
    await cutOff.stop();
    const { body } = await post(alice, path, { token: 'tok_visa' }).expect(200);
    expect(body.data.status).toBe('success');
  });

  it('not for its owner to receive -> 403 is not kept; not pending -> 409 is', async () => {
    await post(alice, path, { method: 'cash' }).expect(403);
    await post(alice, path).expect(200);
    key = newId();
    const first = await post(alice, path).expect(409);
    expectReplay(await post(alice, path), first);
  });

  it('with another token, or another payment -> 422', async () => {
    await post(alice, path, { token: 'tok_visa' }).expect(200);
    await post(alice, path, { token: 'tok_slow' }).expect(422);
    const { payment: second } = await placeOrder(test, alice);
    await post(alice, `/${second.id}/process`, { token: 'tok_visa' }).expect(422);
    expect(await chargesOf(second.id)).toEqual([]);
  });

  it('the process is killed before it asks the provider -> the next one charges, once', async () => {
    await dieAfter(
      { database: ['UPDATE idempotency_keys'] },
      (url) => post(alice.at(url), path, { token: 'tok_visa' }),
      async () => expect((await current(payment.id)).status).toBe('processing'),
    );
    await post(alice, path, { token: 'tok_visa' }).expect(409);
    expect(await chargesOf(payment.id)).toEqual([]);
    await endLease();
    const first = await post(alice, path, { token: 'tok_visa' }).expect(200);
    expect(first.body.data).toMatchObject({ id: payment.id, status: 'success' });
    expectReplay(await post(alice, path, { token: 'tok_visa' }), first);
    expect(await chargesOf(payment.id)).toHaveLength(1);
  });

  it('carried on at a provider that answers late, and then not at all -> 409 to the others until its end', async () => {
    await placePaidOrder(test, alice); // the provider makes its ledger when it is first asked
    const patient = await test.startAnother({ providerTimeout: 6_000 });
    await dieAfter(
      { database: ['UPDATE idempotency_keys'] },
      (url) => post(alice.at(url), path, { token: 'tok_visa' }),
      async () => expect((await current(payment.id)).status).toBe('processing'),
    );
    await endLease();
    const [everything, writes] = [0, 0].map(() => new pg.Client({ connectionString: test.config.databaseUrl }));
    await Promise.all([everything!.connect(), writes!.connect()]);
    await everything!.query('BEGIN; LOCK TABLE simulated_provider.charges');
    const progress = { isRunning: true };
    const first = post(alice.at(patient.url), path, { token: 'tok_visa' }).then((answer) => {
      progress.isRunning = false;
      return answer;
    });
    const startedAt = Date.now();
    await eventually(async () => {
      const held = await test.query('SELECT FROM idempotency_keys WHERE key = $1 AND lease_until > now()', [key]);
      expect(held).toHaveLength(1);
    });
    const writesLocked = writes!.query('BEGIN; LOCK TABLE simulated_provider.charges IN SHARE MODE');
    const others: Response[] = [];
    while (progress.isRunning) {
      others.push(await post(alice, path, { token: 'tok_visa' }));
      // Just before its time is over it says that it has no verdict; the charge that follows waits.
      if (Date.now() - startedAt > 5_500) await everything!.end();
      await delay(100);
    }
    await writesLocked;
    expect(Date.now() - startedAt).toBeGreaterThan(11_000); // it was asked twice
    const answer = await first;
    expect(answer.status).toBe(202);
    // The last of them may have come after its end.
    expect(others.slice(0, -1).filter(({ status }) => status !== 409)).toEqual([]);
    await writes!.end();
    const later = await post(alice, path, { token: 'tok_visa' }).expect(200);
    expectReplay(await post(alice, path, { token: 'tok_visa' }), later);
    await patient.stop();
  });

  it.each([
    ['tok_visa', 200, 'success'],
    ['tok_chargeDeclined', 402, 'failed'],
  ])(
    'the process is killed after the provider said its verdict on %s -> %i, asked for once',
    async (token, status, end) => {
      await dieAfter(
        { provider: ['INSERT INTO simulated_provider.charges'] },
        (url) => post(alice.at(url), path, { token }),
        async () => expect(await chargesOf(payment.id)).toHaveLength(1),
      );
      expect((await current(payment.id)).status).toBe('processing');
      await endLease();
      const first = await post(alice, path, { token }).expect(status);
      expect((await current(payment.id)).status).toBe(end);
      expectReplay(await post(alice, path, { token }), first);
      expect(await chargesOf(payment.id)).toHaveLength(1);
    },
  );

  it('the process is killed after it wrote the outcome down -> the answer is there at once', async () => {
    await dieAfter(
      { database: ['"Payment processed"', COMMIT] },
      (url) => post(alice.at(url), path),
      async () => expect((await current(payment.id)).status).toBe('success'),
    );
    const again = await post(alice, path).expect(200);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body.data).toEqual(await current(payment.id));
  });

  it('the process is killed, and somebody else learns of the outcome -> the next attempt answers it', async () => {
    await dieAfter(
      { provider: ['INSERT INTO simulated_provider.charges'] },
      (url) => post(alice.at(url), path),
      async () => expect(await chargesOf(payment.id)).toHaveLength(1),
    );
    await test.query("UPDATE payments SET updated_at = updated_at - interval '1 hour' WHERE id = $1", [payment.id]);
    await eventually(async () => expect((await current(payment.id)).status).toBe('success'));
    await endLease();
    const { body } = await post(alice, path).expect(200);
    expect(body.data).toEqual(await current(payment.id));
  });

  it('the process is killed before it began, and somebody else pays -> 409, as for anybody who comes late', async () => {
    await dieAfter(
      { database: ['INSERT INTO idempotency_keys'] },
      (url) => post(alice.at(url), path),
      async () => expect(await test.query('SELECT FROM idempotency_keys WHERE key = $1', [key])).toHaveLength(1),
    );
    await alice.post(path, {}).expect(200);
    await endLease();
    const { body } = await post(alice, path).expect(409);
    expect(body.error.message).toBe('Payment is success and can not be processed');
  });

  it('the order is cancelled while the process lies dead -> refunded all the same, and the next attempt says so', async () => {
    const { order, payment: unlucky } = await placeOrder(test, alice);
    await dieAfter(
      { provider: ['INSERT INTO simulated_provider.charges'] },
      (url) => post(alice.at(url), `/${unlucky.id}/process`),
      async () => expect(await chargesOf(unlucky.id)).toHaveLength(1),
    );
    await deliver(test, statusChangedEvent(order, 'cancelled'));
    await endLease();
    const { body } = await post(alice, `/${unlucky.id}/process`).expect(200);
    expect(body.data.status).toBe('success');
    await eventually(async () => expect((await current(unlucky.id)).status).toBe('refunded'));
  });
});

describe('refunding under an idempotency key', () => {
  let payment: PaymentResource;
  let path: string;
  beforeEach(async () => {
    ({ payment } = await placePaidOrder(test, alice));
    path = `/${payment.id}/refund`;
  });

  it('again -> the same answer; refunded once. Under another key -> refunded again', async () => {
    const first = await post(admin, path, { amount: 10 }).expect(200);
    expectReplay(await post(admin, path, { amount: 10 }), first);
    key = newId();
    await post(admin, path, { amount: 10 }).expect(200);
    expect(await current(payment.id)).toMatchObject({ refundedAmount: 20 });
  });

  it('50 times at once -> one refund; equal answers or 409', async () => {
    const { body } = await expectOneAnswer(admin, path, { amount: 10 }, 200);
    expect(body.data.refundedAmount).toBe(10);
    expect(await refundsOf(payment.id)).toHaveLength(1);
  });

  it('of more than is left -> 409 is kept; of no amount -> 400 is not', async () => {
    await post(admin, path, { amount: 0.001 }).expect(400);
    const first = await post(admin, path, { amount: 1_000 }).expect(409);
    expectReplay(await post(admin, path, { amount: 1_000 }), first);
  });

  it('the process is killed before it asks the provider -> the same refund is carried out', async () => {
    await dieAfter(
      { database: ['UPDATE idempotency_keys', COMMIT] },
      (url) => post(admin.at(url), path, { amount: 10 }),
      async () => expect(await refundsOf(payment.id)).toHaveLength(1),
    );
    const [refund] = await refundsOf(payment.id);
    await endLease();
    const first = await post(admin, path, { amount: 10 }).expect(200);
    expect(first.body.data).toMatchObject({ status: 'partially_refunded', refundedAmount: 10 });
    expectReplay(await post(admin, path, { amount: 10 }), first);
    expect(await refundsOf(payment.id)).toEqual([{ id: refund?.id, status: 'succeeded' }]);
  });

  it('the process is killed after the provider refunded -> the same refund, once', async () => {
    await dieAfter(
      { provider: ['INSERT INTO simulated_provider.refunds', COMMIT] },
      (url) => post(admin.at(url), path, { amount: 10 }),
      async () => expect(await givenBack(payment.id)).toHaveLength(1),
    );
    await endLease();
    const { body } = await post(admin, path, { amount: 10 }).expect(200);
    expect(body.data.refundedAmount).toBe(10);
    expect(await givenBack(payment.id)).toHaveLength(1);
    expect(await refundsOf(payment.id)).toHaveLength(1);
  });

  it('the process is killed after it wrote the outcome down -> the answer is there at once', async () => {
    await dieAfter(
      { database: ['"Payment refunded"', COMMIT] },
      (url) => post(admin.at(url), path, { amount: 10 }),
      async () => expect(await refundsOf(payment.id)).toMatchObject([{ status: 'succeeded' }]),
    );
    const again = await post(admin, path, { amount: 10 }).expect(200);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body.data).toEqual(await current(payment.id));
  });
});

it('a key of a payment for another path -> 422', async () => {
  const { payment } = await placePaidOrder(test, admin);
  await post(admin, `/${payment.id}/refund`).expect(200);
  const { body } = await post(admin, `/${payment.id}/process`).expect(422);
  expect(body.error.code).toBe('IDEMPOTENCY_KEY_REUSED');
});
