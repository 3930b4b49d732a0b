import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { aPage, anOrder } from '../test/resources.js';
import { codes, createTestGateway, type TestGateway } from '../test/test-gateway.js';

const PER_REQUEST = 3;
const PER_CLIENT = 5;
const list = (count: number, item: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => item(index)).join(' ');

let gateway: TestGateway;

beforeEach(async () => {
  gateway = await createTestGateway({ upstreamLimits: { perRequest: PER_REQUEST, perClient: PER_CLIENT } });
});
afterEach(() => gateway.stop());

describe('calls of services', () => {
  const lists = (count: number): string =>
    `{ ${list(count, (i) => `a${i}: orders(limit: ${i + 1}) { data { id } }`)} }`;

  /** No list is answered before `wanted` of them are asked for at once. The most that ever were. */
  const together = (wanted: number): { most: number } => {
    const calls = { most: 0 };
    const complete = Promise.withResolvers<undefined>();
    let running = 0;
    gateway.orders.on('GET /api/v1/orders', async () => {
      running++;
      calls.most = Math.max(calls.most, running);
      if (running === wanted) complete.resolve(undefined);
      await complete.promise;
      await delay(5); // whatever else may come
      running--;
      return { data: [anOrder()], meta: aPage() };
    });
    return calls;
  };

  it('thirty lists in one request -> a few at a time, and all are answered', async () => {
    const calls = together(PER_REQUEST);
    const { data, errors } = await gateway.ask(lists(30), { token: gateway.tokens.tokenFor({}) });

    expect(errors).toBeUndefined();
    expect(Object.keys(data)).toHaveLength(30);
    expect(calls.most).toBe(PER_REQUEST);
  });

  it('many requests of one account -> a few at a time for all of them, and all are answered', async () => {
    const calls = together(PER_CLIENT);
    const token = gateway.tokens.tokenFor({});
    const answers = await Promise.all(Array.from({ length: 4 }, () => gateway.ask(lists(8), { token })));

    for (const { errors } of answers) expect(errors).toBeUndefined();
    expect(calls.most).toBe(PER_CLIENT);
  });

  it('requests of two accounts -> neither waits for the other', async () => {
    const calls = together(PER_CLIENT + 1);
    const tokens = ['0199a000-0000-7000-8000-00000000000b', '0199a000-0000-7000-8000-00000000000c'].map((id) =>
      gateway.tokens.tokenFor({ id }),
    );
    const answers = await Promise.all(
      tokens.flatMap((token) => [gateway.ask(lists(8), { token }), gateway.ask(lists(8), { token })]),
    );

    for (const { errors } of answers) expect(errors).toBeUndefined();
    expect(calls.most).toBeGreaterThan(PER_CLIENT);
  });
});

describe('answers', () => {
  const items = Array.from({ length: 100 }, (_, i) => ({
    id: `0199a000-0000-7000-8000-${i.toString().padStart(12, '0')}`,
    productId: 'p',
    productName: 'n'.repeat(255),
    quantity: 1,
    unitPrice: 1,
  }));
  const many = Array.from({ length: 100 }, () => anOrder({ items, notes: 'n'.repeat(1_000) }));
  const serve = (count: number) =>
    gateway.orders.on('GET /api/v1/orders', () => ({ data: many.slice(0, count), meta: aPage() }));
  const token = () => gateway.tokens.tokenFor({});

  it('the longest page that there is, with all fields -> answered', async () => {
    serve(100);
    const query =
      '{ orders(limit: 100) { data { id notes status items { id productId productName quantity unitPrice } } } }';
    const { data, errors } = await gateway.ask(query, { token: token() });

    expect(errors).toBeUndefined();
    expect(data.orders.data).toHaveLength(100);
  });

  it('values of items, repeated by aliases -> QUERY_TOO_COMPLEX, as soon as there are too many', async () => {
    serve(30);
    const query = `{ orders(limit: 30) { data { items { ...F } } } } fragment F on OrderItem { ${list(29, (i) => `a${i}: productName`)} }`;

    expect(codes(await gateway.ask(query, { token: token() }))).toContain('QUERY_TOO_COMPLEX');
    expect(gateway.log).toEqual([]);
  });

  it('long values, repeated by aliases -> QUERY_TOO_COMPLEX instead of an answer', async () => {
    serve(100);
    const query = `{ orders(limit: 100) { data { items { ${list(7, (i) => `a${i}: productName`)} } } } }`;
    const { data, errors } = await gateway.ask(query, { token: token() });

    expect(data).toBeUndefined();
    expect(errors).toEqual([{ message: 'Query is too complex: answer', extensions: { code: 'QUERY_TOO_COMPLEX' } }]);
  });

  it('long lists, asked for again and again -> what is read ends', async () => {
    serve(100);
    const query = `{ ${list(30, (i) => `a${i}: orders(limit: 100, offset: ${i}) { data { id } }`)} }`;
    const { data, errors } = await gateway.ask(query, { token: token() });

    expect(data).toBeNull();
    expect(errors?.[0]).toMatchObject({
      message: 'Query is too complex: answer',
      extensions: { code: 'QUERY_TOO_COMPLEX' },
    });
    expect(gateway.orders.calls.length).toBeLessThan(15);
  });
});
