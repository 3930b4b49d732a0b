import { expect, it } from '@jest/globals';
import { graphql, placeOrder, register, settings, urls } from '../support/system.js';

const TRIES = 100;
/** Milliseconds, as a median. */
const BOUND = 20;

const list = (count: number, item: (index: number) => string): string =>
  Array.from({ length: count }, (_, i) => item(i)).join(' ');
const nested = (depth: number): string =>
  `{ me ${'{ orders(limit: 1) { user '.repeat(depth)} { id } ${'} }'.repeat(depth)} }`;
const bomb = (fields: string): string =>
  `{ ...F0 } ${list(40, (i) => `fragment F${i} on Query { ...F${i + 1} ${fields} ...F${i + 1} }`)} fragment F40 on Query { me { id } }`;

/** Much to compare with the schema, but for that it is refused before. */
const aliasedAndLong = `{ me { ${list(20, (i) => `...F${i}`)} } ${list(31, (i) => `a${i}: __typename`)} } ${list(20, (i) => `fragment F${i} on User { id email role isActive createdAt updatedAt }`)}`;
/** Each is compared with each. */
const fragments = (count: number): string =>
  `{ me { ${list(count, (i) => `...F${i}`)} } } ${list(count, (i) => `fragment F${i} on User { id email role isActive createdAt updatedAt }`)}`;

it.each([
  ['depth', nested(10)],
  ['cost', '{ users(limit: 100) { data { id orders(limit: 100) { id status } } } }'],
  ['cost', '{ users(limit: 100) { data { orders(limit: 100) { __typename } } } }'],
  ['aliases', `{ ${list(31, (i) => `a${i}: __typename`)} }`],
  ['aliases', aliasedAndLong],
  ['tokens', `{ ${list(45_000, () => 'a')} }`],
  ['tokens', `${'#\n'.repeat(33_000)}{ __typename }`],
  ['repeats', `{ me { ${list(1_900, () => 'id')} } }`],
  ['repeats', `{ ${list(490, () => 'me { id }')} }`],
  ['body', `{ __typename } #${'x'.repeat(100_000)}`],
  ['directives', `{ __typename ${list(250, () => '@skip(if: false)')} }`],
  ['operations', list(300, (i) => `query Q${i} { __typename }`)],
  ['logins', `mutation { ${list(25, (i) => `l${i}: login(input: { email: "a", password: "b" }) { token }`)} }`],
  ['fields', bomb('')],
  ['fields', bomb('me { id }')],
  ['fragments', fragments(110)],
  ['repeats', fragments(40)],
  ['lines', `${'\n'.repeat(40_000)}{ ${list(1_400, (i) => `x${i}`)} }`],
  ['introspection', `{ ${list(30, (i) => `a${i}: __schema { types { name } }`)} }`],
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
    const message = rule === 'body' ? 'Request body is too large' : `Query is too complex: ${rule}`;
    expect(answer.errors.map((error) => error.message)).toEqual([message]);
  }
  const median = times.sort((a, b) => a - b)[TRIES / 2] ?? Infinity;
  process.stdout.write(`${rule}: ${median.toFixed(1)} ms\n`);
  expect(median).toBeLessThan(BOUND);
});

it('past the time that all calls of a request have -> what is missing is given up then', async () => {
  const allowed = Number(/^(\d+)s$/.exec(settings.GATEWAY_REQUEST_TIMEOUT ?? '')?.[1]) * 1_000;
  const { token } = await register();
  // One after the other, three seconds each.
  const payments = await Promise.all([1, 2].map(async () => (await placeOrder(token)).paymentId));
  const started = performance.now();
  const { body } = await graphql(
    `mutation { ${list(2, (i) => `p${i}: processPayment(id: "${payments[i]}", token: "tok_slow") { status }`)} }`,
    token,
  );

  expect(body.errors.map((error: { extensions: { code: string } }) => error.extensions.code)).toEqual([
    'UPSTREAM_TIMEOUT',
  ]);
  expect(performance.now() - started).toBeLessThan(allowed + 1_000);
});
