import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { v7 as newId } from 'uuid';
import type { PaymentResource } from '@shop/common/contracts';
import { eventually } from '@shop/testing';
import { expectLedgerToBalance } from '../../test/ledger.js';
import { placeOrder, placePaidOrder, statusChangedEvent } from '../../test/order-builder.js';
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

const current = async (id: string): Promise<PaymentResource> => (await admin.get(`/${id}`).expect(200)).body.data;

const refundsOf = async (
  id: string,
): Promise<{ id: string; amount: number; status: string; reason: string | null }[]> =>
  (await alice.get(`/${id}/refunds`).expect(200)).body.data;

/** What is set aside of a payment, in minor units. */
const reservedOf = async (id: string): Promise<number> => {
  const [row] = await test.query<{ refund_reserved: string }>('SELECT refund_reserved FROM payments WHERE id = $1', [
    id,
  ]);
  return Number(row?.refund_reserved);
};

/** While `work` runs, the provider doesn't know the charge and declines to refund it. */
async function withChargeForgotten(paymentId: string, work: () => Promise<void>): Promise<void> {
  const rename = 'UPDATE simulated_provider.charges SET transaction_id = $2 WHERE key = $1 RETURNING transaction_id';
  const { transactionId } = await current(paymentId);
  await test.query(rename, [paymentId, newId()]);
  try {
    await work();
  } finally {
    await test.query(rename, [paymentId, transactionId]);
  }
}

/** While `work` runs, the provider doesn't get to answer about the charge. */
async function withChargeLocked(paymentId: string, work: () => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: test.config.databaseUrl });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT FROM simulated_provider.charges WHERE key = $1 FOR UPDATE', [paymentId]);
    await work();
  } finally {
    await client.end();
  }
}

describe('an admin refunds', () => {
  it('its currency was retired since -> read and refunded by the decimals that it was written with', async () => {
    const order = { currency: 'KWD', totalAmount: 1.005 };
    const { payment } = await placePaidOrder(test, alice, order);
    for (const table of ['payments', 'simulated_provider.charges']) {
      const key = table === 'payments' ? 'id::text' : 'key';
      await test.query(`UPDATE ${table} SET currency = 'QQQ' WHERE ${key} = $1`, [payment.id]);
    }
    const { body } = await admin.post(`/${payment.id}/refund`, { amount: 0.005 }).expect(200);
    expect(body.data).toMatchObject({ amount: 1.005, refundedAmount: 0.005, currency: 'QQQ' });
    expect(await refundsOf(payment.id)).toMatchObject([{ amount: 0.005, status: 'succeeded' }]);
    const [row] = await test.query('SELECT currency_decimals FROM refunds WHERE payment_id = $1', [payment.id]);
    expect(row).toEqual({ currency_decimals: 3 });
    await admin.post(`/${payment.id}/refund`, { amount: 0.0001 }).expect(400);
  });

  it('all of it, when no amount is given -> refunded; reported as an event', async () => {
    const { payment } = await placePaidOrder(test, alice);
    const { body } = await admin.post(`/${payment.id}/refund`, { reason: ' broken ' }).expect(200);
    expect(body).toMatchObject({
      message: 'Payment refunded',
      data: { id: payment.id, status: 'refunded', refundedAmount: 44.98, amount: 44.98 },
    });
    const { body: list } = await alice.get(`/${payment.id}/refunds`).expect(200);
    expect(list).toEqual({
      success: true,
      message: 'Refunds retrieved',
      data: [
        {
          id: expect.any(String),
          amount: 44.98,
          status: 'succeeded',
          reason: 'broken',
          createdAt: expect.stringMatching(/Z$/),
        },
      ],
      meta: { total: 1, limit: 1, offset: 0, hasMore: false, nextCursor: null },
    });
    const events = await test.query("SELECT data FROM outbox WHERE subject = $1 AND type = 'payment.refunded'", [
      payment.id,
    ]);
    expect(events).toMatchObject([{ data: { ...body.data, previousStatus: 'success', reason: 'broken' } }]);
  });

  it('part after part, until nothing is left', async () => {
    const { payment } = await placePaidOrder(test, alice);
    const { body: first } = await admin.post(`/${payment.id}/refund`, { amount: 10.5 }).expect(200);
    expect(first.data).toMatchObject({ status: 'partially_refunded', refundedAmount: 10.5 });
    const { body: second } = await admin.post(`/${payment.id}/refund`, { amount: 4.48 }).expect(200);
    expect(second.data).toMatchObject({ status: 'partially_refunded', refundedAmount: 14.98 });
    await admin.post(`/${payment.id}/refund`, { amount: 30.01 }).expect(409);
    const { body: rest } = await admin.post(`/${payment.id}/refund`).expect(200);
    expect(rest.data).toMatchObject({ status: 'refunded', refundedAmount: 44.98 });
    expect((await refundsOf(payment.id)).map(({ amount }) => amount)).toEqual([30, 4.48, 10.5]);
    for (const body of [{}, { amount: 0.01 }]) {
      const { body: refused } = await admin.post(`/${payment.id}/refund`, body).expect(409);
      expect(refused.error.message).toBe('Refund is larger than what is left of the payment');
    }
  });

  it('parts, and a list is asked for them -> each payment has its refunds, newest first; others have none', async () => {
    const { payment } = await placePaidOrder(test, alice);
    const { payment: whole } = await placePaidOrder(test, alice);
    await admin.post(`/${payment.id}/refund`, { amount: 1 }).expect(200);
    await admin.post(`/${payment.id}/refund`, { amount: 2, reason: 'One was damaged' }).expect(200);

    const { body } = await admin.get(`?userId=${alice.id}&refunds=true`).expect(200);
    expect(body.data).toEqual([
      { ...(await current(whole.id)), refunds: [] },
      { ...(await current(payment.id)), refunds: await refundsOf(payment.id) },
    ]);
    expect((await alice.get(`?userId=${alice.id}`).expect(200)).body.data).toHaveLength(2);
    expect((await test.caller().get(`?userId=${alice.id}&refunds=true`).expect(200)).body.data).toEqual([]);
    await admin.get(`?ids=${payment.id}&refunds=true`).expect(400);
    await admin.get(`?ids=${payment.id}&userId=${alice.id}`).expect(400);
  });

  it('amounts that are none -> 400', async () => {
    const { payment } = await placePaidOrder(test, alice);
    for (const amount of [0, -1, 1.001, '5', 1e300]) {
      const { body } = await admin.post(`/${payment.id}/refund`, { amount }).expect(400);
      expect(body.error.fields).toEqual([{ field: 'amount', message: expect.any(String) }]);
    }
    await admin.post(`/${payment.id}/refund`, { reason: 'a'.repeat(501) }).expect(400);
  });

  it('what was never paid -> 409', async () => {
    const { payment } = await placeOrder(test, alice);
    await admin.post(`/${payment.id}/refund`, {}).expect(409);
    await alice.post(`/${payment.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);
    const { body } = await admin.post(`/${payment.id}/refund`, {}).expect(409);
    expect(body.error.message).toBe('Payment is failed and can not be refunded');
  });

  it('200 at once, at two processes -> never more than was paid', async () => {
    const { payment } = await placePaidOrder(test, alice);
    const another = await test.startAnother();
    const urls = [test.url, another.url];
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        admin.at(urls[index % 2]!).post(`/${payment.id}/refund`, { amount: 10 }),
      ),
    );
    await another.stop();
    expect(answers.filter(({ status }) => status === 200 || status === 202)).toHaveLength(4);
    const refused = answers.filter(({ status }) => status === 409);
    expect(new Set(refused.map(({ body }) => body.error.message))).toEqual(
      new Set(['Refund is larger than what is left of the payment']),
    );
    // 503 where a refund had to wait too long for its turn.
    expect(answers.filter(({ status }) => status === 409 || status === 503)).toHaveLength(196);
    await eventually(async () =>
      expect(await current(payment.id)).toMatchObject({ status: 'partially_refunded', refundedAmount: 40 }),
    );
  });
});

describe('the provider of a refund', () => {
  it('declines -> 402, and the amount can be refunded again', async () => {
    const { payment } = await placePaidOrder(test, alice);
    await withChargeForgotten(payment.id, async () => {
      const { body } = await admin.post(`/${payment.id}/refund`, { amount: 44.98 }).expect(402);
      expect(body.error).toMatchObject({ code: 'PAYMENT_DECLINED', reason: 'charge_not_found', paymentId: payment.id });
    });
    expect(await current(payment.id)).toMatchObject({ status: 'success', refundedAmount: 0 });
    expect(await reservedOf(payment.id)).toBe(0);
    await admin.post(`/${payment.id}/refund`, { amount: 44.98 }).expect(200);
    expect((await refundsOf(payment.id)).map(({ status }) => status)).toEqual(['succeeded', 'failed']);
  });

  it('does not answer in time -> 202, the amount stays set aside, and it is asked until it answers', async () => {
    const { payment } = await placePaidOrder(test, alice);
    const impatient = await test.startAnother({ providerTimeout: 2_000 });
    await withChargeLocked(payment.id, async () => {
      const { body } = await admin.at(impatient.url).post(`/${payment.id}/refund`, { amount: 44 }).expect(202);
      expect(body).toMatchObject({
        message: 'Refund is being processed',
        data: { status: 'success', refundedAmount: 0 },
      });
      await admin.post(`/${payment.id}/refund`, { amount: 1 }).expect(409);
      expect(await refundsOf(payment.id)).toMatchObject([{ amount: 44, status: 'pending' }]);
    });
    await eventually(async () =>
      expect(await current(payment.id)).toMatchObject({ status: 'partially_refunded', refundedAmount: 44 }),
    );
    const entries = await test.query('SELECT FROM simulated_provider.refunds WHERE charge_transaction_id = $1', [
      payment.transactionId,
    ]);
    expect(entries).toHaveLength(1);
    await impatient.stop();
  });
});

describe('a refund that our own database refuses to note', () => {
  it('-> 202, and noted later with the provider’s first answer', async () => {
    const { payment } = await placePaidOrder(test, alice);
    await test.query(`
      CREATE TRIGGER fault BEFORE UPDATE ON payments FOR EACH ROW
      WHEN (NEW.id = '${payment.id}' AND NEW.status = 'refunded') EXECUTE FUNCTION refuse_change_of_final_state()`);
    const { body } = await admin.post(`/${payment.id}/refund`, {}).expect(202);
    expect(body.data).toMatchObject({ status: 'success', refundedAmount: 0 });
    await test.query('DROP TRIGGER fault ON payments');
    // Its turn comes when whoever asked the provider would have given up; here it is now.
    await test.query('UPDATE refunds SET next_attempt_at = now() WHERE payment_id = $1', [payment.id]);
    await eventually(async () => expect((await current(payment.id)).status).toBe('refunded'));
    expect(await refundsOf(payment.id)).toMatchObject([{ status: 'succeeded' }]);
  });
});

describe('a cancelled order', () => {
  it('a part was refunded already -> the rest goes back', async () => {
    const { order, payment } = await placePaidOrder(test, alice);
    await admin.post(`/${payment.id}/refund`, { amount: 4.98 }).expect(200);
    await test.publish(statusChangedEvent(order, 'cancelled'));
    await eventually(async () => expect((await current(payment.id)).status).toBe('refunded'));
    expect((await refundsOf(payment.id)).map(({ amount }) => amount)).toEqual([40, 4.98]);
  });

  it('its refund fails -> an error is logged, and it is tried again until it succeeds', async () => {
    const { order, payment } = await placePaidOrder(test, alice);
    await withChargeForgotten(payment.id, async () => {
      await test.publish(statusChangedEvent(order, 'cancelled'));
      await eventually(async () => {
        const failed = (await refundsOf(payment.id)).filter(({ status }) => status === 'failed');
        expect(failed.length).toBeGreaterThanOrEqual(2);
      });
    });
    expect(test.logged).toContainEqual(
      expect.objectContaining({ level: 'error', message: 'refund failed', paymentId: payment.id }),
    );
    await eventually(async () => expect((await current(payment.id)).status).toBe('refunded'));
    const statuses = (await refundsOf(payment.id)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 'succeeded')).toHaveLength(1);
  });

  it('the process died before it asked the provider -> another one finishes the refund', async () => {
    const { payment } = await placePaidOrder(test, alice);
    const refundId = newId();
    // What is committed before the provider is asked.
    await test.query(
      `WITH reserved AS (
         UPDATE payments SET refund_reserved = amount, version = version + 1 WHERE id = $1 RETURNING id, amount
       )
       INSERT INTO refunds (id, payment_id, amount, status, next_attempt_at, created_at, updated_at)
       SELECT $2, id, amount, 'pending', now(), now(), now() FROM reserved`,
      [payment.id, refundId],
    );
    await eventually(async () => expect((await current(payment.id)).status).toBe('refunded'));
    expect(await refundsOf(payment.id)).toMatchObject([{ id: refundId, status: 'succeeded' }]);
  });
});

describe('the database itself refuses', () => {
  it.each([
    ['more set aside than was paid', 'UPDATE payments SET refund_reserved = amount + 1 WHERE id = $1'],
    ['sums that are not those of the refunds', 'UPDATE payments SET refund_reserved = 1 WHERE id = $1'],
    [
      'a refund that nothing was set aside for',
      `INSERT INTO refunds (id, payment_id, amount, status, next_attempt_at, created_at, updated_at)
       VALUES (gen_random_uuid(), $1, 1, 'pending', now(), now(), now())`,
    ],
    [
      'a second live payment of an order',
      `INSERT INTO payments (id, order_id, user_id, amount, currency, status, method, created_at, updated_at)
       SELECT gen_random_uuid(), order_id, user_id, amount, currency, 'pending', method, now(), now()
       FROM payments WHERE id = $1`,
    ],
    ['success without a time', 'UPDATE payments SET paid_at = NULL WHERE id = $1'],
    ['an amount of nothing', 'UPDATE payments SET amount = 0 WHERE id = $1'],
  ])('%s', async (_what, statement) => {
    const { payment } = await placePaidOrder(test, alice);
    await expect(test.query(statement, [payment.id])).rejects.toMatchObject({
      code: expect.stringMatching(/^235(05|14)$/),
    });
  });

  it('a way back from a final state', async () => {
    const { payment } = await placePaidOrder(test, alice);
    await admin.post(`/${payment.id}/refund`, {}).expect(200);
    const back = "UPDATE payments SET status = 'success', refunded_amount = 0 WHERE id = $1";
    await expect(test.query(back, [payment.id])).rejects.toThrow('is final');
    const refundBack = "UPDATE refunds SET status = 'pending', transaction_id = NULL WHERE payment_id = $1";
    await expect(test.query(refundBack, [payment.id])).rejects.toThrow('is final');
  });
});

describe('money that is given back by hand', () => {
  /** A payment in cash, of which a refund is asked for. */
  async function aRefundByHand(body: object = {}) {
    const { order, payment } = await placeOrder(test, alice);
    await admin.post(`/${payment.id}/process`, { method: 'cash' }).expect(200);
    const answer = await admin.post(`/${payment.id}/refund`, body).expect(202);
    expect(answer.body.data).toMatchObject({ refundedAmount: 0 });
    const [refund] = await refundsOf(payment.id);
    return { order, payment, refund: refund!, path: `/${payment.id}/refunds/${refund!.id}/settle` };
  }

  const typesOf = async (id: string) =>
    (await test.query<{ type: string }>('SELECT type FROM outbox WHERE subject = $1 ORDER BY position', [id])).map(
      ({ type }) => type,
    );

  it('asked for -> pending, also when it is due again, until an admin says that it was made', async () => {
    const { payment, refund, path } = await aRefundByHand({ amount: 10 });
    await test.query('UPDATE refunds SET next_attempt_at = now() WHERE id = $1', [refund.id]);
    await eventually(async () => {
      const due = await test.query('SELECT FROM refunds WHERE id = $1 AND next_attempt_at > now()', [refund.id]);
      expect(due).toHaveLength(1);
    });
    expect(await refundsOf(payment.id)).toMatchObject([{ id: refund.id, status: 'pending' }]);
    expect(await reservedOf(payment.id)).toBe(1_000);
    const { body } = await admin.post(path, { outcome: 'succeeded' }).expect(200);
    expect(body.data).toMatchObject({ id: refund.id, amount: 10, status: 'succeeded' });
    expect(await current(payment.id)).toMatchObject({ status: 'partially_refunded', refundedAmount: 10 });
    expect((await typesOf(payment.id)).at(-1)).toBe('payment.refunded');
    const trail = await admin.get(`/audit?subjectId=${payment.id}&action=refund.succeeded`).expect(200);
    expect(trail.body.data).toMatchObject([{ actorId: admin.id, details: { refundId: refund.id, amount: 10 } }]);
  });

  it('settled again -> 200 with the same outcome, 409 with the other, and nothing happens twice', async () => {
    const { payment, path } = await aRefundByHand({ amount: 10 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => admin.post(path, { outcome: 'succeeded' })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    await admin.post(path, { outcome: 'failed' }).expect(409);
    expect((await current(payment.id)).refundedAmount).toBe(10);
    expect((await typesOf(payment.id)).filter((type) => type === 'payment.refunded')).toHaveLength(1);
  });

  it('it failed -> its amount is free again, and it waits for an admin as a discrepancy', async () => {
    const { payment, refund, path } = await aRefundByHand();
    await admin.post(path, { outcome: 'failed', reason: 'No such account' }).expect(200);
    await admin.post(path, { outcome: 'failed' }).expect(200);
    await admin.post(path, { outcome: 'succeeded' }).expect(409);
    expect(await reservedOf(payment.id)).toBe(0);
    const { body } = await admin.get(`/discrepancies?paymentId=${payment.id}`).expect(200);
    const details = { ours: '44.98 USD', reason: 'No such account' };
    expect(body.data).toMatchObject([{ kind: 'refund_declined', refundId: refund.id, details }]);
  });

  it('its order is cancelled -> pending until an admin settles it, and not repeated by itself', async () => {
    const { order, payment } = await placeOrder(test, alice);
    await admin.post(`/${payment.id}/process`, { method: 'bank_transfer' }).expect(200);
    await test.publish(statusChangedEvent(order, 'cancelled'));
    await eventually(async () => expect(await refundsOf(payment.id)).toMatchObject([{ status: 'pending' }]));
    const [refund] = await refundsOf(payment.id);
    await admin.post(`/${payment.id}/refunds/${refund!.id}/settle`, { outcome: 'failed' }).expect(200);
    expect(await refundsOf(payment.id)).toMatchObject([{ status: 'failed' }]);
    await admin.post(`/${payment.id}/refund`, {}).expect(202);
    const [another] = await refundsOf(payment.id);
    await admin.post(`/${payment.id}/refunds/${another!.id}/settle`, { outcome: 'succeeded' }).expect(200);
    expect((await current(payment.id)).status).toBe('refunded');
  });

  it('under an idempotency key -> 202, and what the admin said afterwards', async () => {
    const { payment } = await placeOrder(test, alice);
    await admin.post(`/${payment.id}/process`, { method: 'cash' }).expect(200);
    const key = newId();
    const ask = () => admin.post(`/${payment.id}/refund`, { amount: 5 }).set('Idempotency-Key', key);
    await ask().expect(202);
    await ask().expect(202);
    const [refund, ...others] = await refundsOf(payment.id);
    expect(others).toEqual([]);
    await admin.post(`/${payment.id}/refunds/${refund!.id}/settle`, { outcome: 'succeeded' }).expect(200);
    expect((await ask().expect(200)).body.data).toMatchObject({ refundedAmount: 5 });
  });

  it('a refund of a provider -> 409; unknown, or of another payment -> 404', async () => {
    const { payment } = await placePaidOrder(test, alice);
    await admin.post(`/${payment.id}/refund`, { amount: 1 }).expect(200);
    const [refund] = await refundsOf(payment.id);
    await admin.post(`/${payment.id}/refunds/${refund!.id}/settle`, { outcome: 'succeeded' }).expect(409);
    await admin.post(`/${payment.id}/refunds/${newId()}/settle`, { outcome: 'succeeded' }).expect(404);
    await admin.post(`/${newId()}/refunds/${refund!.id}/settle`, { outcome: 'succeeded' }).expect(404);
  });
});
