import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { timeLimit } from '@shop/testing';
import { DocumentFuzzer } from '../test/document-fuzzer.js';
import { aPage, anOrder, aPayment, aUser } from '../test/resources.js';
import { createTestGateway, type TestGateway } from '../test/test-gateway.js';
import { buildSchema } from './schema.js';

/** The long forms are `make test-security FILE=fuzzed-graphql`. */
const SEED = Number(process.env.SEED ?? 1);
const TIME = 4_000;
/** Milliseconds that no document takes from others. */
const MAX_COST = 40;
/** 12 million characters, of which each can take three bytes; and what stands around them. */
const MAX_ANSWER = 40_000_000;

const schema = buildSchema();
let gateway: TestGateway;
let token: string;

beforeAll(async () => {
  gateway = await createTestGateway();
  token = gateway.tokens.tokenFor({});
  const items = Array.from({ length: 20 }, () => ({
    id: aUser().id,
    productId: 'p'.repeat(255),
    productName: 'n'.repeat(255),
    quantity: 1,
    unitPrice: 1,
  }));
  const user = aUser();
  const orders = Array.from({ length: 100 }, () => anOrder({ userId: user.id, items, notes: 'n'.repeat(1_000) }));
  const payments = orders.map(({ id }) => aPayment({ orderId: id, userId: user.id }));
  gateway.users.on('GET /api/v1/users/me', () => ({ data: user }));
  gateway.users.on('GET /api/v1/users', () => ({ data: [user], meta: aPage() }));
  for (const path of ['', '/my-orders']) {
    gateway.orders.on(`GET /api/v1/orders${path}`, ({ query }) => ({
      data: orders.slice(0, Number(query.get('limit') ?? query.get('perUser') ?? 10)),
      meta: aPage(),
    }));
  }
  for (const path of ['', '/my-payments']) {
    gateway.payments.on(`GET /api/v1/payments${path}`, () => ({ data: payments, meta: aPage() }));
  }
});
afterAll(() => gateway.stop());

let count = 0;
/** Each another one, so that none is known. */
async function ask(query: string, authorization?: string): Promise<{ took: number; text: string }> {
  const body = JSON.stringify({ query: `${query} # ${count++}`, operationName: 'Q0' });
  const started = performance.now();
  const response = await gateway.yoga.fetch('http://gateway/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
    body,
  });
  const text = await response.text();
  return { took: performance.now() - started, text };
}
const leastOf = async (times: number, query: string): Promise<number> => {
  const took = [];
  for (let i = 0; i < times; i++) took.push((await ask(query)).took);
  return Math.min(...took);
};

it('documents that get ever more expensive -> none takes long', async () => {
  const fuzzer = new DocumentFuzzer({
    schema,
    seed: SEED,
    isValid: false,
    maxBytes: 90_000,
    score: (query) => leastOf(2, query),
  });
  const end = performance.now() + TIME;
  await fuzzer.run(() => performance.now() > end);

  expect(fuzzer.tried).toBeGreaterThan(20);
  expect(await leastOf(5, fuzzer.worst[0]?.query ?? '')).toBeLessThan(timeLimit(MAX_COST));
});

it('documents whose answers get ever longer -> none is longer than an answer may be', async () => {
  const fuzzer = new DocumentFuzzer({
    schema,
    seed: SEED,
    isValid: true,
    maxBytes: 90_000,
    score: async (query) => (await ask(query, `Bearer ${token}`)).text.length,
  });
  const end = performance.now() + TIME;
  await fuzzer.run(() => performance.now() > end);

  expect(fuzzer.worst[0]?.score).toBeGreaterThan(100_000);
  expect(fuzzer.worst[0]?.score).toBeLessThan(MAX_ANSWER);
});
