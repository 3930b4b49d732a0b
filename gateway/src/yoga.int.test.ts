import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { timeLimit } from '@shop/testing';
import { AppError, Conflict, NotFound, ServiceUnavailable, UpstreamTimeout } from '@shop/common/errors';
import { runInScope } from '@shop/common/logger';
import { aPage, aPayment, aUser, anOrder } from '../test/resources.js';
import { codes, createTestGateway, read, type TestGateway } from '../test/test-gateway.js';

let gateway: TestGateway;
let token: string;

beforeAll(async () => {
  gateway = await createTestGateway();
  token = gateway.tokens.tokenFor({});
});
beforeEach(() => gateway.reset());
afterAll(() => gateway.stop());

describe('errors', () => {
  it.each(['order(id: $id)', 'user(id: $id)', 'payment(id: $id)', 'paymentByOrder(orderId: $id)'])(
    'an unknown id in %s -> null with NOT_FOUND',
    async (field) => {
      const query = `query ($id: ID!) { found: ${field} { id } }`;

      const answer = await gateway.ask(query, { token, variables: { id: randomUUID() } });

      expect(answer.data).toEqual({ found: null });
      expect(codes(answer)).toEqual(['NOT_FOUND']);
      expect(gateway.calls()).toHaveLength(1);
    },
  );

  it.each(['', 'me', 'my-orders', '../users', '1', 'x'.repeat(200)])(
    'the malformed id %j -> INVALID_INPUT, and no service is asked',
    async (id) => {
      const answer = await gateway.ask('query ($id: ID!) { order(id: $id) { id } }', { token, variables: { id } });

      expect(answer.data).toEqual({ order: null });
      expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', fields: [{ field: 'id' }] });
      expect(gateway.calls()).toHaveLength(0);
    },
  );

  it('a declined payment -> PAYMENT_DECLINED with reason and paymentId', async () => {
    const id = randomUUID();
    gateway.payments.on(`POST /api/v1/payments/${id}/process`, () => {
      throw new AppError('PAYMENT_DECLINED', 'The payment was declined', {
        facts: { reason: 'insufficient_funds', paymentId: id },
      });
    });

    const answer = await gateway.ask(
      `mutation { processPayment(id: "${id}", token: "tok_insufficientFunds") { id } }`,
      {
        token,
      },
    );

    expect(answer.data).toBeNull();
    expect(answer.errors).toMatchObject([
      {
        message: 'The payment was declined',
        extensions: { code: 'PAYMENT_DECLINED', reason: 'insufficient_funds', paymentId: id },
      },
    ]);
    expect(gateway.payments.calls[0]!.body).toEqual({ token: 'tok_insufficientFunds' });
  });

  it('a conflict -> CONFLICT with the message of the service', async () => {
    const id = randomUUID();
    gateway.orders.on(`PATCH /api/v1/orders/${id}/status`, () => {
      throw new Conflict('An order can not go from delivered to pending');
    });

    const answer = await gateway.ask(`mutation { updateOrderStatus(id: "${id}", status: pending) { id } }`, { token });

    expect(answer.errors).toMatchObject([
      { message: 'An order can not go from delivered to pending', extensions: { code: 'CONFLICT' } },
    ]);
  });

  it('an answer that is not what the contract says -> SERVICE_UNAVAILABLE, without a word of it', async () => {
    gateway.orders.on('GET /api/v1/orders', () => ({ data: [{ ...anOrder(), totalAmount: 'secret' }], meta: aPage() }));

    const answer = await gateway.ask('{ orders { data { id } } }', { token });

    expect(codes(answer)).toEqual(['SERVICE_UNAVAILABLE']);
    expect(JSON.stringify(answer.errors)).not.toMatch(/secret|totalAmount|zod/i);
  });

  it('a bug -> INTERNAL_ERROR in general words, and the whole of it in the log', async () => {
    // A whole number to REST, and more than GraphQL's Int can hold.
    const order = anOrder();
    const items = order.items.map((item) => ({ ...item, quantity: 3_000_000_000 }));
    gateway.orders.on('GET /api/v1/orders', () => ({ data: [{ ...order, items }], meta: aPage() }));

    const answer = await gateway.ask('{ orders { data { items { quantity } } } }', { token });

    expect(answer.errors).toMatchObject([{ message: 'Internal server error', extensions: { code: 'INTERNAL_ERROR' } }]);
    expect(gateway.log).toMatchObject([{ level: 'error', message: 'request failed' }]);
    expect(String(gateway.log[0]!.facts?.err)).toContain('3000000000');
  });

  it.each([
    ['a syntax error', 'GRAPHQL_PARSE_FAILED', '{ orders {'],
    ['an unknown field', 'GRAPHQL_VALIDATION_FAILED', '{ nothing }'],
    ['an unknown enum value', 'GRAPHQL_VALIDATION_FAILED', '{ orders(status: lost) { data { id } } }'],
    ['a missing variable', 'GRAPHQL_VALIDATION_FAILED', 'query ($id: ID!) { order(id: $id) { id } }'],
  ])('%s -> %s', async (_, code, query) => {
    const json = await gateway.ask(query, { token });
    const graphql = await gateway.ask(query, { token, accept: 'application/graphql-response+json' });

    expect(json.status).toBe(200);
    expect(codes(json)).toEqual([code]);
    expect(graphql.status).toBe(400);
    expect(gateway.calls()).toHaveLength(0);
  });
});

describe('what a client may ask in ways of its own', () => {
  const sha256Hash = 'ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38';
  const extensions = { persistedQuery: { version: 1, sha256Hash } };
  const post = (body: object) =>
    gateway.yoga.fetch('http://gateway/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
    });

  it.each(['POST', 'GET'])(
    'the hash of a query alone, by %s -> the word on which Apollo sends the query',
    async (method) => {
      const answer =
        method === 'POST'
          ? await post({ operationName: 'Me', variables: {}, extensions })
          : await gateway.yoga.fetch(
              `http://gateway/graphql?extensions=${encodeURIComponent(JSON.stringify(extensions))}`,
            );

      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
      expect(await answer.json()).toEqual({
        errors: [{ message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } }],
      });
    },
  );

  it('a query with its hash -> is answered', async () => {
    const answer = await post({ query: '{ __typename }', extensions });

    expect(await answer.json()).toEqual({ data: { __typename: 'Query' } });
  });

  it('neither -> INVALID_INPUT', async () => {
    const answer = await post({ extensions: {} });

    expect(codes(await read(answer))).toEqual(['INVALID_INPUT']);
  });

  it('an Accept that names no form there is -> 406, and why', async () => {
    const answer = await gateway.ask('{ __typename }', { accept: 'text/csv' });

    expect([answer.status, codes(answer)]).toEqual([406, ['NOT_ACCEPTABLE']]);
    expect(answer.errors?.[0]?.message).toContain('application/json');
  });
});

describe('failures of ours', () => {
  const [orderId, paymentId] = [randomUUID(), randomUUID()];
  const query = `{
    first: order(id: "${orderId}") { items { quantity } } second: order(id: "${orderId}") { items { quantity } }
    payment(id: "${paymentId}") { id }
  }`;
  const inScope = () => runInScope({ requestId: randomUUID(), traceparent: '' }, () => gateway.ask(query, { token }));
  const levels = () => gateway.log.map(({ level }) => level);
  const fail = (error: AppError) => {
    const respond = () => {
      throw error;
    };
    gateway.orders.on(`GET /api/v1/orders/${orderId}`, respond);
    gateway.payments.on(`GET /api/v1/payments/${paymentId}`, respond);
  };

  it.each([
    ['services that are down', new ServiceUnavailable()],
    ['services that are too slow for others', new UpstreamTimeout()],
    ['services with a bug', new AppError('INTERNAL_ERROR', 'Internal server error')],
  ])('%s, at several places of a request -> one line of level error', async (_, error) => {
    fail(error);

    const answer = await inScope();

    expect(new Set(codes(answer))).toEqual(new Set([error.code]));
    expect(levels().filter((level) => level === 'error')).toHaveLength(1);
    expect(levels()).toContain('warn');
    expect(gateway.log[0]).toMatchObject({ message: 'request failed', facts: { code: error.code } });
  });

  it('bugs of its own, at several places -> one line of level error for each request', async () => {
    const items = [{ ...anOrder().items[0]!, quantity: 3_000_000_000 }];
    gateway.orders.on(`GET /api/v1/orders/${orderId}`, () => ({ data: { ...anOrder(), items } }));
    gateway.payments.on(`GET /api/v1/payments/${paymentId}`, () => ({ data: aPayment() }));

    await inScope();
    await inScope();

    expect(levels()).toEqual(['error', 'warn', 'error', 'warn']);
  });

  it('refusals -> none', async () => {
    fail(new NotFound('No'));

    await inScope();

    expect(levels()).toEqual([]);
  });
});

describe('callers', () => {
  const authentication = () => ({ token: 'new', refreshToken: 'next', expiresIn: 3600, user: aUser() });
  const login =
    'mutation { login(input: { email: "ada@example.com", password: "password123" }) { token user { email } } }';

  it('nobody -> guarded fields are UNAUTHORIZED, and no service is asked', async () => {
    const answer = await gateway.ask('{ me { id } }');
    const list = await gateway.ask('{ orders { data { id } } }');

    expect(codes(answer)).toEqual(['UNAUTHORIZED']);
    expect(codes(list)).toEqual(['UNAUTHORIZED']);
    expect(gateway.calls()).toHaveLength(0);
  });

  it('a bad, expired or revoked token -> guarded fields are UNAUTHORIZED, and login still works without it', async () => {
    gateway.users.on('POST /api/v1/users/login', () => ({ data: authentication() }));
    const past = Math.floor(Date.now() / 1000) - 10;
    const revoked = gateway.tokens.tokenFor({}, { sid: 'ended' });
    gateway.revocations.add({ userId: randomUUID(), sid: 'ended' });

    for (const bad of ['nonsense', gateway.tokens.tokenFor({}, { exp: past }), revoked]) {
      expect(codes(await gateway.ask('{ me { id } }', { token: bad }))).toEqual(['UNAUTHORIZED']);
      const { data, errors } = await gateway.ask(login, { token: bad });
      expect(errors).toBeUndefined();
      expect(data.login).toEqual({ token: 'new', user: { email: 'ada@example.com' } });
    }
    expect(gateway.users.calls).toHaveLength(3);
    for (const { headers } of gateway.users.calls) expect(headers).not.toHaveProperty('authorization');
  });

  it('a known caller -> its token goes to every service', async () => {
    gateway.orders.on('GET /api/v1/orders', () => ({ data: [anOrder()], meta: aPage() }));
    gateway.users.on('GET /api/v1/users', () => ({ data: [], meta: aPage() }));
    gateway.payments.on('GET /api/v1/payments', () => ({ data: [], meta: aPage() }));

    await gateway.ask('{ orders { data { user { id } payment { id } } } }', { token });

    expect(gateway.calls().map(({ headers }) => headers.authorization)).toEqual(Array(3).fill(`Bearer ${token}`));
  });
});

describe('a password in a query that is refused', () => {
  const secret = 'correct horse battery';
  const byVariable = 'mutation ($input: LoginInput!) { login(input: $input) { token } }';

  it.each([
    [
      'a field too many in a variable',
      byVariable,
      { input: { email: 'a', password: secret, more: 1 } },
      'Field "more"',
    ],
    ['a field too few in a variable', byVariable, { input: { password: `${secret}; x` } }, 'Field "email"'],
    ['a variable of the wrong type', byVariable, { input: secret }, 'to be an object'],
    ['a field of the wrong type', byVariable, { input: { email: 'a', password: [secret] } }, 'String cannot represent'],
    ['a text that is no number', 'mutation { refundPayment(id: "x", amount: "SECRET") { id } }', {}, 'Float cannot'],
    ['a text that is no word', 'mutation { processPayment(id: "x", method: "SECRET") { id } }', {}, 'Enum'],
    ['a text that is no object', 'mutation { login(input: "SECRET") { token } }', {}, 'Expected value of type'],
    ['a text in the wrong place', 'mutation { login(input "SECRET") { token } }', {}, 'found String'],
    ['a long text in the wrong place', 'mutation { login(input """SECRET""") { token } }', {}, 'found BlockString'],
  ])('%s -> what is wrong, and not the value', async (_, query, variables, reason) => {
    const { errors } = await gateway.ask(query.replace('SECRET', secret), { variables });

    expect(errors?.[0]?.message).toContain(reason);
    expect(JSON.stringify(errors)).not.toContain(secret);
  });
});

it('a very long value in a query that is refused -> no time lost', async () => {
  const query = 'query ($status: OrderStatus, $limit: Int) { orders(status: $status, limit: $limit) { data { id } } }';
  for (const value of ['x', 'a@', '; ', '"', 'Field "']) {
    const long = value.repeat(90_000 / value.length);
    const started = performance.now();

    await gateway.ask(query, { token, variables: { status: long } });
    await gateway.ask(query, { token, variables: { limit: long } });

    expect(performance.now() - started).toBeLessThan(timeLimit(3_000));
  }
});

describe('mutations', () => {
  it.each([
    [
      'register',
      'register(input: { email: "a@b.co", password: "password123", firstName: "A", lastName: "B" }) { expiresIn }',
      'POST /api/v1/users/register',
      { email: 'a@b.co', password: 'password123', firstName: 'A', lastName: 'B' },
    ],
    ['refreshToken', 'refreshToken(refreshToken: "r") { token }', 'POST /api/v1/users/refresh', { refreshToken: 'r' }],
    [
      'changePassword',
      'changePassword(current: "old-password", new: "new-password") { token }',
      'PUT /api/v1/users/me/password',
      { current: 'old-password', new: 'new-password' },
    ],
  ])('%s -> the new tokens', async (field, selection, route, body) => {
    const data = { token: 't', refreshToken: 'r2', expiresIn: 3600, user: aUser() };
    gateway.users.on(route, () => ({ data }));

    const answer = await gateway.ask(`mutation { ${selection} }`, { token });

    expect(answer.errors).toBeUndefined();
    expect(Object.keys(answer.data)).toEqual([field]);
    expect(gateway.users.calls[0]!.body).toEqual(body);
  });

  it('logout and deleteUser -> true', async () => {
    const id = randomUUID();
    gateway.users.on('POST /api/v1/users/logout', () => ({ data: null }));
    gateway.users.on(`DELETE /api/v1/users/${id}`, () => ({ data: null }));

    expect((await gateway.ask('mutation { logout }', { token })).data).toEqual({ logout: true });
    expect((await gateway.ask(`mutation { deleteUser(id: "${id}") }`, { token })).data).toEqual({ deleteUser: true });
  });

  it('updateUser -> only what is given', async () => {
    const user = aUser({ isActive: false });
    gateway.users.on(`PUT /api/v1/users/${user.id}`, () => ({ data: user }));

    const { data } = await gateway.ask(`mutation { updateUser(id: "${user.id}", isActive: false) { isActive } }`, {
      token,
    });

    expect(data.updateUser.isActive).toBe(false);
    expect(gateway.users.calls[0]!.body).toEqual({ isActive: false });
  });

  it('createOrder, createPayment and refundPayment -> the input as it is', async () => {
    const order = anOrder();
    const payment = aPayment();
    gateway.orders.on('POST /api/v1/orders', () => ({ data: order }));
    gateway.payments.on('POST /api/v1/payments', () => ({ data: payment }));
    gateway.payments.on(`POST /api/v1/payments/${payment.id}/refund`, () => ({ data: payment }));
    const items = [{ productId: 'prod-1', productName: 'Laptop', quantity: 1, unitPrice: 999.99 }];
    const input = { orderId: order.id, amount: 999.99, currency: 'USD', method: 'card' };

    await gateway.ask('mutation ($input: CreateOrderInput!) { createOrder(input: $input) { id } }', {
      token,
      variables: { input: { shippingAddress: 'Here', items } },
    });
    await gateway.ask('mutation ($input: CreatePaymentInput!) { createPayment(input: $input) { id } }', {
      token,
      variables: { input },
    });
    await gateway.ask(`mutation { refundPayment(id: "${payment.id}", amount: 5.5) { id } }`, { token });

    expect(gateway.orders.calls[0]!.body).toEqual({ shippingAddress: 'Here', items });
    expect(gateway.payments.calls.map(({ body }) => body)).toEqual([input, { amount: 5.5 }]);
  });

  it('an unknown user on a mutation -> the error, no data', async () => {
    const id = randomUUID();
    gateway.users.on(`DELETE /api/v1/users/${id}`, () => {
      throw new NotFound('User not found');
    });

    const answer = await gateway.ask(`mutation { deleteUser(id: "${id}") }`, { token });

    expect(answer.data).toBeNull();
    expect(codes(answer)).toEqual(['NOT_FOUND']);
  });
});

describe('a caller whom the server knows already', () => {
  it('its header -> not read again; a token that is revoked while the body comes -> no longer counts', async () => {
    const id = randomUUID();
    gateway.users.on('GET /api/v1/users/me', () => ({ data: aUser({ id }) }));
    const caller = {
      actor: {
        id,
        email: 'ada@example.com',
        role: 'user',
        sessionId: 'known',
        tokenVersion: 1,
        expiresAt: Date.now() / 1_000 + 60,
      },
      token: 'as the server read it',
    } as const;
    const ask = async () =>
      read(
        await gateway.yoga.fetch(
          'http://gateway/graphql',
          {
            method: 'POST',
            headers: { 'content-type': 'application/json', authorization: 'Bearer not read' },
            body: JSON.stringify({ query: '{ me { id } }' }),
          },
          { caller },
        ),
      );

    expect((await ask()).data).toEqual({ me: { id } });
    expect(gateway.users.calls[0]!.headers.authorization).toBe('Bearer as the server read it');
    gateway.revocations.add({ userId: id, sid: 'known' });
    expect(codes(await ask())).toEqual(['UNAUTHORIZED']);
    expect(gateway.calls()).toHaveLength(1);
  });
});
