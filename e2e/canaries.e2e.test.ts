import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TIMEOUT, startTraceCollector, type TraceCollector } from '@shop/testing';
import { startStack, type RunningStack } from '../stack/start-stack.ts';
import { databaseNames, serviceWorkspaces, variablePrefix } from '../stack/workspaces.ts';
import { isLoopback, readListeners, socketsOf, withDescendants } from './support/listeners.ts';
import {
  listenToEvents,
  readCache,
  readCommandLines,
  readDatabases,
  readLogs,
  readMetrics,
  type Sink,
} from './support/sinks.ts';
import { eventually } from './support/system.ts';

const programs = [
  ...databaseNames.map((name) => `postgres-${name}`),
  ...['epmd', 'rabbitmq'],
  ...serviceWorkspaces.map(({ name }) => name),
  ...['nginx', 'nginx-log', 'prometheus', 'prometheus-page', 'rabbitmq-page', 'adminer'],
];

const expectedPorts = [
  ...databaseNames.map((name) => `${variablePrefix(name)}_DB_PORT`),
  ...[
    'RABBITMQ_PORT',
    'RABBITMQ_MANAGEMENT_PORT',
    'RABBITMQ_MANAGEMENT_INTERNAL_PORT',
    'RABBITMQ_METRICS_PORT',
    'RABBITMQ_DIST_PORT',
    'EPMD_PORT',
  ],
  ...serviceWorkspaces.map(({ portVariable }) => portVariable),
  ...[
    'NGINX_PORT',
    'NGINX_STATUS_PORT',
    'NGINX_LOG_METRICS_PORT',
    'PROMETHEUS_PORT',
    'PROMETHEUS_INTERNAL_PORT',
    'ADMINER_PORT',
  ],
];

/** A value that is nowhere else in the world, fit for a password, a header and a URL. */
const canary = (what: string): string => `canary-${what}-${randomBytes(8).toString('hex')}`;
const digits = (count: number): string =>
  BigInt(`0x1${randomBytes(16).toString('hex')}`)
    .toString()
    .slice(0, count);

/** What belongs nowhere but where it is used. */
const secrets = {
  'the password of PostgreSQL': canary('postgres'),
  'the password of RabbitMQ': canary('rabbitmq'),
  'the password of the first admin': canary('admin'),
  'the secret of refresh tokens': canary('refresh-secret-of-32-bytes'),
  'the secret of webhooks': randomBytes(32).toString('base64'),
  'a password': canary('password'),
  'a wrong password': canary('wrong-password'),
  'a new password': canary('new-password'),
  'a password in an address': canary('in-the-query'),
  'a password in GraphQL': canary('graphql-literal'),
  'a password in a variable': canary('graphql-variable'),
  'a password in broken JSON': canary('broken-json'),
  'a password in broken GraphQL': canary('broken-graphql'),
  'a password in a broken request': canary('broken-http'),
  'a password while the database is away': canary('no-database'),
  'a header of Authorization': canary('basic'),
  'a cookie': canary('cookie'),
  'a key in a header of its own': canary('api-key'),
  'the token of a card': `4242${digits(12)}`,
  'the signature of a webhook': canary('signature'),
};
/** What is stored as data by right, and reported in events, and belongs in no log. */
const data = {
  'the notes of an order': `4000${digits(12)}`,
  'the description of a payment': `5555${digits(12)}`,
  'the reason of a refusal': canary('reason'),
  'the address of an order': canary('address'),
  'an e-mail address': `${canary('email')}@example.com`,
  'an idempotency key': canary('idempotency'),
};

let running: { stack: RunningStack; events: Awaited<ReturnType<typeof listenToEvents>> } | undefined;
let stack: RunningStack;
let collector: TraceCollector;
const failures: string[] = [];
/** Tokens that were given out meanwhile. */
const tokens: Record<string, string> = {};

interface Asked {
  status: number;
  text: string;
}

async function ask(url: string, init: RequestInit = {}): Promise<Asked> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT) });
  const text = await response.text();
  if (response.status >= 400 || text.includes('"errors"')) failures.push(text);
  return { status: response.status, text };
}

const json = (body: unknown, headers: Record<string, string> = {}, method = 'POST'): RequestInit => ({
  method,
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

beforeAll(async () => {
  collector = await startTraceCollector();
  stack = await startStack({
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      LOG_LEVEL: 'debug',
      BCRYPT_COST: '4',
      GATEWAY_RATE_LIMIT: '10000',
      NEW_QUERY_TIME_PER_CLIENT: '10000/1s',
      NEW_QUERY_TIME_IN_ALL: '10000/1s',
      SERVICE_RATE_LIMIT: '10000',
      NGINX_RATE_LIMIT: '100000',
      POSTGRES_PASSWORD: secrets['the password of PostgreSQL'],
      RABBITMQ_PASSWORD: secrets['the password of RabbitMQ'],
      ADMIN_PASSWORD: secrets['the password of the first admin'],
      REFRESH_TOKEN_SECRET: secrets['the secret of refresh tokens'],
      SIMULATED_WEBHOOK_SECRETS: `whsec_${secrets['the secret of webhooks']}`,
    },
    adminer: true,
    prometheus: true,
  });
  running = { stack, events: await listenToEvents(stack) };
  await live();
  await comeThroughNginx();
  await failWithoutDatabases();
});

afterAll(async () => {
  await running?.events.stop();
  await running?.stack.stop();
  await collector.stop();
});

/** A customer's whole scenario, with all that can be got wrong in it. */
async function live(): Promise<void> {
  const { userService, orderService, paymentService, gateway } = stack.urls;
  const users = `${userService}/api/v1/users`;
  const orders = `${orderService}/api/v1/orders`;
  const payments = `${paymentService}/api/v1/payments`;
  const email = data['an e-mail address'];
  const account = { email, password: secrets['a password'], firstName: 'Ada', lastName: 'Lovelace' };

  const registered = await ask(`${users}/register`, json(account));
  expect(registered.status).toBe(201);
  await ask(`${users}/register`, json(account)); // taken
  await ask(`${users}/register`, json({ ...account, email: 'x' }));
  await ask(`${users}/login`, json({ email, password: secrets['a wrong password'] }));
  await ask(`${users}/login?password=${secrets['a password in an address']}`, json({ email, password: 'x' }));
  await ask(`${users}/login`, json(`{"email":"${email}","password":"${secrets['a password in broken JSON']}"`));
  const { data: first } = JSON.parse(registered.text) as { data: { token: string; refreshToken: string } };
  const changed = await ask(
    `${users}/me/password`,
    json({ current: secrets['a password'], new: secrets['a new password'] }, bearer(first.token), 'PUT'),
  );
  expect(changed.status).toBe(200);
  const { data: pair } = JSON.parse(changed.text) as { data: { token: string; refreshToken: string } };
  Object.assign(tokens, {
    'the first access token': first.token,
    'the first refresh token': first.refreshToken,
    'an access token': pair.token,
    'a refresh token': pair.refreshToken,
  });
  await ask(`${users}/refresh`, json({ refreshToken: `${pair.refreshToken}x` }));
  await ask(`${users}/refresh`, json({ refreshToken: first.refreshToken }));
  const headers = bearer(pair.token);

  await ask(`${users}/me`, { headers: { authorization: `Basic ${secrets['a header of Authorization']}` } });
  await ask(`${users}/me`, { headers: { authorization: `Bearer ${secrets['a header of Authorization']}` } });
  await ask(`${orders}?token=${pair.token}&password=${secrets['a password in an address']}`, { headers });
  const more = { cookie: `session=${secrets['a cookie']}`, 'x-api-key': secrets['a key in a header of its own'] };
  await ask(`${orders}/not-an-id`, { headers: { ...headers, ...more } });

  const placed = await ask(
    orders,
    json(
      {
        shippingAddress: data['the address of an order'],
        notes: data['the notes of an order'],
        items: [{ productId: 'book', productName: 'A book', quantity: 1, unitPrice: 19.99 }],
      },
      { ...headers, 'idempotency-key': data['an idempotency key'] },
    ),
  );
  expect(placed.status).toBe(201);
  const order = (JSON.parse(placed.text) as { data: { id: string } }).data;
  const payment = await eventually(async () => {
    const found = await ask(`${payments}/order/${order.id}`, { headers });
    expect(found.status).toBe(200);
    return (JSON.parse(found.text) as { data: { id: string } }).data;
  });
  const token = secrets['the token of a card'];
  await ask(`${payments}/${payment.id}/process`, json({ token, method: 'card', cvc: token }, headers));
  const again = { orderId: order.id, amount: 1, currency: 'USD', method: 'card' };
  await ask(payments, json({ ...again, description: data['the description of a payment'] }, headers));
  await ask(
    `${orders}/${order.id}/status`,
    json({ status: 'shipped', reason: data['the reason of a refusal'] }, headers, 'PATCH'),
  );
  const signature = {
    'webhook-id': '1',
    'webhook-timestamp': '1',
    'webhook-signature': `v1,${secrets['the signature of a webhook']}`,
  };
  await ask(`${payments}/webhooks/simulated`, json({ card: token }, signature));

  const login = (password: string) =>
    `mutation { login(input: { email: "${email}", password: "${password}" }) { token } }`;
  const byVariable = 'mutation ($input: LoginInput!) { login(input: $input) { token } }';
  const graphql = `${gateway}/graphql`;
  await ask(graphql, json({ query: login(secrets['a password in GraphQL']) }, headers));
  await ask(
    graphql,
    json({ query: byVariable, variables: { input: { email, password: secrets['a password in a variable'] } } }),
  );
  await ask(
    graphql,
    json({
      query: byVariable,
      variables: { input: { email, password: secrets['a password in a variable'], more: 1 } },
    }),
  );
  for (const broken of [
    `${login(secrets['a password in broken GraphQL'])} }`,
    `mutation { login(input: { email: 5, password "${secrets['a password in broken GraphQL']}" }) { token } }`,
    `mutation { login(input: "${secrets['a password in broken GraphQL']}") { token } }`,
    `mutation { processPayment(id: "x", method: "${secrets['a password in broken GraphQL']}") { id } }`,
    `mutation { refundPayment(id: "x", amount: "${secrets['a password in broken GraphQL']}") { id } }`,
  ]) {
    await ask(graphql, json({ query: broken }));
  }
  const refund =
    'mutation ($amount: Float, $reason: String) { refundPayment(id: "x", amount: $amount, reason: $reason) { id } }';
  await ask(graphql, json({ query: refund, variables: { amount: secrets['a password in a variable'] } }, headers));
  await ask(graphql, json({ query: refund, variables: { reason: [secrets['a password in a variable']] } }, headers));
  await ask(`${graphql}?query=${encodeURIComponent(login(secrets['a password in GraphQL']))}`);
  await ask(
    `${graphql}?query=${encodeURIComponent('{ me { id } }')}&variables=${secrets['a password in an address']}`,
    { headers },
  );
  await ask(`${gateway}/nowhere?password=${secrets['a password in an address']}`, { headers: more });
  for (const url of [gateway, userService, orderService, paymentService]) {
    await ask(`${url}/${secrets['a password in an address']}`, { method: 'PURGE' }).catch(() => undefined);
    await ask(url, { headers: { 'x-long': secrets['a password in a broken request'].repeat(800) } });
  }
}

/** The same in short by the way that clients take, with what nginx keeps. */
async function comeThroughNginx(): Promise<void> {
  const { nginx } = stack.urls;
  const email = data['an e-mail address'];
  const headers = bearer(tokens['an access token'] ?? '');
  const inAddress = secrets['a password in an address'];

  const page = await ask(nginx, { headers: { accept: 'text/html' } });
  expect(page.status).toBe(200);
  expect((await ask(`${nginx}/graphql?query=${encodeURIComponent('{ __typename }')}`)).status).toBe(200);
  await ask(`${nginx}/api/v1/users/login`, json({ email, password: secrets['a wrong password'] }));
  await ask(
    `${nginx}/api/v1/users/login`,
    json(`{"email":"${email}","password":"${secrets['a password in broken JSON']}"`),
  );
  await ask(`${nginx}/api/v1/users/refresh`, json({ refreshToken: tokens['the first refresh token'] }));
  await ask(`${nginx}/api/v1/orders?password=${inAddress}&token=${tokens['an access token']}`, { headers });
  await ask(`${nginx}/api/v1/orders`, { headers: { ...headers, cookie: `session=${secrets['a cookie']}` } });
  await ask(
    `${nginx}/api/v1/payments/webhooks/simulated?secret=${inAddress}`,
    json({ card: secrets['the token of a card'] }),
  );
  const me = encodeURIComponent('{ me { id email } }');
  await ask(`${nginx}/graphql?query=${me}&variables=${inAddress}`, { headers });
  const login = `mutation { login(input: { email: "${email}", password: "${secrets['a password in GraphQL']}" }) { token } }`;
  await ask(`${nginx}/graphql`, json({ query: login }));
  await ask(`${nginx}/graphql?query=${encodeURIComponent(login)}`);
  await ask(`${nginx}/nowhere?password=${inAddress}`, { headers });
  await ask(nginx, { headers: { 'x-long': secrets['a password in a broken request'].repeat(800) } });
}

/** What goes wrong while the databases are away is logged whole: there most could slip in. */
async function failWithoutDatabases(): Promise<void> {
  const { userService, orderService, paymentService, gateway } = stack.urls;
  const headers = bearer(tokens['an access token'] ?? '');
  const names = ['postgres-user', 'postgres-order', 'postgres-payment'];
  for (const name of names) await stack.process(name).kill();
  const password = secrets['a password while the database is away'];
  const email = data['an e-mail address'];
  const statuses = [
    await ask(`${userService}/api/v1/users/login`, json({ email, password })),
    await ask(`${userService}/api/v1/users/register`, json({ email, password, firstName: 'A', lastName: 'B' })),
    await ask(`${userService}/api/v1/users/refresh`, json({ refreshToken: tokens['a refresh token'] })),
    await ask(
      `${orderService}/api/v1/orders`,
      json(
        {
          shippingAddress: data['the address of an order'],
          notes: data['the notes of an order'],
          items: [{ productId: 'book', productName: 'A book', quantity: 1, unitPrice: 19.99 }],
        },
        { ...headers, 'idempotency-key': data['an idempotency key'] },
      ),
    ),
    await ask(
      `${paymentService}/api/v1/payments/${randomUUID()}/process`,
      json({ token: secrets['the token of a card'] }, headers),
    ),
  ].map(({ status }) => status);
  expect(statuses).toEqual(Array(5).fill(503));
  await ask(
    `${gateway}/graphql`,
    json({ query: `mutation { login(input: { email: "${email}", password: "${password}" }) { token } }` }),
  );
  for (const name of names) await stack.process(name).restart();
  await eventually(async () => expect((await ask(`${orderService}/ready`)).status).toBe(200));
}

const everySink = async (): Promise<Sink[]> => [
  ...readLogs(stack),
  ...readCache(stack),
  ...(await readDatabases(stack)),
  ...(await readMetrics(stack)),
  ...readCommandLines(),
  ...(running ? [running.events.read()] : []),
  { name: 'answers', text: failures.join('\n') },
  { name: 'traces', text: collector.bodies.join('\n') },
];

/** Where a value is found: as it is, or in Base64 as a header of Basic would have it. */
const placesOf = (value: string, sinks: readonly Sink[]): string[] => {
  const forms = [value, encodeURIComponent(value), Buffer.from(value).toString('base64')];
  return sinks.filter(({ text }) => forms.some((form) => text.includes(form))).map(({ name }) => name);
};

describe('what must not be seen', () => {
  it('secrets -> in no log, no table, no event, no metric, no trace, no cache, no answer and no command line', async () => {
    const sinks = await everySink();
    const kinds = new Set(sinks.map(({ name }) => name.split(' ')[0]));
    expect(kinds).toEqual(new Set(['log', 'database', 'metrics', 'command', 'event', 'answers', 'traces', 'cache']));
    const privateKey = stack.environment.JWT_PRIVATE_KEY ?? '';
    expect(privateKey.length).toBeGreaterThan(100);

    const found = Object.entries({ ...secrets, ...tokens, 'the private key': privateKey }).flatMap(([what, value]) =>
      placesOf(value, sinks).map((place) => `${what}: ${place}`),
    );

    expect(found).toEqual([]);
  });

  it("a customer's data -> in tables and events alone", async () => {
    const sinks = (await everySink()).filter(({ name }) => !/^(database|event)/.test(name));

    const found = Object.entries(data).flatMap(([what, value]) =>
      placesOf(value, sinks).map((place) => `${what}: ${place}`),
    );

    expect(found).toEqual([]);
  });

  it('what is there by right -> found, so the search finds', async () => {
    const sinks = await everySink();

    expect(placesOf(data['the notes of an order'], sinks)).toEqual(
      expect.arrayContaining(['database order public.orders', 'event']),
    );
    expect(placesOf(data['an e-mail address'], sinks)).toContain('database user public.users');
    expect(placesOf('GraphiQL', sinks)).toContain('cache');
    expect(placesOf('"message":"listening"', sinks).length).toBeGreaterThanOrEqual(4);
    expect(placesOf('POST /api/v1/payments/:id/process', sinks)).toContain('traces');
  });
});

describe('who can reach the system', () => {
  it('without a word about it in the settings -> this machine alone, at every port of every process', () => {
    const pids = programs.flatMap((name) => withDescendants(stack.process(name).identity?.pid ?? 0));
    const sockets = new Set(pids.flatMap(socketsOf));
    const listeners = readListeners().filter(({ inode }) => sockets.has(inode));

    const named = Object.entries(stack.environment).filter(([name]) => name.endsWith('_PORT'));
    const ports = new Map(named.map(([name, port]) => [Number(port), name]));
    const open = new Set(listeners.map(({ port }) => ports.get(port) ?? port));
    expect([...open].filter((name) => typeof name === 'number')).toEqual([]); // no port that no setting names
    expect(open).toEqual(new Set(expectedPorts));
    expect(listeners.filter((listener) => !isLoopback(listener))).toEqual([]);
  });
});
