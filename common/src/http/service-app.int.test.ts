import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { createTestTokens, eventually, TIMEOUT, sendRaw, testOperation } from '@shop/testing';
import { AccessTokenVerifier, RevocationList } from '../auth/index.js';
import { Conflict, ServiceUnavailable, UpstreamTimeout } from '../errors/index.js';
import { createLogger, currentScope } from '../logger/index.js';
import { createMetrics } from '../metrics/index.js';
import { toPage, toPageRequest } from '../paging/index.js';
import {
  amount,
  bodyOf,
  buildServiceApp,
  created,
  email,
  flag,
  integer,
  listOf,
  ok,
  oneOf,
  optional,
  page,
  pageRules,
  paramsOf,
  password,
  publicRoute,
  queryIds,
  queryOf,
  queryTime,
  route,
  text,
  uuid,
  type DependencyState,
  type ServiceAppOptions,
} from './index.js';

const tokens = createTestTokens();
const rows = Array.from({ length: 25 }, (_, index) => ({ id: randomUUID(), createdAt: new Date(1_000 - index) }));

const thingBody = bodyOf({
  name: text({ max: 100 }),
  notes: optional(text({ max: 10 })),
  active: optional(flag()),
  color: optional(oneOf(['red', 'green'])),
  items: optional(listOf({ quantity: integer({ min: 1, max: 9 }), price: amount() }, { min: 1, max: 2 })),
});
const thingsQuery = queryOf({ ...pageRules, ids: optional(queryIds()), from: optional(queryTime()) });

const buildApp = (options: Partial<ServiceAppOptions> = {}) =>
  buildServiceApp({
    service: 'test-service',
    version: '1.2.3',
    logger: createLogger({ service: 'test-service', level: 'error' }),
    metrics: createMetrics({ service: 'test-service' }),
    verifier: new AccessTokenVerifier({ ...tokens, revocations: new RevocationList({ lifetime: 3_600_000 }) }),
    probes: {},
    isStopping: () => false,
    corsOrigins: ['http://shop.test'],
    trustedProxies: ['127.0.0.1', '::1', '::ffff:127.0.0.1'],
    requestsPerSecond: 1_000,
    routes: {
      '/api/v1/things': [
        publicRoute({
          operation: testOperation,
          method: 'GET',
          path: '/conflict',
          handle: async () => {
            throw new Error('wrapped', { cause: new Conflict('Already there', { facts: { thingId: 'x' } }) });
          },
        }),
        publicRoute({
          operation: testOperation,
          method: 'POST',
          path: '/public',
          body: bodyOf({ email: email(), password: password(), name: text({ max: 5 }) }),
          handle: async ({ body }) => created('Thing created', body, { location: '/api/v1/things/1' }),
        }),
        route({
          operation: testOperation,
          method: 'POST',
          path: '/',
          access: 'authenticated',
          body: thingBody,
          handle: async ({ body, actor }) =>
            created(
              'Thing created',
              { ...body, actorId: actor.id, scope: currentScope() },
              { location: '/api/v1/things/1' },
            ),
        }),
        route({
          operation: testOperation,
          method: 'GET',
          path: '/',
          access: 'authenticated',
          query: thingsQuery,
          handle: async ({ query }) => {
            const filters = { from: query.from };
            const paging = toPageRequest(query, filters);
            const start = paging.after ? rows.findIndex(({ id }) => id === paging.after?.id) + 1 : paging.offset;
            const slice = {
              rows: rows.slice(start, start + paging.limit + 1),
              total: paging.countUpTo > 0 ? rows.length : null,
            };
            const { rows: shown, meta } = toPage(slice, paging, filters);
            return page('Things', shown, meta);
          },
        }),
        route({
          operation: testOperation,
          method: 'DELETE',
          path: '/:id',
          access: 'admin',
          params: paramsOf({ id: uuid() }),
          handle: async () => ok('', null),
        }),
        publicRoute({
          operation: testOperation,
          method: 'GET',
          path: '/fail/:how',
          handle: async ({ params: _ }) => {
            throw new Error('secret detail at postgresql://postgres:hunter2@db');
          },
        }),
      ],
    },
    ...options,
  });

const app = buildApp();
const user = { Authorization: `Bearer ${tokens.tokenFor({ role: 'user' })}` };

describe('a request is checked in this order', () => {
  it('no such route -> 404 with the error envelope, whoever calls', async () => {
    const response = await request(app).get('/api/v1/nothing').expect(404);
    expect(response.body).toEqual({
      success: false,
      error: { code: 'NOT_FOUND', message: 'No such route' },
      requestId: response.headers['x-request-id'],
    });
  });

  it('another method -> 405 with Allow, before authentication', async () => {
    const response = await request(app).put('/api/v1/things').expect(405);
    expect(response.headers.allow).toBe('POST, GET, HEAD, OPTIONS');
    expect(response.body.error.code).toBe('METHOD_NOT_ALLOWED');
  });

  it.each([
    ['no', undefined, 'Bearer'],
    ['another scheme’s', 'Token abc', 'Bearer'],
    ['a malformed', 'Bearer a b', 'Bearer error="invalid_token"'],
    ['a forged', 'Bearer abc.def.ghi', 'Bearer error="invalid_token"'],
    ['an expired', `Bearer ${tokens.tokenFor({}, { exp: 1_000_000_000 })}`, 'Bearer error="invalid_token"'],
  ])('%s token -> 401 with WWW-Authenticate, before the body is looked at', async (_case, header, challenge) => {
    const call = request(app).post('/api/v1/things').set('Content-Type', 'text/plain');
    const response = await (header ? call.set('Authorization', header) : call).send('x').expect(401);
    expect(response.headers['www-authenticate']).toBe(challenge);
    expect(response.body.error.code).toBe('UNAUTHORIZED');
  });

  it('whatever is answered -> no cache keeps it; what is for everybody says nothing of that', async () => {
    const answers = [
      request(app).get('/api/v1/nothing'),
      request(app).put('/api/v1/things'),
      request(app).get('/api/v1/things'),
      request(app).get('/api/v1/things').set(user),
    ];
    for (const answer of answers) expect((await answer).headers['cache-control']).toBe('no-store');
    expect((await request(app).get('/health')).headers['cache-control']).toBeUndefined();
  });

  it('the wrong role -> 403, before the id is looked at', async () => {
    const response = await request(app).delete('/api/v1/things/not-an-id').set(user).expect(403);
    expect(response.body.error.code).toBe('FORBIDDEN');
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonx',
    'application/json; charset=iso-8859-1',
    'application/json; charset=latin1',
    'application/json; charset=us-ascii; charset=utf-16',
  ])('content type %s -> 415', async (type) => {
    const response = await request(app)
      .post('/api/v1/things')
      .set(user)
      .set('Content-Type', type)
      .send('{}')
      .expect(415);
    expect(response.body.error.code).toBe('UNSUPPORTED_MEDIA_TYPE');
  });

  it.each([
    'application/json',
    'Application/JSON',
    'application/json;',
    'application/json; charset=utf-8',
    'application/json;charset=UTF8',
    'application/json; charset="utf-8"; version=1',
    'application/json; charset=us-ascii',
    'application/json; charset="ASCII"',
  ])('content type %s -> read, with or without a byte order mark', async (type) => {
    for (const mark of ['', '\ufeff']) {
      const call = request(app).post('/api/v1/things').set(user).set('Content-Type', type);
      const response = await call.send(`${mark}{"name":"Zoë"}`).expect(201);
      expect(response.body.data.name).toBe('Zoë');
    }
  });

  it.each(['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain', 'application/json', undefined])(
    'no body, of type %s -> read as {}, whether its length is said or not',
    async (type) => {
      const headers = { ...user, ...(type !== undefined && { 'Content-Type': type }) };
      for (const length of ['Content-Length: 0', 'Transfer-Encoding: chunked']) {
        const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
        const head = ['POST /api/v1/things HTTP/1.1', 'Host: localhost', 'Connection: close', length, ...lines].join(
          '\r\n',
        );
        const server = http.createServer(app).listen(0, '127.0.0.1');
        await once(server, 'listening');
        const { port } = server.address() as AddressInfo;
        const answer = await sendRaw(
          `http://127.0.0.1:${port}`,
          Buffer.from(`${head}\r\n\r\n${length.startsWith('T') ? '0\r\n\r\n' : ''}`),
        );
        server.close();
        expect([answer?.status, answer?.body]).toEqual([400, expect.stringContaining('name: is required')]);
      }
    },
  );

  it('a body over 100 kB -> 413, before it is validated', async () => {
    const response = await request(app)
      .post('/api/v1/things')
      .set(user)
      .send({ name: 'x'.repeat(100_001) })
      .expect(413);
    expect(response.body.error.code).toBe('PAYLOAD_TOO_LARGE');
  });

  it('a body that is said to be larger, of which nothing has come -> 413 at once', async () => {
    const server = http.createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const headers = { ...user, 'Content-Type': 'application/json', 'Content-Length': '10000000000' };
    const client = http.request({ port, host: '127.0.0.1', method: 'POST', path: '/api/v1/things', headers });
    client.on('error', () => undefined); // it is never sent
    client.flushHeaders();
    const [response] = (await once(client, 'response', { signal: AbortSignal.timeout(TIMEOUT) })) as [IncomingMessage];
    client.destroy();
    server.close();
    expect(response.statusCode).toBe(413);
  });

  it('a scheme of other letters, and more than one space -> the same token', async () => {
    for (const scheme of ['Bearer  ', 'bearer ', 'BEARER ']) {
      const header = user.Authorization.replace('Bearer ', scheme);
      await request(app).get('/api/v1/things').set('Authorization', header).expect(200);
    }
  });

  it('a body that is no JSON object -> 400', async () => {
    for (const body of ['{"name":', '[]', '"x"', 'null']) {
      const call = request(app).post('/api/v1/things').set(user).set('Content-Type', 'application/json');
      const response = await call.send(body).expect(400);
      expect(response.body.error).toMatchObject({ code: 'INVALID_INPUT', fields: [{ field: 'body' }] });
    }
  });

  it('a parameter for a route that takes none -> 400', async () => {
    const response = await request(app).get('/api/v1/things/conflict?verbose=1').expect(400);
    expect(response.body.error.details).toBe('verbose: is not a known parameter');
  });

  it('no body and no content type -> read as {}', async () => {
    const response = await request(app).post('/api/v1/things').set(user).expect(400);
    expect(response.body.error.details).toBe('name: is required');
  });
});

describe('input', () => {
  it('with faults -> every one of them, in fields and in details', async () => {
    const response = await request(app)
      .post('/api/v1/things/public')
      .send({ email: 'x', password: 'short' })
      .expect(400);
    expect(response.body.error).toEqual({
      code: 'INVALID_INPUT',
      message: 'Validation failed',
      details: 'email: Invalid email format; password: must have 8 to 72 bytes; name: is required',
      fields: [
        { field: 'email', message: 'Invalid email format' },
        { field: 'password', message: 'must have 8 to 72 bytes' },
        { field: 'name', message: 'is required' },
      ],
    });
  });

  it('text -> trimmed and NFC, counted in code points; an address in lower case; a password as it is', async () => {
    const body = { email: ' Ann@Example.COM ', password: ' 12345678 ', name: ' e\u0301😀😀😀😀 ', role: 'admin' };
    const response = await request(app).post('/api/v1/things/public').send(body).expect(201);
    expect(response.body.data).toEqual({ email: 'ann@example.com', password: ' 12345678 ', name: 'é😀😀😀😀' });
  });

  it.each<[string, object, string]>([
    ['a number for text', { name: 5 }, 'name: must be a string'],
    ['a list for text', { name: ['x'] }, 'name: must be a string'],
    ['white space only', { name: ' \t\n' }, 'name: must not be empty'],
    ['NUL', { name: 'a\0b' }, 'name: must not contain NUL'],
    ['a lone surrogate', { name: '\ud800' }, 'name: must be valid Unicode'],
    ['too long an optional text', { name: 'x', notes: 'x'.repeat(11) }, 'notes: must have 1 to 10 characters'],
    ['a text for true', { name: 'x', active: 'true' }, 'active: must be true or false'],
    ['an unknown word', { name: 'x', color: 'blue' }, 'color: must be one of red, green'],
    ['an empty list', { name: 'x', items: [] }, 'items: must have 1 to 2 entries'],
    ['an object for a list', { name: 'x', items: {} }, 'items: must be a list'],
    [
      'entries with faults',
      { name: 'x', items: [{ quantity: '5', price: 0 }, null] },
      'items[0].quantity: must be a whole number; items[0].price: must be greater than 0; items[1]: must be an object',
    ],
    [
      'a list for a number',
      { name: 'x', items: [{ quantity: [5], price: 1 }] },
      'items[0].quantity: must be a whole number',
    ],
  ])('%s -> 400', async (_case, body, details) => {
    const response = await request(app).post('/api/v1/things').set(user).send(body).expect(400);
    expect(response.body.error.details).toBe(details);
  });

  it('null in an optional field -> as if it were absent', async () => {
    const response = await request(app).post('/api/v1/things').set(user).send({ name: 'x', notes: null }).expect(201);
    expect(response.body.data).not.toHaveProperty('notes');
  });

  it('a polluted body -> no prototype is touched', async () => {
    const body = '{"name":"x","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    const call = request(app).post('/api/v1/things').set(user).set('Content-Type', 'application/json');
    await call.send(body).expect(201);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it.each([
    ['an unknown parameter', 'foo=1', 'foo: is not a known parameter'],
    ['a limit of 0', 'limit=0', 'limit: must be from 1 to 100'],
    ['a limit over 100', 'limit=101', 'limit: must be from 1 to 100'],
    ['a parameter twice', 'limit=1&limit=2', 'limit: must be given once'],
    ['an id that is none', 'ids=1,2', 'ids: must be UUIDs separated by commas'],
    [
      'too many ids',
      `ids=${Array.from({ length: 101 }, () => randomUUID()).join(',')}`,
      'ids: must have at most 100 ids',
    ],
    [
      'a time without offset',
      'from=2026-01-01T00:00:00',
      'from: must be a time that exists, as in 2026-01-31T12:00:00Z (RFC 3339)',
    ],
    [
      'a time that is none',
      'from=2026-13-01T00:00:00Z',
      'from: must be a time that exists, as in 2026-01-31T12:00:00Z (RFC 3339)',
    ],
    ['an offset with a cursor', 'offset=1&cursor=abc', 'cursor: can not be combined with offset'],
    ['a cursor that is none', 'cursor=abc', 'cursor: is not a valid cursor for this list'],
  ])('%s in the query -> 400', async (_case, query, details) => {
    const response = await request(app).get(`/api/v1/things?${query}`).set(user).expect(400);
    expect(response.body.error.details).toBe(details);
  });
});

describe('a list', () => {
  const list = async (query: string) => (await request(app).get(`/api/v1/things?${query}`).set(user).expect(200)).body;

  it('by default -> ten rows, the total, and where it goes on', async () => {
    const { data, meta } = await list('');
    expect(data).toHaveLength(10);
    expect(meta).toEqual({ total: 25, limit: 10, offset: 0, hasMore: true, nextCursor: expect.any(String) });
  });

  it('followed by its cursors -> every row once, total only when asked for', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { data, meta } = await list(`limit=7${cursor && `&cursor=${cursor}`}`);
      seen.push(...data.map(({ id }: { id: string }) => id));
      if (cursor) expect(meta).toMatchObject({ total: null, offset: null });
      cursor = meta.nextCursor as string | null;
    }
    expect(seen).toEqual(rows.map(({ id }) => id));
    expect((await list('total=false')).meta.total).toBeNull();
  });

  it('with the cursor of other filters -> 400', async () => {
    const { meta } = await list('limit=1');
    await request(app).get(`/api/v1/things?from=2026-01-01T00:00:00Z&cursor=${meta.nextCursor}`).set(user).expect(400);
  });
});

describe('an error', () => {
  it('that nobody expected -> 500, generic, with the request id', async () => {
    const response = await request(app).get('/api/v1/things/fail/badly').set('X-Request-Id', 'my-id').expect(500);
    expect(response.body).toEqual({
      success: false,
      error: { code: 'INTERNAL_ERROR', message: 'Internal server error' },
      requestId: 'my-id',
    });
  });

  it('that a library wrapped -> still reported by its own code and facts', async () => {
    const response = await request(app).get('/api/v1/things/conflict').expect(409);
    expect(response.body.error).toEqual({ code: 'CONFLICT', message: 'Already there', thingId: 'x' });
  });

  it('a path that can not be decoded -> 400', async () => {
    await request(app).get('/api/v1/things/fail/%E0%A4%A').expect(400);
  });
});

describe('every answer', () => {
  it('request id and trace -> kept where well-formed, else replaced', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const kept = await request(app).get('/health').set({ 'X-Request-Id': 'a.b-c_1', traceparent });
    expect(kept.headers['x-request-id']).toBe('a.b-c_1');
    expect(kept.headers.traceparent).toMatch(
      /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
    );
    const replaced = await request(app).get('/health').set({ 'X-Request-Id': 'a b', traceparent: 'x' });
    expect(replaced.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(replaced.headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });

  it('CORS -> only for origins from the settings', async () => {
    const known = await request(app).get('/health').set('Origin', 'http://shop.test');
    expect(known.headers['access-control-allow-origin']).toBe('http://shop.test');
    expect(known.headers.vary).toContain('Origin');
    const asked = { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization' };
    const preflight = await request(app)
      .options('/api/v1/things')
      .set({ Origin: 'http://shop.test', ...asked });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-headers']).toContain('Authorization');

    for (const origin of ['http://evil.test', 'http://shop.test.evil.test', 'null', undefined]) {
      const answers = await Promise.all([
        request(app)
          .get('/health')
          .set(origin === undefined ? {} : { Origin: origin }),
        request(app)
          .options('/api/v1/things')
          .set({ ...asked, ...(origin !== undefined && { Origin: origin }) }),
      ]);
      const names = answers.flatMap(({ headers }) => Object.keys(headers));
      expect(names.filter((name) => name.startsWith('access-control-'))).toEqual([]);
      // A cache must not give one origin the answer for another.
      expect(answers.map(({ headers }) => headers.vary)).toEqual(answers.map(() => expect.stringContaining('Origin')));
    }
  });

  it('a preflight -> what GraphQL’s clients and traces add may be sent, remembered for two hours', async () => {
    const { headers } = await request(app)
      .options('/api/v1/things')
      .set({ Origin: 'http://shop.test', 'Access-Control-Request-Method': 'PATCH' });

    const allowed = String(headers['access-control-allow-headers']).toLowerCase().split(',');
    expect(allowed).toEqual(
      expect.arrayContaining(['authorization', 'idempotency-key', 'apollo-require-preflight', 'tracestate', 'baggage']),
    );
    expect(headers['access-control-allow-methods']).toContain('PATCH');
    expect(headers['access-control-max-age']).toBe('7200');
  });

  it('an answer -> a script may read when to come again, and of what request', async () => {
    const { headers } = await request(app).get('/health').set('Origin', 'http://shop.test');

    const readable = String(headers['access-control-expose-headers']).split(',');
    expect(readable).toEqual(
      expect.arrayContaining(['X-Request-Id', 'Retry-After', 'RateLimit', 'Idempotent-Replayed', 'Location']),
    );
  });

  it.each([
    ['/api/v1/things', 204, 'POST, GET, HEAD, OPTIONS'],
    ['/health', 204, 'GET, HEAD, OPTIONS'],
    ['/ready', 204, 'GET, HEAD, OPTIONS'],
    ['/metrics', 204, 'GET, HEAD, OPTIONS'],
    ['/api/v1/nothing', 404, undefined],
    ['/nothing', 404, undefined],
  ])('OPTIONS of %s by nobody that CORS is for -> %i, Allow: %s', async (path, status, allow) => {
    for (const headers of [{}, { Origin: 'http://evil.test' }]) {
      const answer = await request(app).options(path).set(headers);
      expect([answer.status, answer.headers.allow]).toEqual([status, allow]);
    }
  });

  it('OPTIONS from a page that may call, no preflight -> the methods, too', async () => {
    const { status, headers } = await request(app).options('/api/v1/things').set('Origin', 'http://shop.test');
    expect([status, headers.allow]).toEqual([204, 'POST, GET, HEAD, OPTIONS']);
    expect(headers['access-control-allow-origin']).toBe('http://shop.test');
  });

  it('a route that will go -> each of its answers says since when, until when, and what is to be used; others do not', async () => {
    const deprecation = {
      since: new Date('2026-12-01'),
      sunset: new Date('2027-06-30'),
      link: 'https://shop.test/things',
    };
    const old = route({
      method: 'GET',
      path: '/',
      access: 'authenticated',
      operation: { ...testOperation, replies: { 200: { message: '', data: null } } },
      deprecation,
      handle: async () => ok('', []),
    });
    const next = publicRoute({
      method: 'GET',
      path: '/next',
      operation: testOperation,
      handle: async () => ok('', []),
    });
    const target = buildApp({ routes: { '/things': [old, next] } });
    for (const [headers, status] of [
      [user, 200],
      [{}, 401],
    ] as const) {
      const answer = await request(target).get('/things').set(headers).expect(status);
      expect(answer.headers).toMatchObject({
        deprecation: '@1796083200',
        sunset: 'Wed, 30 Jun 2027 00:00:00 GMT',
        link: '<https://shop.test/things>; rel="deprecation"',
      });
    }
    expect(Object.keys((await request(target).get('/things/next').expect(200)).headers)).not.toContain('deprecation');
    const { paths } = (await request(target).get('/openapi.json').expect(200)).body;
    expect(paths['/things'].get).toMatchObject({
      deprecated: true,
      'x-sunset': '2027-06-30',
      externalDocs: { url: deprecation.link },
      responses: { 200: { headers: { Deprecation: {}, Sunset: {}, Link: {} } } },
    });
    expect(paths['/things/next'].get).not.toHaveProperty('deprecated');
  });

  it('security headers -> there, and nothing tells the framework', async () => {
    const { headers } = await request(app).get('/health');
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'SAMEORIGIN' });
    expect(headers).not.toHaveProperty('x-powered-by');
  });
});

describe('a client that asks too often', () => {
  const limited = () => buildApp({ requestsPerSecond: 2 });
  const statuses = async (calls: (() => request.Test)[]) => {
    const responses = await Promise.all(calls.map((call) => call()));
    return responses.map(({ status }) => status).sort();
  };

  it('by account -> 429 with Retry-After, whatever address it claims', async () => {
    const target = limited();
    const from = (address: string) => () =>
      request(target).get('/api/v1/things').set(user).set('X-Forwarded-For', address);
    expect(await statuses([from('192.0.2.1'), from('192.0.2.2'), from('192.0.2.3')])).toEqual([200, 200, 429]);
    const refused = await from('192.0.2.4')();
    expect(refused.body.error.code).toBe('RATE_LIMITED');
    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.headers.ratelimit).toMatch(/r=0/);
  });

  it('without account -> counted by the address that a trusted proxy tells', async () => {
    const target = limited();
    const from = (address: string) => () =>
      request(target).get('/api/v1/things/conflict').set('X-Forwarded-For', address);
    expect(await statuses([from('192.0.2.1'), from('192.0.2.1'), from('192.0.2.1')])).toEqual([409, 409, 429]);
    expect(await statuses([from('192.0.2.9')])).toEqual([409]);
  });

  it('from an address that is no proxy -> X-Forwarded-For moves nothing', async () => {
    const target = buildApp({ requestsPerSecond: 2, trustedProxies: [] });
    const from = (address: string) => () =>
      request(target).get('/api/v1/things/conflict').set('X-Forwarded-For', address);
    expect(await statuses([from('192.0.2.1'), from('192.0.2.2'), from('192.0.2.3')])).toEqual([409, 409, 429]);
  });
});

describe('the log', () => {
  /** An app that notes of which requests it has logged errors. */
  const withLog = (options: Partial<ServiceAppOptions>) => {
    const errors: { message: string; requestId: string | undefined }[] = [];
    const quiet = () => undefined;
    const logger = {
      error: (message: string) => void errors.push({ message, requestId: currentScope()?.requestId }),
      ...{ warn: quiet, info: quiet, debug: quiet },
    };
    return { errors, target: buildApp({ logger, ...options }) };
  };
  const failing = (thrown: Error) => ({
    routes: {
      '/': [
        publicRoute({
          operation: testOperation,
          method: 'POST',
          path: '/',
          handle: async () => {
            throw thrown;
          },
        }),
      ],
    },
  });

  it.each([
    ['an unexpected error', 500, new Error('a bug')],
    ['a database that can not be reached', 503, new Error('connection refused')],
    ['saturated hashing', 503, new ServiceUnavailable('Too many logins', { retryAfterSeconds: 1 })],
    ['an upstream that is too slow', 504, new UpstreamTimeout('order-service did not answer in time')],
  ])('%s -> %i, and exactly one line of level error with its id', async (_, status, thrown) => {
    const isUnavailable = (error: unknown) => error instanceof Error && error.message === 'connection refused';
    const { errors, target } = withLog({ ...failing(thrown), isUnavailable });

    await request(target).post('/').set('X-Request-Id', 'failed').expect(status);

    expect(errors).toEqual([{ message: 'request failed', requestId: 'failed' }]);
  });

  it('an idempotent request whose key can not be given back either -> one line', async () => {
    const thrown = new Error('connection refused');
    const away = async () => {
      throw thrown;
    };
    const leasedKey = { userId: randomUUID(), key: 'key', attempt: randomUUID(), begun: undefined };
    const { errors, target } = withLog({
      routes: {
        '/': [
          route({
            operation: testOperation,
            method: 'POST',
            path: '/',
            access: 'authenticated',
            idempotent: true,
            handle: away,
          }),
        ],
      },
      idempotency: { claim: async () => ({ outcome: 'held', leasedKey }), release: away, keep: away },
    });

    await request(target).post('/').set(user).set({ 'X-Request-Id': 'failed', 'Idempotency-Key': 'key' }).expect(500);

    expect(errors).toEqual([{ message: 'request failed', requestId: 'failed' }]);
  });

  it('a refusal -> none', async () => {
    const { errors, target } = withLog(failing(new Conflict('Already there')));

    await request(target).post('/').expect(409);

    expect(errors).toEqual([]);
  });

  it.each([
    ['because its database is down', 'down', false, [{ message: 'not ready', requestId: 'probe' }]],
    ['because it stops, as planned', 'up', true, []],
  ] as const)('not ready %s -> as many lines as there is reason to act', async (_, state, isStopping, expected) => {
    const probes = { database: { required: true, state: () => state } };
    const { errors, target } = withLog({ probes, isStopping: () => isStopping });

    await request(target).get('/ready').set('X-Request-Id', 'probe').expect(503);

    expect(errors).toEqual(expected);
  });
});

describe('health', () => {
  const ready = async (states: Record<string, DependencyState>, isStopping = false) => {
    const probes = Object.fromEntries(
      Object.entries(states).map(([name, state]) => [name, { required: name === 'database', state: () => state }]),
    );
    const response = await request(buildApp({ probes, isStopping: () => isStopping })).get('/ready');
    return [response.status, response.body.status, response.body.dependencies];
  };

  it('alive -> healthy, with service and version', async () => {
    const response = await request(app).get('/health').expect(200);
    expect(response.body).toEqual({
      status: 'healthy',
      service: 'test-service',
      version: '1.2.3',
      uptime: expect.any(Number),
    });
  });

  it('broker down or outbox behind -> ready, but degraded', async () => {
    expect(await ready({ database: 'up', broker: 'up' })).toEqual([200, 'ok', { database: 'up', broker: 'up' }]);
    expect((await ready({ database: 'up', broker: 'down' })).slice(0, 2)).toEqual([200, 'degraded']);
    expect((await ready({ database: 'up', outbox: 'behind' })).slice(0, 2)).toEqual([200, 'degraded']);
  });

  it('own database down, or stopping -> not ready', async () => {
    expect((await ready({ database: 'down', broker: 'up' })).slice(0, 2)).toEqual([503, 'unavailable']);
    expect((await ready({ database: 'up' }, true)).slice(0, 2)).toEqual([503, 'unavailable']);
  });

  it('metrics -> requests by route pattern, never by path', async () => {
    const target = buildApp();
    await request(target).delete(`/api/v1/things/${randomUUID()}`).set(user);
    const { text: metrics } = await request(target).get('/metrics').expect(200);
    expect(metrics).toContain('http_route="/api/v1/things/:id",http_response_status_code="403"');
  });
});

it('probes -> logged at level debug, all other requests at info', async () => {
  const logged: string[] = [];
  const tell = (level: string) => (message: string) => void logged.push(`${level} ${message}`);
  const logger = { error: tell('error'), warn: tell('warn'), info: tell('info'), debug: tell('debug') };
  const server = buildApp({ logger });
  for (const path of ['/health', '/health?deep=1', '/ready', '/metrics', '/healthy', '/api/v1/nothing']) {
    await request(server).get(path);
  }
  await eventually(() => {
    expect(logged.filter((line) => line.endsWith(' request'))).toEqual([
      ...Array.from({ length: 4 }, () => 'debug request'),
      'info request',
      'info request',
    ]);
  });
});
