import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createTestBroker,
  createTestTokens,
  eventually,
  revokeAccess,
  type TestBroker,
  timeLimit,
} from '@shop/testing';
import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  lexicographicSortSchema,
  printSchema,
  type GraphQLSchema,
} from 'graphql';
import { browse } from '../test/browse.js';
import { aUser } from '../test/resources.js';
import { read } from '../test/test-gateway.js';
import { nobodyListens } from '../test/start-test-gateway.js';
import { noDocumentLimits } from '../test/test-gateway.js';
import { startStandIn, type StandIn } from '../test/upstream.js';
import type { Config } from './config.js';
import { startGateway, type RunningGateway } from './container.js';
import { serviceKeys, services } from './features.js';

const tokens = createTestTokens();
const NOBODY_LISTENS = 'amqp://guest:guest@127.0.0.1:1';
const ORIGIN = 'https://shop.example.com';

let broker: TestBroker;
let users: StandIn;
let config: Config;
let gateway: RunningGateway;
let base: string;

beforeAll(async () => {
  broker = await createTestBroker();
  users = await startStandIn();
  config = {
    logLevel: 'error',
    host: '127.0.0.1',
    port: 0,
    serviceUrls: { ...nobodyListens, users: users.url },
    upstreamTimeout: 2_000,
    requestTimeout: 10_000,
    brokerUrl: broker.url,
    publicKeys: tokens.publicKeys,
    tokenIssuer: tokens.issuer,
    tokenAudience: tokens.audience,
    accessTokenLifetime: 3_600_000,
    corsOrigins: [ORIGIN],
    trustedProxies: ['127.0.0.1'],
    requestsPerSecond: 1_000,
    subscriptionLimits: { perAccount: 10, perAddress: 100, inAll: 100 },
    documentLimits: noDocumentLimits,
    upstreamLimits: { perRequest: 4, perClient: 16 },
    graphiqlEnabled: true,
    introspectionEnabled: true,
  };
  gateway = await startGateway(config);
  base = `http://127.0.0.1:${gateway.port}`;
});
beforeEach(() => {
  users.reset();
  users.on('GET /ready', () => ({ data: null }));
});
afterAll(async () => {
  await gateway.stop();
  await users.stop();
  await broker.stop();
});

const ask = async (query: string, headers: Record<string, string> = {}, url = `${base}/graphql`) =>
  read(
    await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body: JSON.stringify({ query }),
    }),
  );

/** A body that goes out without saying its length. */
const streamOf = (text: string) => ({ body: new Blob([text]).stream(), duplex: 'half' as const });

describe('GraphQL on the server', () => {
  it.each(['/graphql', '/query'])('%s -> the caller’s answer, from the service', async (path) => {
    const user = aUser();
    users.on('GET /api/v1/users/me', () => ({ data: user }));
    const token = tokens.tokenFor({ id: user.id });

    const { status, data } = await ask('{ me { fullName } }', { authorization: `Bearer ${token}` }, base + path);

    expect([status, data]).toEqual([200, { me: { fullName: 'Ada Lovelace' } }]);
  });

  it('request id, trace and the client’s address -> go on to the service, and the ids come back', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    users.on('GET /api/v1/users/me', () => ({ data: aUser() }));

    const answer = await ask('{ me { id } }', {
      authorization: `Bearer ${tokens.tokenFor({})}`,
      'x-request-id': 'my-request',
      'x-forwarded-for': '203.0.113.9',
      traceparent: `00-${traceId}-b7ad6b7169203331-01`,
    });

    expect(users.calls[0]!.headers).toMatchObject({ 'x-request-id': 'my-request', 'x-forwarded-for': '203.0.113.9' });
    expect(users.calls[0]!.headers.traceparent).toContain(traceId);
    expect(answer.headers.get('x-request-id')).toBe('my-request');
    expect(answer.headers.get('traceparent')).toContain(traceId);
  });

  it('a service that does not listen -> SERVICE_UNAVAILABLE', async () => {
    const { errors } = await ask('{ orders { data { id } } }', { authorization: `Bearer ${tokens.tokenFor({})}` });

    expect(errors).toMatchObject([
      { message: 'order-service is unavailable', extensions: { code: 'SERVICE_UNAVAILABLE' } },
    ]);
  });

  it.each([
    ['of known length', false],
    ['that comes in pieces', true],
  ])('a body over 100 kB %s -> 413', async (_, inPieces) => {
    const json = JSON.stringify({ query: '{ __typename }', variables: { x: 'x'.repeat(200_000) } });
    const response = await fetch(`${base}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ...(inPieces ? streamOf(json) : { body: json }),
    });

    const { status, errors } = await read(response);

    expect([status, errors?.[0]?.extensions.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });

  it.each([
    ['an order', 'mutation ($input: CreateOrderInput!) { createOrder(input: $input) { id } }', true, 'UNAVAILABLE'],
    [
      'an order of nobody',
      'mutation ($input: CreateOrderInput!) { createOrder(input: $input) { id } }',
      false,
      'TOO_LARGE',
    ],
    ['something else', 'query ($input: String) { __typename }', true, 'TOO_LARGE'],
  ])('a body over 100 kB with %s, in pieces or not -> as REST has it', async (_case, query, isKnown, code) => {
    const items = Array.from({ length: 100 }, () => ({
      productId: '한'.repeat(255),
      productName: '한'.repeat(255),
      quantity: 1,
      unitPrice: 1,
    }));
    const json = JSON.stringify({ query, variables: { input: { shippingAddress: '1 Main Street', items } } });
    for (const body of [{ body: json }, streamOf(json)]) {
      const response = await fetch(`${base}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(isKnown && { authorization: `Bearer ${tokens.tokenFor({ id: aUser().id })}` }),
        },
        ...body,
      });
      expect((await read(response)).errors?.[0]?.extensions.code).toContain(code);
    }
  });

  it('a slash at the end of the path -> the same endpoint', async () => {
    for (const path of ['/graphql/', '/query/', '/graphql/?x=1']) {
      expect((await ask('{ __typename }', {}, `${base}${path}`)).data).toEqual({ __typename: 'Query' });
    }
    expect((await fetch(`${base}/graphql/`, { headers: { accept: 'text/html' } })).status).toBe(200);
    expect((await fetch(`${base}/GraphQL`, { method: 'POST' })).status).toBe(404);
  });

  it.each(['', null])(
    'an operation of the name %j, as some clients say none -> the only one there is',
    async (operationName) => {
      const response = await fetch(`${base}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: 'query Any { __typename }', operationName, variables: null }),
      });
      expect(await read(response)).toMatchObject({ status: 200, data: { __typename: 'Query' } });
    },
  );

  it('a small body in pieces -> answered', async () => {
    const response = await fetch(`${base}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ...streamOf('{"query":"{ __typename }"}'),
    });

    expect((await read(response)).data).toEqual({ __typename: 'Query' });
  });

  it('a token that is revoked by event -> UNAUTHORIZED', async () => {
    const user = aUser();
    users.on('GET /api/v1/users/me', () => ({ data: user }));
    const authorization = `Bearer ${tokens.tokenFor({ id: user.id }, { sid: 'login-1' })}`;
    expect((await ask('{ me { id } }', { authorization })).errors).toBeUndefined();
    await revokeAccess(broker.url, [{ userId: user.id, sid: 'login-1' }]);

    await eventually(async () => {
      const { errors } = await ask('{ me { id } }', { authorization });
      expect(errors?.[0]).toMatchObject({ message: 'Token has been revoked', extensions: { code: 'UNAUTHORIZED' } });
    });
  });

  it('too many requests of one client -> 429 with Retry-After, and others are still served', async () => {
    const limited = await startGateway({ ...config, requestsPerSecond: 3 });
    const url = `http://127.0.0.1:${limited.port}/graphql`;
    const query = '{ __typename }';
    const from = (address: string) => ({ 'x-forwarded-for': address });
    try {
      await eventually(async () => {
        const answers = await Promise.all([1, 2, 3, 4].map(() => ask(query, from('203.0.113.1'), url)));
        const refused = answers.filter(({ status }) => status === 429);
        expect(refused).toHaveLength(1);
        expect(refused[0]!.headers.get('retry-after')).toBe('1');
        expect(refused[0]!.headers.get('content-type')).toBe('application/json; charset=utf-8');
        expect(refused[0]!.errors).toEqual([
          { message: 'Too many requests', extensions: { code: 'RATE_LIMITED', retryAfter: 1 } },
        ]);
        const account = { authorization: `Bearer ${tokens.tokenFor({})}`, ...from('203.0.113.1') };
        expect((await ask(query, account, url)).status).toBe(200);
        expect((await ask(query, from('203.0.113.2'), url)).status).toBe(200);
      });
    } finally {
      await limited.stop();
    }
  });
});

describe('headers', () => {
  it.each([
    ['GraphQL', '/graphql?query={__typename}', 'application/json'],
    ['a refused query', '/graphql', 'application/json'],
    ['GraphiQL', '/', 'text/html'],
    ['health', '/health', 'application/json'],
    ['an unknown route', '/nothing', 'application/json'],
  ])('%s -> security headers and ids, each once', async (_, path, accept) => {
    const { headers } = await browse(base + path, { accept });

    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['x-frame-options']).toBe('SAMEORIGIN');
    expect(headers['strict-transport-security']).toMatch(/^max-age=/);
    expect(headers['content-security-policy']).toMatch(/^default-src '(self|none)';/);
    expect(headers['x-request-id']).toMatch(/^[\w-]{36}$/);
    expect(headers).not.toHaveProperty('x-powered-by');
  });

  it('a browser on another origin -> may read only where the settings name it', async () => {
    const preflight = (origin: string) =>
      fetch(`${base}/graphql`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
      });

    const known = await preflight(ORIGIN);
    const answer = await ask('{ __typename }', { origin: ORIGIN });

    expect(known.status).toBe(204);
    expect(known.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(known.headers.get('access-control-allow-credentials')).toBeNull();
    expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    const origin = 'https://evil.example.com';
    const unknown = [await preflight(origin), await ask('{ __typename }', { origin })];
    const names = unknown.flatMap(({ headers }) => [...headers.keys()]);
    expect(names.filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  it.each([
    ['/graphql', 204, 'GET, POST, OPTIONS'],
    ['/query/', 204, 'GET, POST, OPTIONS'],
    ['/', 204, 'GET, HEAD, OPTIONS'],
    ['/health', 204, 'GET, HEAD, OPTIONS'],
    ['/schema.graphql', 204, 'GET, HEAD, OPTIONS'],
    ['/nothing', 404, null],
  ])('OPTIONS of %s by nobody that CORS is for -> %i, Allow: %s', async (path, status, allow) => {
    for (const headers of [undefined, { origin: 'https://evil.example.com' }]) {
      const answer = await fetch(base + path, { method: 'OPTIONS', ...(headers && { headers }) });
      expect([answer.status, answer.headers.get('allow')]).toEqual([status, allow]);
    }
  });
});

describe('GraphiQL', () => {
  it.each(['/', '/graphql', '/query'])('a browser at %s -> the page', async (path) => {
    const { status, headers } = await browse(base + path);

    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  });

  it('switched off -> browsers get GraphQL’s answers; / and the schema are no routes', async () => {
    const closed = await startGateway({ ...config, graphiqlEnabled: false, introspectionEnabled: false });
    const at = (path: string) => browse(`http://127.0.0.1:${closed.port}${path}`);
    try {
      expect((await at('/')).status).toBe(404);
      expect((await at('/schema.graphql')).status).toBe(404);
      expect((await at('/graphql')).headers['content-type']).toContain('json');
    } finally {
      await closed.stop();
    }
  });
});

describe('the schema', () => {
  it('/schema.graphql -> the same that introspection tells, for every cache', async () => {
    const response = await fetch(`${base}/schema.graphql`);
    const document = await response.text();

    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(response.headers.get('cache-control')).toMatch(/^public, max-age=/);
    const { data } = await ask(getIntrospectionQuery({ specifiedByUrl: true }));
    const introspected = buildClientSchema(data);
    const sorted = (schema: GraphQLSchema) => printSchema(lexicographicSortSchema(schema));
    expect(sorted(buildSchema(document))).toBe(sorted(introspected));
  });
});

describe('health', () => {
  const get = async (path: string, at = base) => {
    const response = await fetch(at + path);
    return { status: response.status, text: await response.text() };
  };

  it('/health -> healthy', async () => {
    const { status, text } = await get('/health');

    expect([status, JSON.parse(text)]).toEqual([
      200,
      { status: 'healthy', service: 'gateway', version: '1.0.0', uptime: expect.any(Number) },
    ]);
  });

  it('/ready while all services but one are down -> 200, degraded, and which', async () => {
    const down = Object.fromEntries(serviceKeys.map((key) => [services[key].name, 'down']));
    await eventually(async () => {
      const { status, text } = await get('/ready');
      expect([status, JSON.parse(text)]).toEqual([
        200,
        {
          service: 'gateway',
          status: 'degraded',
          dependencies: { ...down, 'user-service': 'up', broker: 'up', revocations: 'up' },
        },
      ]);
    });
  });

  it('/metrics -> requests by route, without ids and paths of clients', async () => {
    await ask('{ __typename }');
    await get('/some/random/path');

    const { text } = await get('/metrics');

    expect(text).toMatch(/http_server_request_duration_seconds_count\{.*http_route="\/graphql".*\} \d/);
    expect(text).not.toContain('random');
  });

  it('the broker is down -> starts, serves, and says so; stops at once', async () => {
    const alone = await startGateway({ ...config, brokerUrl: NOBODY_LISTENS });
    const at = `http://127.0.0.1:${alone.port}`;
    users.on('GET /api/v1/users/me', () => ({ data: aUser() }));

    const answer = await ask('{ me { id } }', { authorization: `Bearer ${tokens.tokenFor({})}` }, `${at}/graphql`);
    const ready = await get('/ready', at);
    const started = performance.now();
    await alone.stop();

    expect(answer.errors).toBeUndefined();
    expect([ready.status, JSON.parse(ready.text).dependencies]).toMatchObject([
      200,
      { broker: 'down', revocations: 'down' },
    ]);
    expect(performance.now() - started).toBeLessThan(timeLimit(5_000));
  });

  it('a taken port -> does not start, and holds on to nothing', async () => {
    await expect(startGateway({ ...config, port: gateway.port })).rejects.toThrow('EADDRINUSE');
  });
});
