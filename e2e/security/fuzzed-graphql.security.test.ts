import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { getIntrospectionQuery } from 'graphql';
import { DocumentFuzzer } from '../../gateway/test/document-fuzzer.ts';
import { createTestGateway, type TestGateway } from '../../gateway/test/test-gateway.ts';
import { buildSchema } from '../../gateway/src/schema.ts';
import { startProcess, type RunningProcess } from '../support/rolling-service.ts';
import { placeOrder, register, settings, type Account } from '../support/system.js';
import { beside, medianAndWorst } from './support/beside.ts';
import { shown } from './support/measurements.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
/** Of each search. */
const SEARCH = Number(process.env.MINUTES ?? 1) * 60_000;
const MEASURED = 20_000;
const PER_SECOND = 50;
const BODY = 99_000;
/** 12 million characters, of which each can take three bytes; and what stands around them. */
const MAX_ANSWER = 40_000_000;
/** What the gateway's memory may grow by, whatever is asked. */
const MAX_GROWTH = 150_000_000;

const schema = buildSchema();
const list = (count: number, item: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => item(index)).join(' ');

/** The limits that the system ships with, where those of the other tests are higher. Out of its heap, a process ends. */
const asShipped = {
  ...settings,
  NODE_OPTIONS: '--max-old-space-size=256',
  GATEWAY_RATE_LIMIT: '100',
  NEW_QUERY_TIME_PER_CLIENT: '100/1s',
  NEW_QUERY_TIME_IN_ALL: '200/1s',
};
let attacked: RunningProcess;
let url: string;
let victim: Account;

beforeAll(async () => {
  attacked = await startProcess('gateway', asShipped);
  url = `http://127.0.0.1:${attacked.port}/graphql`;
  victim = await register();
});
afterAll(() => attacked.stop());

async function ask(query: string, token?: string, operationName?: string): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, operationName }) });
  return { status: response.status, text: await response.text() };
}
const readMe = async (): Promise<void> => {
  const { status, text } = await ask('{ me { id } }', victim.token);
  expect([status, JSON.parse(text)]).toEqual([200, { data: { me: { id: victim.id } } }]);
};
const memory = async (): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${attacked.port}/metrics`)).text();
  return Number(/^process_resident_memory_bytes\{[^}]*\} (\S+)$/m.exec(text)?.[1]);
};

/** Documents that were found by others, before there were limits for what they do. */
const knownAttacks = [
  `query Q0 { me { ${list(110, (i) => `...F${i}`)} } } ${list(110, (i) => `fragment F${i} on User { id email role isActive createdAt updatedAt }`)}`,
  `${'\n'.repeat(40_000)} query Q0 { ${list(1_400, (i) => `x${i}`)} }`,
  `query Q0 { me { ${list(50, (i) => `...F${i}`)} } } ${list(50, (i) => `fragment F${i} on User { ${list(30, (j) => `x${i}_${j}`)} }`)}`,
  `query Q0 { ${list(30, (i) => `a${i}: __schema { types { name fields { name args { name type { name } } type { name ofType { name } } } } }`)} }`,
];

describe(`documents of a fuzzer, seed ${seed}`, () => {
  let local: TestGateway;
  beforeAll(async () => {
    local = await createTestGateway();
  });
  afterAll(() => local.stop());

  it('those that take longest, fifty a second -> another user’s p99 at most three times its own alone', async () => {
    let count = 0;
    const cost = async (query: string): Promise<number> => {
      const took = [];
      for (let i = 0; i < 3; i++) {
        const body = JSON.stringify({ query: `${query} # ${count++}`, operationName: 'Q0' });
        const started = performance.now();
        const headers = { 'content-type': 'application/json' };
        await (await local.yoga.fetch('http://gateway/graphql', { method: 'POST', headers, body })).text();
        took.push(performance.now() - started);
      }
      return Math.min(...took);
    };
    const fuzzer = new DocumentFuzzer({ schema, seed, isValid: false, maxBytes: 90_000, score: cost });
    const end = performance.now() + SEARCH;
    await fuzzer.run(() => performance.now() > end);
    const worst = fuzzer.worst.map(({ query }) => query);
    process.stdout.write(`${fuzzer.tried} documents tried; the worst: ${(await cost(worst[0] ?? '')).toFixed(1)} ms\n`);

    // As they are, and as long as a body may be.
    const bodies = [...worst, ...knownAttacks].flatMap((query) => {
      const body = (padding: string) => JSON.stringify({ query: `#@${padding}\n${query}`, operationName: 'Q0' });
      return [body(''), body('x'.repeat(Math.max(0, BODY - body('').length)))];
    });
    const flood = { url, perSecond: PER_SECOND, headers: {}, bodies };
    const times = await beside(flood, readMe, MEASURED);
    shown('another user’s reads, ms: alone', [medianAndWorst(times.alone)]);
    shown('beside the worst documents', [medianAndWorst(times.beside)]);
    process.stdout.write(`their answers: ${JSON.stringify(times.statuses)}\n`);

    expect(times.statuses['429']).toBeGreaterThan(0);
    expect(medianAndWorst(times.beside).p99 / medianAndWorst(times.alone).p99).toBeLessThanOrEqual(3);
    expect(attacked.errors).toEqual([]);
  }, 1_200_000);

  it('those with the longest answers -> none is longer than an answer may be, and memory keeps its bound', async () => {
    const account = await register();
    const text = (length: number) => 'n'.repeat(length);
    const item = { productId: text(255), productName: text(255), quantity: 1, unitPrice: 1 };
    const items = Array.from({ length: 50 }, () => item);
    const input = { shippingAddress: text(500), notes: text(1_000), items };
    for (let i = 0; i < 30; i++) await placeOrder(account.token, input);
    const before = await memory();
    let most = 0;
    const fuzzer = new DocumentFuzzer({
      schema,
      seed,
      isValid: true,
      maxBytes: 90_000,
      score: async (query) => {
        const { text: answer } = await ask(query, account.token, 'Q0');
        most = Math.max(most, await memory());
        return answer.length;
      },
    });
    const end = performance.now() + SEARCH;
    await fuzzer.run(() => performance.now() > end);
    const longest = fuzzer.worst[0]?.score ?? 0;
    const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
    process.stdout.write(
      `${fuzzer.tried} documents tried; the longest answer: ${(longest / 1e6).toFixed(1)} MB; memory ${megabytes(before)}, at most ${megabytes(most)}\n`,
    );

    expect(longest).toBeLessThan(MAX_ANSWER);
    expect(attacked.errors).toEqual([]);
  }, 1_200_000);
});

describe('introspection', () => {
  it('a hundred of the longest answers in a row, each another one -> memory keeps its bound', async () => {
    const account = await register();
    const longest = (index: number): string =>
      `{ __schema { types { fields { ${list(12, (i) => `a${i}: type { fields { name } }`)} } } } } # ${index}`;
    await ask(getIntrospectionQuery(), account.token);
    const before = await memory();
    let most = 0;
    let bytes = 0;
    for (let index = 0; index < 100; index++) {
      bytes += (await ask(longest(index), account.token)).text.length;
      most = Math.max(most, await memory());
    }
    shown('introspection, MB', [{ before: before / 1e6, most: most / 1e6, answered: bytes / 1e6 }]);

    expect(most - before).toBeLessThan(MAX_GROWTH);
    await readMe();
  });
});
