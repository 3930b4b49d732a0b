import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { excessOf, type CountedProcess, type CountedRequest, type Work } from '@shop/testing';
import { placeOrder } from '../test/order-builder.js';
import { startTestService, type TestService } from '../test/test-service.js';

let test: TestService;
let counted: CountedProcess;
let token: string;
let paymentId: string;
let payer: string;
let pending: string[];

beforeAll(async () => {
  test = await startTestService();
  counted = await test.startCounted();
  const alice = test.caller();
  token = test.tokens.tokenFor({ id: alice.id });
  for (let i = 0; i < 20; i++) paymentId = (await placeOrder(test, alice)).payment.id;
  const bob = test.caller();
  payer = test.tokens.tokenFor({ id: bob.id });
  pending = await Promise.all(Array.from({ length: 31 }, async () => (await placeOrder(test, bob)).payment.id));
});
afterAll(async () => {
  await counted.kill();
  await test.stop();
});

/** The numbers only go down: a change that needs less lowers them. */
const limits: [string, () => CountedRequest, Partial<Work>][] = [
  ['health', () => ({ path: '/health' }), { randoms: 1 }],
  [
    'a payment by its id',
    () => ({ path: `/api/v1/payments/${paymentId}`, token }),
    { statements: 1, randoms: 1, hashes: 1, promises: 28, lines: 1 },
  ],
  [
    'a page of 20 payments',
    () => ({ path: '/api/v1/payments/my-payments?limit=20&total=false', token }),
    { statements: 1, randoms: 1, hashes: 1, promises: 27, lines: 1 },
  ],
  [
    'a payment is processed',
    () => ({ path: () => `/api/v1/payments/${pending.pop()}/process`, token: payer, body: {} }),
    { statements: 4, randoms: 4, hashes: 1, promises: 120, lines: 1 },
  ],
];

describe('what a request has the service do', () => {
  it.each(limits)('%s -> no more than before', async (_, request, most) => {
    expect(excessOf(await counted.workOf(request()), most)).toEqual([]);
  });
});
