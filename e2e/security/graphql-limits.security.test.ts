import { expect, it } from '@jest/globals';
import { register, urls } from '../support/system.js';

const TRIES = 100;
/** Milliseconds, as a median. */
const BOUND = 20;

const list = (count: number, item: (index: number) => string): string =>
  Array.from({ length: count }, (_, i) => item(i)).join(' ');
const nested = (depth: number): string =>
  `{ me ${'{ orders(limit: 1) { user '.repeat(depth)} { id } ${'} }'.repeat(depth)} }`;
const bomb = (fields: string): string =>
  `{ ...F0 } ${list(60, (i) => `fragment F${i} on Query { ...F${i + 1} ${fields} ...F${i + 1} }`)} fragment F60 on Query { me { id } }`;

it.each([
  ['depth', nested(10)],
  ['cost', '{ users(limit: 100) { data { id orders(limit: 100) { id status } } } }'],
  ['aliases', `{ ${list(31, (i) => `a${i}: __typename`)} }`],
  ['tokens', `{ ${list(45_000, () => 'a')} }`],
  ['directives', `{ __typename ${list(900, () => '@skip(if: false)')} }`],
  ['operations', list(300, (i) => `query Q${i} { __typename }`)],
  ['log-ins', `mutation { ${list(25, (i) => `l${i}: login(input: { email: "a", password: "b" }) { token }`)} }`],
  ['cost', bomb('')],
  ['cost', bomb('me { id }')],
])('past the limit of %s -> refused within 20 ms, as a median', async (rule, query) => {
  const { token } = await register();
  const times: number[] = [];
  for (let i = 0; i < TRIES; i++) {
    // Another text each time: what was parsed and validated once is remembered.
    const body = JSON.stringify({ query: `${query} # ${i}`, operationName: rule === 'operations' ? 'Q0' : undefined });
    const started = performance.now();
    const response = await fetch(`${urls.gateway}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body,
    });
    const answer = (await response.json()) as { errors: { message: string }[] };
    times.push(performance.now() - started);
    expect(answer.errors.map(({ message }) => message)).toEqual([`Query is too complex: ${rule}`]);
  }
  const median = times.sort((a, b) => a - b)[TRIES / 2] ?? Infinity;
  process.stdout.write(`${rule}: ${median.toFixed(1)} ms\n`);
  expect(median).toBeLessThan(BOUND);
});
