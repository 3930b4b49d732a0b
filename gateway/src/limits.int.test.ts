import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { timeLimit } from '@shop/testing';
import { serverAudits } from 'graphql-http';
import { getIntrospectionQuery, parse, validate } from 'graphql';
import type { Plugin, YogaInitialContext } from 'graphql-yoga';
import { aPage, aUser, anOrder } from '../test/resources.js';
import { createTestGateway, read, type TestGateway } from '../test/test-gateway.js';
import { useQueryLimits } from './limits.js';
import { buildSchema } from './schema.js';

let gateway: TestGateway;
let token: string;

beforeAll(async () => {
  gateway = await createTestGateway();
  token = gateway.tokens.tokenFor({});
});
beforeEach(() => {
  gateway.reset();
  const user = aUser();
  const session = () => ({ data: { token: 't', refreshToken: 'r', expiresIn: 1, user } });
  const orders = () => ({ data: [anOrder({ userId: user.id })], meta: aPage() });
  gateway.users.on('GET /api/v1/users/me', () => ({ data: user }));
  gateway.users.on('GET /api/v1/users', () => ({ data: [user], meta: aPage() }));
  for (const path of ['login', 'register']) gateway.users.on(`POST /api/v1/users/${path}`, session);
  gateway.users.on('PUT /api/v1/users/me/password', session);
  gateway.orders.on('GET /api/v1/orders', orders);
  gateway.payments.on('GET /api/v1/payments', () => ({ data: [], meta: aPage() }));
  gateway.orders.on('POST /api/v1/orders', () => ({ data: anOrder() }));
});
afterAll(() => gateway.stop());

const list = (count: number, item: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => item(index)).join(' ');

/** `{ me { orders { user { orders { ... id } } } } }`: fields below each other, `depth` of them. */
const nested = (depth: number): string => {
  const fields = Array.from({ length: depth - 1 }, (_, index) =>
    index === 0 ? 'me' : index % 2 === 1 ? 'orders(limit: 1)' : 'user',
  );
  return `{ ${fields.join(' { ')} { id ${'}'.repeat(fields.length)} }`;
};
const aliased = (count: number): string => `{ ${list(count, (i) => `a${i}: __typename`)} }`;
const logins = (count: number): string =>
  `mutation { ${list(count, (i) => `l${i}: login(input: { email: "a@b.co", password: "${i}" }) { token }`)} }`;
/** 26 tokens, and 141 items of 14 each: 2,000 in all. Each further field of the order is one more. */
const long = (tokens: number): string =>
  `mutation { createOrder(input: { currency: "USD", notes: "n", shippingAddress: "s", items: [${list(141, () => '{ productId: "p", productName: "n", quantity: 1, unitPrice: 1 }')}] }) { id ${list(tokens - 2_000, () => 'status')} } }`;
const commented = (tokens: number): string => `${'#\n'.repeat(tokens - 3)}{ __typename }`;
const directives = (count: number): string =>
  `{ ${list(Math.ceil(count / 2), (i) => `a${i}: __typename @skip(if: false) ${2 * i + 1 < count ? '@include(if: true)' : ''}`)} }`;
const userFields = ['id', 'email', 'firstName', 'lastName', 'fullName', 'role', 'isActive', 'createdAt', 'updatedAt'];
/** Of `count` fields of one name each is compared with each. */
const repeats = (count: number): string => `{ me { ${list(count, (i) => (i % 2 ? 'id' : '... { id }'))} } }`;
const repeatsInFragments = (count: number): string =>
  `{ me { ${list(count, (i) => `...F${i}`)} } } ${list(count, (i) => `fragment F${i} on User { id role }`)}`;
const repeatsBelow = (count: number): string =>
  `{ ${list(count, () => 'me { id role email }')} } fragment F on Query { me { ...G } } fragment G on User { id }`;
const fragments = (count: number): string =>
  `{ me { ${list(count, (i) => `...F${i}`)} } } ${list(count, (i) => `fragment F${i} on User { ${userFields[i % 9]} }`)}`;
const spreads = (count: number): string => `{ me { ${list(count, () => '...F')} } } fragment F on User { id }`;
/** 181 selections, 91 for each of `fields`: a fragment is counted at each of its 90 uses, and by itself. */
const wide = (fields: number): string =>
  `{ me { ${list(90, () => '... { ...F }')} } } fragment F on User { ${list(fields, (i) => `${userFields[i % 9]}`)} }`;
/** Of 50 fragments, whose fields are looked for in each other. */
const distinct = (fields: string): string =>
  `{ me { ${list(50, (i) => `...F${i}`)} } } ${list(50, (i) => `fragment F${i} on User { ${fields} }`)}`;
/** Two uses, one in the other, and `count` more in the last: each is counted once. */
const nestedSpreads = (count: number): string =>
  `{ me { ...A } } fragment A on User { ...B } fragment B on User { id ${list(count, () => '...C')} } fragment C on User { role }`;
const lines = (count: number): string => `${'\n'.repeat(count - 1)}{ me { id } }`;
/** 9,902 for the users with their orders, 2 and one for each of `limit` for the rest. */
const costly = (limit: number): string =>
  `{ users(limit: 99) { data { orders(limit: 99) { id } } } orders(limit: ${limit}) { data { id } } }`;
const schemas = (count: number): string => `{ ${list(count, (i) => `a${i}: __schema { queryType { name } }`)} }`;
const types = (count: number): string => `{ ${list(count, (i) => `a${i}: __type(name: "Order") { name }`)} }`;
/** Below few names, thousands of values. */
const wideTypes = (count: number): string =>
  `{ __schema { types { fields { ${list(count, (i) => `a${i}: type { fields { name description isDeprecated type { name kind } } }`)} } } } }`;
const operations = (count: number): string => list(count, (i) => `query Q${i} { __typename }`);
/** Fragments that each use the next one twice: 2 to the power of 60 in all. */
const bomb = (fields: string): string =>
  `{ ...F0 } ${list(60, (i) => `fragment F${i} on Query { ...F${i + 1} ${fields} ...F${i + 1} }`)} fragment F60 on Query { me { id } }`;

const rules: [rule: string, fine: string, tooMuch: string][] = [
  ['depth', nested(10), nested(11)],
  ['aliases', aliased(30), aliased(31)],
  ['tokens', long(2_000), long(2_001)],
  ['tokens', commented(2_000), commented(2_001)],
  ['tokens', commented(2_000), commented(33_000)],
  ['logins', logins(2), logins(3)],
  ['directives', directives(50), directives(51)],
  ['repeats', repeats(71), repeats(72)],
  ['repeats', repeatsInFragments(50), repeatsBelow(50)],
  ['fragments', fragments(50), fragments(51)],
  ['fragments', spreads(100), spreads(101)],
  ['fragments', nestedSpreads(98), nestedSpreads(99)],
  ['fields', wide(52), wide(53)],
  ['fields', distinct('id role'), distinct(list(10, (i) => `x${i}`))],
  ['lines', lines(2_000), lines(2_001)],
  ['lines', lines(2_000), `${'\n'.repeat(40_000)}{ ${list(1_500, (i) => `wrong${i}`)} }`],
  ['introspection', schemas(1), schemas(2)],
  [
    'introspection',
    '{ ...F } fragment F on Query { __schema { description } }',
    '{ ...F a: __schema { description } } fragment F on Query { __schema { description } }',
  ],
  ['introspection', types(5), types(6)],
  ['introspection', wideTypes(5), wideTypes(20)],
  ['cost', costly(96), costly(97)],
  [
    'cost',
    '{ users(limit: 98) { data { orders(limit: 100) { __typename } } } }',
    '{ users(limit: 99) { data { orders(limit: 100) { __typename } } } }',
  ],
  [
    'cost',
    '{ users(limit: 98) { ...F } } fragment F on UserConnection { data { orders(limit: 100) { __typename } } }',
    '{ users(limit: 99) { ...F } } fragment F on UserConnection { data { orders(limit: 100) { __typename } } }',
  ],
  [
    'logins',
    'mutation { ...L b: changePassword(current: "a", new: "b") { token } } fragment L on Mutation { a: login(input: { email: "a", password: "b" }) { token } }',
    'mutation { ...L b: register(input: { email: "a", password: "b", firstName: "c", lastName: "d" }) { token } ...M } fragment L on Mutation { a: login(input: { email: "a", password: "b" }) { token } } fragment M on Mutation { c: changePassword(current: "a", new: "b") { token } }',
  ],
];
const refusal = (rule: string) => [
  { message: `Query is too complex: ${rule}`, extensions: { code: 'QUERY_TOO_COMPLEX' } },
];

const ID = '0199a000-0000-7000-8000-000000000000';
const subscription = (fields: string): string => `subscription { orderUpdated(id: "${ID}") { ${fields} } }`;

describe('what a query may ask for', () => {
  it.each(rules)('up to the limit of %s -> answered', async (_rule, query, _tooMuch) => {
    const { data, errors } = await gateway.ask(query, { token });

    expect(errors).toBeUndefined();
    expect(Object.keys(data).length).toBeGreaterThan(0);
  });

  it.each(rules)(
    'past the limit of %s -> QUERY_TOO_COMPLEX, which names the rule alone',
    async (rule, _fine, query) => {
      const { data, errors } = await gateway.ask(query, { token });

      expect(data).toBeUndefined();
      expect(errors).toEqual(refusal(rule));
      expect(gateway.calls()).toHaveLength(0);
    },
  );

  it.each(rules.filter(([, query]) => !query.startsWith('mutation')))(
    'past the limit of %s, by GET -> the same',
    async (rule, fine, tooMuch) => {
      const get = async (query: string) =>
        read(
          await gateway.yoga.fetch(`http://gateway/graphql?query=${encodeURIComponent(query)}`, {
            headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
          }),
        );

      expect((await get(fine)).errors).toBeUndefined();
      expect((await get(tooMuch)).errors).toEqual(refusal(rule));
    },
  );

  it.each([
    [
      'depth',
      subscription('user { orders { user { orders { user { orders { user { orders { user { id } } } } } } } } }'),
    ],
    ['aliases', subscription(list(31, (i) => `a${i}: id`))],
    ['tokens', `${'#\n'.repeat(2_000)}${subscription('id')}`],
    ['directives', subscription(list(26, (i) => `a${i}: id @skip(if: false) @include(if: true)`))],
    ['repeats', subscription(list(72, () => 'id'))],
    ['cost', subscription('user { orders(limit: 100) { user { orders(limit: 100) { __typename } } } }')],
  ])('past the limit of %s, by subscription -> the same', async (rule, query) => {
    for (const accept of ['application/json', 'text/event-stream']) {
      const response = await gateway.yoga.fetch(`http://gateway/graphql?query=${encodeURIComponent(query)}`, {
        headers: { authorization: `Bearer ${token}`, accept },
      });
      expect(await response.text()).toContain(JSON.stringify({ errors: refusal(rule) }));
    }
    expect(gateway.calls()).toHaveLength(0);
  });

  it('too much, and invalid as well -> refused for being too much, without being compared with the schema', async () => {
    const { errors } = await gateway.ask(`{ ordrs ${list(31, (i) => `a${i}: __typename`)} }`);

    expect(errors).toEqual(refusal('aliases'));
  });

  it('what graphql-js itself gives up to validate -> a rule is named as well', () => {
    const schema = buildSchema();
    const result = validate(schema, parse(`{ me { ${list(1_900, () => 'id')} } }`));
    const answers: unknown[] = [];
    const hook = useQueryLimits(schema).onValidate?.({ setValidationFn: () => undefined } as unknown as Parameters<
      NonNullable<Plugin['onValidate']>
    >[0]);
    hook?.({
      context: {} as YogaInitialContext,
      extendContext: () => undefined,
      valid: false,
      result: [...result],
      setResult: (errors) => answers.push(...errors),
    });

    expect(answers).toMatchObject(refusal('validation'));
  });

  it('a list length from a variable, or its default -> counted as well', async () => {
    const query = (definition: string) =>
      `query (${definition}) { users(limit: $n) { data { orders(limit: $n) { id status } } } }`;

    const given = await gateway.ask(query('$n: Int'), { token, variables: { n: 100 } });
    const defaulted = await gateway.ask(query('$n: Int = 100'), { token });
    const small = await gateway.ask(query('$n: Int = 100'), { token, variables: { n: 5 } });

    expect(given.errors?.[0]?.message).toBe('Query is too complex: cost');
    expect(defaulted.errors?.[0]?.message).toBe('Query is too complex: cost');
    expect(small.errors).toBeUndefined();
  });

  it('a query that is remembered, with other variables -> measured again', async () => {
    const query = 'query ($n: Int) { users(limit: $n) { data { orders(limit: $n) { id status } } } }';
    const limits = [5, 100, 5, 100];
    const answers: (string | undefined)[] = [];
    for (const n of limits) answers.push((await gateway.ask(query, { token, variables: { n } })).errors?.[0]?.message);

    expect(answers).toEqual(limits.map((n) => (n === 100 ? 'Query is too complex: cost' : undefined)));
  });

  it('a list length of variables that are no numbers -> no way around the cost', async () => {
    for (const n of ['100', [100], { limit: 100 }, 1e3, -1, 2 ** 31]) {
      const query = 'query ($n: Int) { users(limit: $n) { data { orders(limit: $n) { id status } } } }';
      const { errors } = await gateway.ask(query, { token, variables: { n } });

      expect(['QUERY_TOO_COMPLEX', 'GRAPHQL_VALIDATION_FAILED', undefined]).toContain(errors?.[0]?.extensions.code);
    }
  });

  it('many operations, of which one is executed -> refused', async () => {
    const post = async (count: number) =>
      read(
        await gateway.yoga.fetch('http://gateway/graphql', {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          body: JSON.stringify({ query: operations(count), operationName: 'Q0' }),
        }),
      );

    expect((await post(20)).data).toEqual({ __typename: 'Query' });
    expect((await post(21)).errors?.[0]?.message).toBe('Query is too complex: operations');
  });

  it('one directive a thousand times -> refused before they are compared with each other', async () => {
    const { errors } = await gateway.ask(`{ __typename ${'@a '.repeat(900)} }`);

    expect(errors).toEqual([
      { message: 'Query is too complex: directives', extensions: { code: 'QUERY_TOO_COMPLEX' } },
    ]);
  });

  it.each([
    ['each used twice', bomb('me { id }'), 'QUERY_TOO_COMPLEX'],
    ['with nothing of their own', bomb(''), 'QUERY_TOO_COMPLEX'],
    ['in a circle', '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }', 'GRAPHQL_VALIDATION_FAILED'],
    [
      'of themselves',
      '{ ...A } fragment A on Query { me { orders { user { id } } } ...A }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['of the same fields a hundred times', `{ ${'...A '.repeat(100)} } fragment A on Query { __typename }`, undefined],
  ])('fragments in fragments, %s -> refused at once, if at all', async (_, query, code) => {
    const started = performance.now();

    const { errors } = await gateway.ask(query, { token });

    expect(errors?.[0]?.extensions.code).toBe(code);
    expect(performance.now() - started).toBeLessThan(timeLimit(2_000));
  });

  it('100 orders with all their fields, items, user and payment -> answered', async () => {
    const { errors } = await gateway.ask(
      `{ orders(limit: 100) { data {
        id userId status statusReason totalAmount currency shippingAddress notes payableUntil createdAt updatedAt
        items { id productId productName quantity unitPrice }
        user { id email firstName lastName fullName role isActive createdAt updatedAt }
        payment { id amount refundedAmount currency status method transactionId paidAt createdAt }
      } pageInfo { total limit offset hasMore nextCursor } } }`,
      { token },
    );

    expect(errors).toBeUndefined();
  });

  it('introspection, as deep as GraphiQL goes -> answered', async () => {
    const { data, errors } = await gateway.ask(getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true }));

    expect(errors).toBeUndefined();
    expect(data.__schema.types.length).toBeGreaterThan(20);
  });
});

describe('how long a request may take', () => {
  it('a service that never answers -> UPSTREAM_TIMEOUT when the time of the request is over, its calls given up', async () => {
    const hasty = await createTestGateway({ timeout: 60_000, requestTimeout: 3_000 });
    try {
      const id = '0199a000-0000-7000-8000-000000000000';
      hasty.orders.on(`PATCH /api/v1/orders/${id}/status`, () => new Promise(() => undefined));
      const one = await hasty.ask(`mutation { updateOrderStatus(id: "${id}", status: cancelled) { id } }`, {
        token: hasty.tokens.tokenFor({}),
      });
      const list = await hasty.ask('{ me { id } orders { data { id } } }', { token: hasty.tokens.tokenFor({}) });

      expect(one.errors?.map(({ extensions }) => extensions.code)).toEqual(['UPSTREAM_TIMEOUT']);
      expect(list.errors?.map(({ extensions }) => extensions.code)).not.toContain('UPSTREAM_TIMEOUT');
    } finally {
      await hasty.stop();
    }
  });
});

describe('the schema, where it is not to be shown', () => {
  it('introspection and misspelt names -> refused without a hint', async () => {
    const closed = await createTestGateway({ introspectionEnabled: false });
    try {
      const introspection = await closed.ask('{ __schema { types { name } } }');
      const misspelt = await closed.ask('{ ordrs { data { id } } }');
      const variable = await closed.ask('mutation ($i: LoginInput!) { login(input: $i) { token } }', {
        variables: { i: { email: 'a', password: 'b', passwort: 'c' } },
      });

      expect(introspection.errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
      expect(introspection.data).toBeUndefined();
      for (const { errors } of [misspelt, variable]) {
        expect(errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
        expect(JSON.stringify(errors)).not.toContain('Did you mean');
      }
    } finally {
      await closed.stop();
    }
  });

  it('elsewhere -> misspelt names get a hint', async () => {
    const { errors } = await gateway.ask('{ ordrs { data { id } } }');

    expect(errors?.[0]?.message).toContain('Did you mean');
  });
});

describe('what a request may be', () => {
  const post = (body: string, type = 'application/json') =>
    gateway.yoga.fetch('http://gateway/graphql', { method: 'POST', headers: { 'content-type': type }, body });
  const query = JSON.stringify({ query: '{ __typename }' });

  it.each([
    'text/plain',
    'application/graphql',
    'application/x-www-form-urlencoded',
    'application/graphql+json',
    'application/json; charset=iso-8859-1',
  ])('a body of type %s -> 415', async (type) => {
    const { status, errors } = await read(await post(query, type));

    expect(status).toBe(415);
    expect(errors?.[0]?.extensions.code).toBe('UNSUPPORTED_MEDIA_TYPE');
  });

  it.each([
    'Application/JSON',
    'application/json;',
    'application/json; charset=UTF8',
    'application/json;charset="utf-8"',
    'application/json; charset=us-ascii',
  ])('a body of type %s, with or without a byte order mark -> answered', async (type) => {
    for (const mark of ['', '\ufeff']) {
      const { status, data } = await read(await post(`${mark}${query}`, type));
      expect([status, data]).toEqual([200, { __typename: 'Query' }]);
    }
  });

  it('a body over 100 kB -> 413', async () => {
    const body = JSON.stringify({ query: '{ __typename }', variables: { x: 'x'.repeat(100_000) } });
    const { status, errors } = await read(await post(body));

    expect(status).toBe(413);
    expect(errors?.[0]?.extensions.code).toBe('PAYLOAD_TOO_LARGE');
  });

  it.each([
    ['a batch', `[${query},${query}]`],
    ['no query', '{}'],
    ['a parameter that does not exist', '{"query":"{ __typename }","more":1}'],
    ['broken JSON', '{"query":'],
  ])('%s -> 400 INVALID_INPUT, with nothing of the parser', async (_, body) => {
    const { status, errors } = await read(await post(body));

    expect(status).toBe(400);
    expect(errors).toHaveLength(1);
    expect(errors?.[0]?.extensions).toEqual({ code: 'INVALID_INPUT' });
  });

  it('GET -> queries, and never mutations', async () => {
    const get = async (text: string) =>
      read(await gateway.yoga.fetch(`http://gateway/graphql?query=${encodeURIComponent(text)}`));

    const answer = await get('{ __typename }');
    const refused = await get('mutation { logout }');

    expect([answer.status, answer.data]).toEqual([200, { __typename: 'Query' }]);
    expect(refused.headers.get('cache-control')).toBe('no-store');
    expect([refused.status, refused.errors?.[0]?.extensions.code]).toEqual([405, 'METHOD_NOT_ALLOWED']);
    expect(gateway.calls()).toHaveLength(0);
  });

  it('PUT -> 405', async () => {
    const { status, errors } = await read(await gateway.yoga.fetch('http://gateway/graphql', { method: 'PUT' }));

    expect([status, errors?.[0]?.extensions.code]).toEqual([405, 'METHOD_NOT_ALLOWED']);
  });
});

describe('GraphQL over HTTP', () => {
  const audits = serverAudits({
    url: 'http://gateway/graphql',
    fetchFn: (url: string, init: RequestInit) => gateway.yoga.fetch(url, init),
  });

  it('the audit -> has 61 parts', () => expect(audits).toHaveLength(61));

  it.each(audits.map((audit) => [audit.id, audit.name, audit] as const))('%s %s', async (_id, _name, audit) => {
    expect(await audit.fn()).toMatchObject({ status: 'ok' });
  });
});
