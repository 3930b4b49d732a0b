import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { excessOf, type CountedProcess, type CountedRequest, type Work } from '@shop/testing';
import { orderBody } from '../test/order-builder.js';
import { startTestService, type TestService } from '../test/test-service.js';

let test: TestService;
let counted: CountedProcess;
let token: string;
let orderId: string;

beforeAll(async () => {
  test = await startTestService();
  counted = await test.startCounted();
  const alice = test.caller();
  token = test.tokens.tokenFor({ id: alice.id });
  for (let i = 0; i < 20; i++) orderId = (await alice.post(orderBody()).expect(201)).body.data.id;
});
afterAll(async () => {
  await counted.kill();
  await test.stop();
});

/** The numbers only go down: a change that needs less lowers them. */
const limits: [string, () => CountedRequest, Partial<Work>][] = [
  ['health', () => ({ path: '/health' }), { randoms: 1 }],
  [
    'an order by its id',
    () => ({ path: `/api/v1/orders/${orderId}`, token }),
    { statements: 1, randoms: 1, hashes: 1, promises: 30, lines: 1 },
  ],
  [
    'a page of 20 orders',
    () => ({ path: '/api/v1/orders/my-orders?limit=20&total=false', token }),
    { statements: 1, randoms: 1, hashes: 1, promises: 29, lines: 1 },
  ],
  [
    'an order is placed',
    () => ({ path: '/api/v1/orders', token, body: orderBody() }),
    { statements: 1, randoms: 5, hashes: 1, promises: 55, lines: 1 },
  ],
];

describe('what a request has the service do', () => {
  it.each(limits)('%s -> no more than before', async (_, request, most) => {
    expect(excessOf(await counted.workOf(request()), most)).toEqual([]);
  });
});
