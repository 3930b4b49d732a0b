import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Response } from 'supertest';
import type { PaymentResource } from '@shop/common/contracts';
import { eventually, timeLimit } from '@shop/testing';
import { expectLedgerToBalance } from '../../test/ledger.js';
import { deliver, placeOrder, placePaidOrder, statusChangedEvent } from '../../test/order-builder.js';
import {
  startTestService,
  type RunningTestService,
  type TestCaller,
  type TestService,
} from '../../test/test-service.js';

const PROVIDER_TIMEOUT = 1_500;

let test: TestService;
/** Another process on the same database, less patient with its provider. */
let impatient: RunningTestService;
let alice: TestCaller;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService();
  impatient = await test.startAnother({ providerTimeout: PROVIDER_TIMEOUT });
});
afterAll(async () => {
  try {
    await expectLedgerToBalance(test);
  } finally {
    await impatient.stop();
    await test.stop();
  }
});
beforeEach(() => {
  [alice, admin] = [test.caller(), test.caller('admin')];
});

const current = async (id: string): Promise<PaymentResource> => (await admin.get(`/${id}`).expect(200)).body.data;

const eventTypesOf = async (id: string): Promise<string[]> => {
  const rows = await test.query<{ type: string }>('SELECT type FROM outbox WHERE subject = $1 ORDER BY position', [id]);
  return rows.map(({ type }) => type);
};

const chargesOf = (id: string) =>
  test.query<{ transaction_id: string }>('SELECT * FROM simulated_provider.charges WHERE key = $1', [id]);

/** Alice pays, and the provider takes as long as this does, up to ten seconds. */
async function whileCharging(id: string, work: () => Promise<void>): Promise<Response> {
  await placePaidOrder(test, alice); // the provider's tables are there
  const patient = await test.startAnother({ providerTimeout: 20_000 });
  const provider = new pg.Client(test.config.simulated.databaseUrl);
  await provider.connect();
  try {
    await provider.query('BEGIN; LOCK TABLE simulated_provider.charges IN EXCLUSIVE MODE');
    const answer = alice
      .at(patient.url)
      .post(`/${id}/process`, {})
      .then((response) => response);
    await eventually(async () => expect((await current(id)).status).toBe('processing'));
    await work();
    await provider.query('COMMIT');
    return await answer;
  } finally {
    await provider.end();
    await patient.stop();
  }
}

describe('processing a payment', () => {
  it.each([undefined, 'tok_visa'])('token %s -> paid; each step is published as an event', async (token) => {
    const { payment } = await placeOrder(test, alice);
    const { body } = await alice.post(`/${payment.id}/process`, { token }).expect(200);
    const [charge] = await chargesOf(payment.id);
    expect(body).toEqual({
      success: true,
      message: 'Payment processed',
      data: {
        ...payment,
        status: 'success',
        provider: 'simulated',
        transactionId: charge?.transaction_id,
        paidAt: expect.any(String),
        updatedAt: body.data.paidAt,
      },
    });
    const events = await test.query(
      'SELECT type, sequence, data FROM outbox WHERE subject = $1 AND sequence > 1 ORDER BY position',
      [payment.id],
    );
    expect(events).toMatchObject([
      { type: 'payment.processing', sequence: 2, data: { status: 'processing', previousStatus: 'pending' } },
      { type: 'payment.success', sequence: 3, data: { ...body.data, previousStatus: 'processing', reason: null } },
    ]);
  });

  it.each([
    ['tok_chargeDeclined', 'card_declined'],
    ['tok_insufficientFunds', 'insufficient_funds'],
    ['tok_4242424242424242', 'unknown_token'],
  ])('%s -> declined for good, with the reason', async (token, reason) => {
    const { payment } = await placeOrder(test, alice);
    const { body } = await alice.post(`/${payment.id}/process`, { token }).expect(402);
    expect(body.error).toEqual({
      code: 'PAYMENT_DECLINED',
      message: 'Payment was declined',
      reason,
      paymentId: payment.id,
    });
    expect(await current(payment.id)).toMatchObject({ status: 'failed', failureReason: reason, paidAt: null });
    const [event] = await test.query("SELECT data FROM outbox WHERE subject = $1 AND type = 'payment.failed'", [
      payment.id,
    ]);
    expect(event).toMatchObject({ data: { status: 'failed', reason, previousStatus: 'processing' } });
    await alice.post(`/${payment.id}/process`, {}).expect(409);
  });

  it('an unknown token stands in no table', async () => {
    const { payment } = await placeOrder(test, alice);
    await alice.post(`/${payment.id}/process`, { token: 'tok_canary' }).expect(402);
    const rows = await test.query(`
      SELECT FROM outbox WHERE outbox::text LIKE '%tok_canary%'
      UNION ALL SELECT FROM payments WHERE payments::text LIKE '%tok_canary%'
      UNION ALL SELECT FROM simulated_provider.charges WHERE charges::text LIKE '%tok_canary%'`);
    expect(rows).toEqual([]);
  });

  it('50 at once -> one charge; the others learn that it is not pending', async () => {
    const { payment } = await placeOrder(test, alice);
    const another = await test.startAnother();
    const urls = [test.url, another.url];
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => alice.at(urls[index % 2]!).post(`/${payment.id}/process`, {})),
    );
    await another.stop();
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(49);
    expect(await chargesOf(payment.id)).toHaveLength(1);
    expect(await eventTypesOf(payment.id)).toEqual(['payment.created', 'payment.processing', 'payment.success']);
  });

  it('after the time in which its order can be paid -> 409, and nothing is charged', async () => {
    const payableUntil = new Date(Date.now() - 1).toISOString();
    const { payment } = await placeOrder(test, alice, { payableUntil });
    const { body } = await alice.post(`/${payment.id}/process`, {}).expect(409);
    // Expiry of the order may come before the call.
    expect(['Order can no longer be paid', 'Payment is cancelled and can not be processed']).toContain(
      body.error.message,
    );
    expect(await chargesOf(payment.id)).toEqual([]);
    expect(await eventTypesOf(payment.id)).not.toContain('payment.processing');
  });

  it('begun before the end of that time -> paid, however long the provider takes', async () => {
    const { order, payment } = await placeOrder(test, alice);
    const answer = await whileCharging(payment.id, async () => {
      await test.query('UPDATE payable_orders SET payable_until = now() WHERE id = $1', [order.id]);
    });
    expect(answer.status).toBe(200);
    expect((await current(payment.id)).status).toBe('success');
  });

  it('the provider charges and answers 500 -> outcome unknown: 202, and nobody charges again', async () => {
    const { payment } = await placeOrder(test, alice);
    const { body } = await alice.post(`/${payment.id}/process`, { token: 'tok_error' }).expect(202);
    expect(body.data).toMatchObject({ status: 'processing', transactionId: null });
    await alice.post(`/${payment.id}/process`, {}).expect(409);
    expect(await chargesOf(payment.id)).toHaveLength(1);
  });

  it('the provider charges and never answers -> 202 after our own time limit', async () => {
    const { payment } = await placeOrder(test, alice);
    const start = Date.now();
    const { body } = await alice.at(impatient.url).post(`/${payment.id}/process`, { token: 'tok_timeout' }).expect(202);
    expect(Date.now() - start).toBeLessThan(timeLimit(PROVIDER_TIMEOUT + 2_000));
    expect(body.data.status).toBe('processing');
    expect(await chargesOf(payment.id)).toHaveLength(1);
  });

  it('the provider charges and our own database refuses to note it -> 202: nobody gets the answer that nothing happened', async () => {
    const { payment } = await placeOrder(test, alice);
    await test.query(`
      CREATE TRIGGER fault BEFORE UPDATE ON payments FOR EACH ROW
      WHEN (NEW.id = '${payment.id}' AND NEW.status = 'success') EXECUTE FUNCTION refuse_change_of_final_state()`);
    const { body } = await alice.post(`/${payment.id}/process`, {}).expect(202);
    await test.query('DROP TRIGGER fault ON payments');
    expect(body.data.status).toBe('processing');
    expect(test.logged).toContainEqual(
      expect.objectContaining({ message: 'outcome of a charge not written', paymentId: payment.id, level: 'error' }),
    );
    await alice.post(`/${payment.id}/process`, {}).expect(409);
  });

  it('the provider takes our connection and says nothing -> 503 and pending again: it was not asked', async () => {
    const { payment } = await placeOrder(test, alice);
    const silent = await listenSilently();
    const waiting = await test.startAnother({ simulated: { databaseUrl: silent.url }, providerTimeout: 5_000 });
    try {
      await alice.at(waiting.url).post(`/${payment.id}/process`, {}).expect(503);
    } finally {
      await waiting.stop();
      silent.stop();
    }
    expect((await current(payment.id)).status).toBe('pending');
  });

  it('the provider is certainly not reached -> 503 and pending again; later it is paid', async () => {
    const { payment } = await placeOrder(test, alice);
    const cutOff = await test.startAnother({ simulated: { databaseUrl: 'postgresql://127.0.0.1:1/none' } });
    try {
      const { body } = await alice.at(cutOff.url).post(`/${payment.id}/process`, {}).expect(503);
      expect(body.error.code).toBe('SERVICE_UNAVAILABLE');
    } finally {
      await cutOff.stop();
    }
    expect(await current(payment.id)).toMatchObject({ status: 'pending', provider: null });
    await alice.post(`/${payment.id}/process`, {}).expect(200);
  });
});

describe('money received by hand', () => {
  it.each(['cash', 'bank_transfer'])('%s -> an admin alone receives it; no provider is asked', async (method) => {
    const { payment } = await placeOrder(test, alice);
    const { body } = await alice.post(`/${payment.id}/process`, { method }).expect(403);
    expect(body.error.code).toBe('FORBIDDEN');
    const { body: received } = await admin.post(`/${payment.id}/process`, { method }).expect(200);
    expect(received.data).toMatchObject({ status: 'success', method, provider: 'manual', userId: alice.id });
    await alice.post(`/${payment.id}/process`, { method }).expect(403);
    expect(await chargesOf(payment.id)).toEqual([]);
    await admin.post(`/${payment.id}/refund`, {}).expect(202); // made by hand as well: an admin settles it
  });

  it('a payment opened as cash -> its owner can pay it by card after all', async () => {
    const { order, payment } = await placeOrder(test, alice);
    await alice.post(`/${payment.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);
    const draft = { orderId: order.id, amount: 44.98, currency: 'USD', method: 'cash' };
    const { body } = await alice.post('', draft).expect(201);
    await alice.post(`/${body.data.id}/process`, {}).expect(403);
    const { body: paid } = await alice.post(`/${body.data.id}/process`, { method: 'card' }).expect(200);
    expect(paid.data).toMatchObject({ method: 'card', provider: 'simulated' });
  });
});

describe('an order is cancelled', () => {
  it('while its payment is being processed -> the charge is refunded', async () => {
    const { order, payment } = await placeOrder(test, alice);
    const answer = await whileCharging(payment.id, async () => {
      await deliver(test, statusChangedEvent(order, 'cancelled'));
      expect((await current(payment.id)).status).toBe('processing');
    });
    expect(answer.status).toBe(200);
    await eventually(async () =>
      expect(await current(payment.id)).toMatchObject({ status: 'refunded', refundedAmount: 44.98 }),
    );
    expect(await eventTypesOf(payment.id)).toEqual([
      'payment.created',
      'payment.processing',
      'payment.success',
      'payment.refunded',
    ]);
    const { body } = await alice.get(`/${payment.id}/refunds`).expect(200);
    expect(body.data).toMatchObject([{ amount: 44.98, status: 'succeeded', reason: 'order cancelled' }]);
  });

  it('while the provider is not reached -> the payment is cancelled, and nothing is charged', async () => {
    const { order, payment } = await placeOrder(test, alice);
    const silent = await listenSilently();
    const cutOff = await test.startAnother({ simulated: { databaseUrl: silent.url }, providerTimeout: 60_000 });
    try {
      const answer = alice
        .at(cutOff.url)
        .post(`/${payment.id}/process`, {})
        .then((response) => response);
      await eventually(async () => expect((await current(payment.id)).status).toBe('processing'));
      await deliver(test, statusChangedEvent(order, 'cancelled'));
      silent.stop();
      expect((await answer).status).toBe(409);
    } finally {
      silent.stop();
      await cutOff.stop();
    }
    expect((await current(payment.id)).status).toBe('cancelled');
    expect(await chargesOf(payment.id)).toEqual([]);
  });

  it('after its payment -> refunded, once, however often the event comes', async () => {
    const { order, payment } = await placePaidOrder(test, alice);
    const cancelled = statusChangedEvent({ ...order, status: 'confirmed' }, 'cancelled', 3);
    await deliver(test, cancelled, cancelled, cancelled);
    await eventually(async () => expect((await current(payment.id)).status).toBe('refunded'));
    expect((await alice.get(`/${payment.id}/refunds`).expect(200)).body.data).toHaveLength(1);
  });
});

/** A server that takes connections and says nothing: no request is ever sent over them. `stop` breaks them off. */
async function listenSilently(): Promise<{ stop: () => void; url: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const stop = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { stop, url: `postgresql://postgres@127.0.0.1:${address.port}/none` };
}
