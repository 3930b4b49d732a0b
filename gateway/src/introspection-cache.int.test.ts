import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { getIntrospectionQuery } from 'graphql';
import { heap } from '../test/heap.js';
import { createTestGateway, type TestGateway } from '../test/test-gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
});
afterAll(() => gateway.stop());

const list = (count: number, item: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => item(index)).join(' ');

it('the same question about the schema again -> the same answer, headers and all', async () => {
  const query = getIntrospectionQuery();
  const [first, again] = [await gateway.ask(query), await gateway.ask(query)];

  expect(again.data).toEqual(first.data);
  expect([again.status, again.headers.get('content-type')]).toEqual([first.status, first.headers.get('content-type')]);
});

it('operations of one document -> each has its own answer', async () => {
  const query = 'query A { __type(name: "Order") { name } } query B { __type(name: "User") { name } }';
  const ask = async (operationName: string) => {
    const response = await gateway.yoga.fetch('http://gateway/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, operationName }),
    });
    return response.json();
  };

  for (const [operation, name] of [
    ['A', 'Order'],
    ['B', 'User'],
    ['A', 'Order'],
  ] as const) {
    expect(await ask(operation)).toEqual({ data: { __type: { name } } });
  }
});

it('with variables -> each has its own answer', async () => {
  const query = 'query ($name: String!) { __type(name: $name) { name } }';
  for (const name of ['Order', 'User', 'Order']) {
    expect((await gateway.ask(query, { variables: { name } })).data).toEqual({ __type: { name } });
  }
});

it('beside other fields -> these are asked for each time', async () => {
  const query = '{ __schema { queryType { name } } me { id } }';
  for (let i = 0; i < 2; i++) expect((await gateway.ask(query)).errors?.[0]?.extensions.code).toBe('UNAUTHORIZED');
});

it('a hundred of the longest answers, each another one -> the heap grows by no more than docs/retention.md says', async () => {
  const longest = (index: number) =>
    `{ __schema { types { fields { ${list(12, (i) => `a${i}: type { fields { name ${i === 0 ? `# ${index}\n` : ''} } }`)} } } } }`;
  await gateway.ask(longest(-1));
  const before = heap();
  let characters = 0;
  for (let index = 0; index < 100; index++) {
    const { data } = await gateway.ask(longest(index));
    characters = Math.max(characters, JSON.stringify(data).length);
  }

  expect(characters).toBeGreaterThan(50_000);
  expect(heap() - before).toBeLessThan(40_000_000);
});
