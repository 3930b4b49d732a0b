import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { placeOrder } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

let test: TestService;
let alice: TestCaller;

beforeAll(async () => {
  test = await startTestService();
  alice = test.caller();
});
afterAll(() => test.stop());

it('a payment read, paid and refunded -> its tag grows with each change; If-None-Match with the last one -> 304', async () => {
  const { payment } = await placeOrder(test, alice);
  const path = `/${payment.id}`;
  await alice.get(path).expect(200).expect('ETag', '"1"');
  const { text } = await alice.get(path).set('If-None-Match', '"1"').expect(304).expect('ETag', '"1"');
  expect(text).toBe('');
  const paid = await alice.post(`${path}/process`, {}).expect(200);
  await alice.get(path).set('If-None-Match', '"1"').expect(200).expect('ETag', `${paid.headers.etag}`);
  const refunded = await test.caller('admin').post(`${path}/refund`, {}).expect(200);
  expect(refunded.headers.etag).not.toBe(paid.headers.etag);
  await alice.get(path).set('If-None-Match', `${paid.headers.etag}, ${refunded.headers.etag}`).expect(304);
  await test.caller().get(path).set('If-None-Match', '*').expect(404);
  for (const list of ['', `?ids=${payment.id}`, `${path}/refunds`]) {
    expect((await alice.get(list).expect(200)).headers).not.toHaveProperty('etag');
  }
});

it('the payment of an order is another one than before -> another tag, although both are in the same version', async () => {
  const { order, payment } = await placeOrder(test, alice);
  const path = `/order/${order.id}`;
  const first = await alice.get(path).expect(200);
  await alice.get(path).set('If-None-Match', `${first.headers.etag}`).expect(304);
  await alice.post(`/${payment.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);

  const body = { orderId: order.id, amount: 44.98, currency: 'USD', method: 'card' };
  const opened = await alice.post('', body).expect(201);
  const { id } = opened.body.data;
  expect([opened.headers.etag, opened.headers.location]).toEqual(['"1"', `/api/v1/payments/${id}`]);
  const second = await alice.get(path).set('If-None-Match', `${first.headers.etag}`).expect(200);
  expect([second.body.data.id, second.headers.etag]).toEqual([id, `"${id}.1"`]);
});
