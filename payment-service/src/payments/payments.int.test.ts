import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { timeLimit } from '@shop/testing';
import supertest from 'supertest';
import { v7 as newId } from 'uuid';
import type { PaymentResource } from '@shop/common/contracts';
import { buildOrder, deliver, orderCreatedEvent, placeOrder, placePaidOrder } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';
import type { CreatePaymentBody } from './payment.validator.js';

let test: TestService;
let alice: TestCaller;
let bob: TestCaller;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService();
});
afterAll(() => test.stop());
beforeEach(() => {
  [alice, bob, admin] = [test.caller(), test.caller(), test.caller('admin')];
});

/** A body that pays the order. */
const paymentBody = ({ id }: { id: string }, changes: object = {}) => {
  return { orderId: id, amount: 44.98, currency: 'USD', method: 'card', ...changes };
};

/** An order that order-service knows and that this service has not learned of. */
function unknownOrder(changes: Partial<Parameters<typeof buildOrder>[0]> = {}) {
  const order = buildOrder({ userId: alice.id, ...changes });
  test.orderService.orders.set(order.id, order);
  return order;
}

async function orderWithFailedPayment() {
  const { order, payment } = await placeOrder(test, alice);
  await alice.post(`/${payment.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);
  return { order, failed: payment };
}

const idsOf = (body: { data: PaymentResource[] }): string[] => body.data.map(({ id }) => id);

describe('who may do what', () => {
  it('nobody without a token, on any route', async () => {
    const id = newId();
    const anonymous = supertest(test.url);
    for (const path of ['', '/my-payments', `/${id}`, `/order/${id}`, `/${id}/refunds`]) {
      const { headers } = await anonymous.get(`/api/v1/payments${path}`).expect(401);
      expect(headers['www-authenticate']).toBe('Bearer');
    }
    for (const path of ['', `/${id}/process`, `/${id}/refund`]) {
      await anonymous.post(`/api/v1/payments${path}`).send({}).expect(401);
    }
  });

  it("another user's payment looks missing, on every route, and stays as it is", async () => {
    const { order, payment } = await placeOrder(test, alice);
    for (const path of [`/${payment.id}`, `/order/${order.id}`, `/${payment.id}/refunds`]) {
      const { body } = await bob.get(path).expect(404);
      const { body: missing } = await bob.get(path.replace(/[0-9a-f-]{36}/, newId())).expect(404);
      expect(body.error).toEqual(missing.error);
    }
    await bob.post(`/${payment.id}/process`, {}).expect(404);
    await bob.post(`/${payment.id}/process`, { method: 'cash' }).expect(404);
    await bob.post('', paymentBody(order)).expect(404);
    await bob.post(`/${payment.id}/refund`, {}).expect(403);
    for (const filter of ['', `?ids=${payment.id}`, `?orderIds=${order.id}`]) {
      expect((await bob.get(filter).expect(200)).body.data).toEqual([]);
    }
    expect((await alice.get(`/${payment.id}`).expect(200)).body.data).toEqual(payment);
  });

  it('an admin sees everybody, and only its own under my-payments', async () => {
    const { order, payment } = await placeOrder(test, alice);
    for (const path of [`/${payment.id}`, `/order/${order.id}`])
      expect((await admin.get(path).expect(200)).body.data.id).toBe(payment.id);
    for (const filter of [`?ids=${payment.id}`, `?orderIds=${order.id}`]) {
      expect(idsOf((await admin.get(filter).expect(200)).body)).toEqual([payment.id]);
      expect(idsOf((await admin.get(`/my-payments${filter}`).expect(200)).body)).toEqual([]);
    }
    expect((await admin.get('/my-payments').expect(200)).body.data).toEqual([]);
  });

  it('only an admin refunds: the role is checked before the payment is looked up', async () => {
    await alice.post(`/${newId()}/refund`, { amount: 'x' }).expect(403);
    await admin.post(`/${newId()}/refund`, {}).expect(404);
  });
});

describe('POST /payments', () => {
  it('every field of the body -> stored, shown by itself and in lists, and in the event', async () => {
    const whole: Required<CreatePaymentBody> = {
      orderId: unknownOrder().id,
      amount: 44.98,
      currency: 'USD',
      method: 'card',
      description: 'Second try',
    };
    const { id } = (await alice.post('', whole).expect(201)).body.data;
    expect((await alice.get(`/${id}`).expect(200)).body.data).toMatchObject(whole);
    expect((await alice.get('').expect(200)).body.data).toMatchObject([whole]);
    expect(await test.query('SELECT data FROM outbox WHERE subject = $1', [id])).toMatchObject([{ data: whole }]);
  });

  it('an order not learned of yet -> fetched with the caller’s token, and paid for', async () => {
    const order = unknownOrder();
    const { body } = await alice.post('', paymentBody(order, { description: ' ledger ' })).expect(201);
    expect(body).toEqual({
      success: true,
      message: 'Payment created',
      data: {
        id: expect.any(String),
        orderId: order.id,
        userId: alice.id,
        amount: 44.98,
        refundedAmount: 0,
        currency: 'USD',
        status: 'pending',
        method: 'card',
        transactionId: null,
        provider: null,
        nextAction: null,
        description: 'ledger',
        failureReason: null,
        paidAt: null,
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        updatedAt: body.data.createdAt,
      },
    });
    expect(test.orderService.authorizations.at(-1)).toMatch(/^Bearer eyJ/);
    const events = await test.query('SELECT type, sequence, data FROM outbox WHERE subject = $1', [body.data.id]);
    expect(events).toEqual([
      { type: 'payment.created', sequence: 1, data: { ...body.data, previousStatus: null, reason: null } },
    ]);
  });

  it('the last payment failed -> a further one; it is the latest of the order', async () => {
    const { order, failed } = await orderWithFailedPayment();
    const { body } = await alice.post('', paymentBody(order, { method: 'e_wallet' })).expect(201);
    expect(body.data.id).not.toBe(failed.id);
    expect((await alice.get(`/order/${order.id}`).expect(200)).body.data.id).toBe(body.data.id);
    expect(idsOf((await alice.get(`?orderIds=${order.id}`).expect(200)).body)).toEqual([body.data.id]);
    await alice.post(`/${body.data.id}/process`, {}).expect(200);
  });

  it('a live payment -> 409 that names it', async () => {
    const { order, payment } = await placeOrder(test, alice);
    const { body } = await alice.post('', paymentBody(order)).expect(409);
    expect(body.error).toMatchObject({ code: 'CONFLICT', paymentId: payment.id });
    expect(body.error.message).toContain(payment.id);
  });

  it('20 at once -> one is opened', async () => {
    const { order } = await orderWithFailedPayment();
    const answers = await Promise.all(Array.from({ length: 20 }, () => alice.post('', paymentBody(order))));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
  });

  it('an admin for somebody’s order -> the payment is that user’s', async () => {
    const { body } = await admin.post('', paymentBody(unknownOrder())).expect(201);
    expect(body.data.userId).toBe(alice.id);
  });

  it('an order that is not there, or somebody else’s -> 404', async () => {
    await alice.post('', paymentBody({ id: newId() })).expect(404);
    const { body } = await bob.post('', paymentBody(unknownOrder())).expect(404);
    expect(body.error).toMatchObject({ code: 'NOT_FOUND', message: 'Order not found' });
  });

  it.each([
    ['was retired since', 'BGN', 2, 19.99],
    ['only order-service knows', 'XQA', 3, 1.234],
  ])('the currency of the order %s, after a failed payment -> another one, which is paid', async (...how) => {
    const [, currency, currencyDecimals, totalAmount] = how;
    const order = { ...buildOrder({ userId: alice.id, currency, totalAmount }), currencyDecimals };
    await deliver(test, orderCreatedEvent(order));
    const { body: first } = await alice.get(`/order/${order.id}`).expect(200);
    await alice.post(`/${first.data.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);
    const { body } = await alice.post('', paymentBody(order, { amount: totalAmount, currency })).expect(201);
    const { body: paid } = await alice.post(`/${body.data.id}/process`, {}).expect(200);
    expect(paid.data).toMatchObject({ status: 'success', amount: totalAmount, currency });
  });

  it('another amount or currency than the order’s -> 400', async () => {
    const order = unknownOrder();
    const faults = [
      [{ amount: 44.97 }, 'amount'],
      [{ amount: 44.981 }, 'amount'],
      [{ amount: 1e15 }, 'amount'],
      [{ currency: 'EUR' }, 'currency'],
      [{ currency: 'XQA' }, 'currency'],
    ] as const;
    for (const [changes, field] of faults) {
      const { body } = await alice.post('', paymentBody(order, changes)).expect(400);
      expect(body.error.fields).toEqual([{ field, message: expect.any(String) }]);
    }
  });

  it('an order past being paid -> 409', async () => {
    const past = new Date(Date.now() - 1_000).toISOString();
    for (const changes of [
      { status: 'cancelled' as const },
      { status: 'confirmed' as const },
      { payableUntil: past },
    ]) {
      await alice.post('', paymentBody(unknownOrder(changes))).expect(409);
    }
  });

  it('order-service fails or is down -> 503, too slow -> 504; payments of known orders go on', async () => {
    const { order } = await orderWithFailedPayment();
    const unreceived = unknownOrder();
    try {
      test.orderService.fault = 'failing';
      const { body } = await alice.post('', paymentBody(unreceived)).expect(503);
      expect(body.error).toMatchObject({ code: 'SERVICE_UNAVAILABLE', message: 'order-service is unavailable' });
      await alice.post('', paymentBody(order)).expect(201);
      test.orderService.fault = 'silent';
      const start = Date.now();
      await alice.post('', paymentBody(unreceived)).expect(504);
      expect(Date.now() - start).toBeLessThan(timeLimit(3_500));
    } finally {
      test.orderService.fault = 'none';
    }
    await alice.post('', paymentBody(unreceived)).expect(201);
  });

  it('bad input -> 400 that names every field, and what has no rule is ignored', async () => {
    const bad = { orderId: 'x', amount: '5', currency: 'usd', method: 'coins', description: 'a'.repeat(501) };
    const { body } = await alice.post('', bad).expect(400);
    expect(body.error.fields.map(({ field }: { field: string }) => field)).toEqual(Object.keys(bad));
    expect(body.error.details).toContain('amount: must be a number');
    for (const amount of [0, -1, null, [5], Number.MAX_VALUE]) {
      await alice.post('', paymentBody(unknownOrder(), { amount })).expect(400);
    }
    const { body: kept } = await alice
      .post('', paymentBody(unknownOrder(), { userId: bob.id, status: 'success', refundedAmount: 1 }))
      .expect(201);
    expect(kept.data).toMatchObject({ userId: alice.id, status: 'pending', refundedAmount: 0 });
  });

  it('currencies without and with three decimals -> exact to the last digit', async () => {
    for (const [currency, amount] of [
      ['JPY', 999_999_999_999_999],
      ['KWD', 999_999_999_999.999],
      ['USD', 9_999_999_999_999.99],
    ] as const) {
      const order = unknownOrder({ currency, totalAmount: amount });
      const { body } = await alice.post('', paymentBody(order, { amount, currency })).expect(201);
      expect((await alice.get(`/${body.data.id}`).expect(200)).body.data).toMatchObject({ amount, currency });
    }
  });
});

describe('lists', () => {
  it('newest first, page by page, by offset and by cursor alike', async () => {
    const placed = [];
    for (let count = 0; count < 5; count++) placed.push((await placeOrder(test, alice)).payment.id);
    const newest = placed.toReversed();
    const first = (await alice.get('?limit=2').expect(200)).body;
    expect(idsOf(first)).toEqual(newest.slice(0, 2));
    expect(first.meta).toEqual({ total: 5, limit: 2, offset: 0, hasMore: true, nextCursor: expect.any(String) });
    const second = (await alice.get(`?limit=2&cursor=${first.meta.nextCursor}`).expect(200)).body;
    expect(idsOf(second)).toEqual(newest.slice(2, 4));
    expect(second.meta).toMatchObject({ total: null, hasMore: true });
    const third = (await alice.get(`?limit=2&total=true&cursor=${second.meta.nextCursor}`).expect(200)).body;
    expect(idsOf(third)).toEqual(newest.slice(4));
    expect(third.meta).toMatchObject({ total: 5, hasMore: false, nextCursor: null });
    const byOffset = (await alice.get('/my-payments?limit=2&offset=2&total=false').expect(200)).body;
    expect(idsOf(byOffset)).toEqual(newest.slice(2, 4));
    expect(byOffset.meta.total).toBeNull();
    await alice.get(`?status=pending&cursor=${first.meta.nextCursor}`).expect(400);
    await alice.get(`/my-payments?cursor=${first.meta.nextCursor}`).expect(400);
  });

  it('filtered by status', async () => {
    const open = (await placeOrder(test, alice)).payment;
    const paid = (await placePaidOrder(test, alice)).payment;
    expect(idsOf((await alice.get('?status=pending').expect(200)).body)).toEqual([open.id]);
    expect(idsOf((await alice.get('/my-payments?status=success').expect(200)).body)).toEqual([paid.id]);
    expect((await alice.get('?status=success').expect(200)).body.meta.total).toBe(1);
  });

  it('batches: all that is there and visible, in one piece', async () => {
    const { order, payment } = await placeOrder(test, alice);
    const { order: other, payment: theirs } = await placeOrder(test, bob);
    const ids = (await alice.get(`?ids=${payment.id},${theirs.id},${newId()}`).expect(200)).body;
    expect(idsOf(ids)).toEqual([payment.id]);
    expect(ids.meta).toEqual({ total: 1, limit: 1, offset: 0, hasMore: false, nextCursor: null });
    const latest = (await admin.get(`?orderIds=${order.id},${other.id},${newId()}`).expect(200)).body;
    expect(new Set(idsOf(latest))).toEqual(new Set([payment.id, theirs.id]));
  });

  it('what makes no sense -> 400', async () => {
    const id = newId();
    const tooMany = Array.from({ length: 101 }, () => newId()).join(',');
    for (const query of [
      'limit=101',
      'limit=0',
      'offset=-1',
      'status=paid',
      'colour=red',
      'ids=x',
      `ids=${tooMany}`,
      `ids=${id}&limit=5`,
      `orderIds=${id}&offset=5`,
      `orderIds=${id}&ids=${id}`,
      `ids=${id}&status=pending`,
      'cursor=x',
    ]) {
      await alice.get(`?${query}`).expect(400);
    }
    for (const path of ['/x', '/order/x', '/x/refunds']) await alice.get(path).expect(400);
    await alice.post('/x/process', {}).expect(400);
  });
});

describe('routes', () => {
  it('another method -> 405 with those that are allowed', async () => {
    const { headers } = await alice.post('/my-payments', {}).expect(405);
    expect(headers.allow).toBe('GET, HEAD, OPTIONS');
  });

  it('process needs no body; another content type than JSON -> 415', async () => {
    const { payment } = await placeOrder(test, alice);
    await alice.post(`/${payment.id}/process`).set('Content-Type', 'text/plain').send('x').expect(415);
    await alice.post(`/${payment.id}/process`).expect(200);
  });
});
