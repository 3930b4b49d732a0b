import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createTestBroker,
  createTestTokens,
  excessOf,
  hostEnvironment,
  startCountedProcess,
  testHostConfig,
  type CountedProcess,
  type CountedRequest,
  type TestBroker,
  type Work,
} from '@shop/testing';
import { aPage, aPayment, aUser, anOrder } from '../test/resources.js';
import { startStandIn, type StandIn } from '../test/upstream.js';

const tokens = createTestTokens();
const user = aUser();
const token = tokens.tokenFor({ id: user.id });
const orders = Array.from({ length: 20 }, () => anOrder({ userId: user.id }));
const payments = orders.map(({ id, userId }) => aPayment({ orderId: id, userId }));

let broker: TestBroker;
let services: StandIn;
let counted: CountedProcess;

beforeAll(async () => {
  [broker, services] = await Promise.all([createTestBroker(), startStandIn()]);
  services.on('GET /api/v1/users/me', () => ({ data: user }));
  services.on('GET /api/v1/users', () => ({ data: [user], meta: aPage() }));
  services.on('GET /api/v1/orders/my-orders', () => ({ data: orders, meta: aPage({ limit: 20 }) }));
  services.on('GET /api/v1/payments', () => ({ data: payments, meta: aPage() }));
  counted = await startCountedProcess({
    directory: path.join(import.meta.dirname, '..'),
    environment: {
      ...hostEnvironment(testHostConfig({ tokens, brokerUrl: broker.url })),
      GATEWAY_PORT: '0',
      GATEWAY_RATE_LIMIT: '1000000',
      USER_SERVICE_URL: services.url,
      ORDER_SERVICE_URL: services.url,
      PAYMENT_SERVICE_URL: services.url,
    },
  });
});
afterAll(async () => {
  await counted.kill();
  await Promise.all([broker.stop(), services.stop()]);
});

const graphql = (query: string): CountedRequest => ({ path: '/graphql', token, body: { query } });

/** The numbers only go down: a change that needs less lowers them. */
const limits: [string, CountedRequest, Partial<Work>][] = [
  ['health', { path: '/health' }, { randoms: 1 }],
  ['the name of a type', graphql('{ __typename }'), { randoms: 1, hashes: 1, promises: 19, lines: 1 }],
  ['oneself', graphql('{ me { id email fullName } }'), { calls: 1, randoms: 1, hashes: 1, promises: 44, lines: 1 }],
  [
    'a page of 20 orders with user and payment',
    graphql('{ myOrders(limit: 20) { data { id status totalAmount user { email } payment { status } } } }'),
    { calls: 3, randoms: 1, hashes: 1, promises: 190, lines: 1 },
  ],
];

describe('what a request has the gateway do', () => {
  it.each(limits)('%s -> no more than before', async (_, request, most) => {
    expect(excessOf(await counted.workOf(request), most)).toEqual([]);
  });
});
