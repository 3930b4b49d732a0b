import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { corsPolicy } from '@shop/common/http';
import { startEdge, type Answer, type Edge } from './test/edge.ts';

const SHOP = 'https://shop.example.com';
const VITE = 'http://localhost:5173';

const corsNames = ({ headers }: Answer): string[] =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));
const allowed = ({ headers }: Answer) => headers['access-control-allow-origin'];
const listOf = (value: unknown): string[] => String(value).split(/,\s*/);
const preflightOf = (origin: string) => ({
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
});

describe('in production', () => {
  let edge: Edge;
  beforeAll(async () => {
    edge = await startEdge({ nodeEnvironment: 'production', corsOrigins: `https://admin.example.com, ${SHOP}` });
  });
  beforeEach(() => {
    for (const upstream of [edge.gateway, edge.orders])
      upstream.respond((_call, response) => void response.writeHead(204).end());
  });
  afterEach(() => {
    edge.gateway.calls.length = 0;
    edge.orders.calls.length = 0;
  });
  afterAll(() => edge.stop());

  it.each([
    ['404', 404, '/nothing', {}],
    ['413', 413, '/graphql', { method: 'POST', body: Buffer.alloc(1_000_001) }],
  ] as const)(
    'the edge’s own %s -> a page of CORS_ORIGINS can read it, no other can',
    async (_, status, path, question) => {
      const from = (origin: string) => edge.ask(path, { ...question, headers: { origin } });

      const own = await from(SHOP);

      expect([own.status, allowed(own)]).toEqual([status, SHOP]);
      expect(listOf(own.headers['access-control-expose-headers'])).toEqual(corsPolicy.exposedHeaders);
      expect(own.headers.vary).toBe('Origin');
      for (const origin of [
        VITE,
        'https://evil.example.com',
        `${SHOP}.evil.test`,
        'https://shop-example.com',
        'null',
        `,https://evil.test, https://evil.test`,
        `x ,https://evil.test, https://evil.test`,
        ',',
      ])
        expect([origin, corsNames(await from(origin))]).toEqual([origin, []]);
    },
  );

  it('an address too long, with which nginx reads no origin -> every page can read that it is', async () => {
    const answer = await edge.ask(`/api/v1/orders?${'a'.repeat(8_000)}`, { headers: { origin: SHOP } });

    expect([answer.status, allowed(answer)]).toEqual([431, '*']);
  });

  it('a service that is down -> 503 with Retry-After, which the page can read', async () => {
    edge.orders.respond((_call, response) => void response.destroy());

    const answer = await edge.ask('/api/v1/orders', { headers: { origin: SHOP } });

    expect([answer.status, answer.headers['retry-after'], allowed(answer)]).toEqual([503, '1', SHOP]);
    expect(listOf(answer.headers['access-control-expose-headers'])).toContain('Retry-After');
  });

  it.each(['/api/v1/orders', '/graphql', '/nothing'])('a preflight of %s -> answered by the edge', async (path) => {
    const answer = await edge.ask(path, preflightOf(SHOP));

    expect([answer.status, answer.text, allowed(answer)]).toEqual([204, '', SHOP]);
    expect(listOf(answer.headers['access-control-allow-methods'])).toEqual(corsPolicy.methods);
    expect(listOf(answer.headers['access-control-allow-headers'])).toEqual(corsPolicy.allowedHeaders);
    expect(answer.headers['access-control-max-age']).toBe(String(corsPolicy.maxAge));
    expect([edge.gateway.calls, edge.orders.calls]).toEqual([[], []]);
  });

  it.each([VITE, 'https://evil.example.com'])('a preflight from %s -> the service refuses it', async (origin) => {
    const answer = await edge.ask('/api/v1/orders', preflightOf(origin));

    expect([corsNames(answer), edge.orders.calls.map(({ method }) => method)]).toEqual([[], ['OPTIONS']]);
  });

  it('an answer that the service lets the page read -> its headers come through once', async () => {
    edge.orders.respond(({ headers }, response) => {
      response.writeHead(200, { 'Access-Control-Allow-Origin': headers.origin, Vary: 'Origin' }).end('{}');
    });

    const { rawHeaders } = await edge.ask('/api/v1/orders', { headers: { origin: SHOP } });

    expect(rawHeaders.filter((header) => header.toLowerCase() === 'access-control-allow-origin')).toHaveLength(1);
  });

  it('what is kept of a public answer -> each origin gets the one that names it', async () => {
    edge.gateway.respond(({ headers }, response) => {
      response
        .writeHead(200, {
          ...(headers.origin === SHOP && { 'Access-Control-Allow-Origin': headers.origin }),
          'Cache-Control': 'public, max-age=60',
          'Content-Length': 2,
          Vary: 'Origin',
        })
        .end('{}');
    });
    const at = (headers: Record<string, string>) => edge.ask('/graphql?query={__typename}', { headers });

    const answers = [await at({}), await at({ origin: SHOP }), await at({}), await at({ origin: SHOP })];

    expect(answers.map(allowed)).toEqual([undefined, SHOP, undefined, SHOP]);
    expect(answers.map(({ headers }) => headers['x-cache-status'])).toEqual(['MISS', 'MISS', 'HIT', 'HIT']);
  });
});

describe('in production without CORS_ORIGINS', () => {
  it.each([SHOP, VITE, 'null', ',', ''])('a page of %j -> reads nothing', async (origin) => {
    const edge = await startEdge({ nodeEnvironment: 'production' });
    try {
      expect(corsNames(await edge.ask('/nothing', { headers: { origin } }))).toEqual([]);
      expect(corsNames(await edge.ask(`/?${'a'.repeat(8_000)}`, { headers: { origin } }))).toEqual([]);
    } finally {
      await edge.stop();
    }
  });
});

describe('in development', () => {
  let edge: Edge;
  beforeAll(async () => {
    edge = await startEdge({ rateLimit: 100, corsOrigins: SHOP });
  });
  afterAll(() => edge.stop());

  it.each([VITE, 'http://127.0.0.1:3000', 'https://localhost', 'http://[::1]:8080', SHOP])(
    'a page of %s -> can read the edge’s answers',
    async (origin) => {
      expect(allowed(await edge.ask('/nothing', { headers: { origin } }))).toBe(origin);
      expect((await edge.ask('/nothing', preflightOf(origin))).status).toBe(204);
    },
  );

  it.each([
    'http://localhost.evil.test',
    'http://evil.test/localhost',
    'http://localhost:',
    'x http://localhost',
    'null',
  ])('a page of %s -> cannot', async (origin) => {
    expect(corsNames(await edge.ask('/nothing', { headers: { origin } }))).toEqual([]);
  });

  it('too many requests -> 429, which the page can read, and when to come again', async () => {
    const flood = await Promise.all(
      Array.from({ length: 250 }, () => edge.ask('/api/v1/orders', { headers: { origin: VITE }, from: '127.0.0.9' })),
    );

    const refused = flood.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(refused.map(allowed))).toEqual(new Set([VITE]));
    expect(new Set(refused.map(({ headers }) => headers['retry-after']))).toEqual(new Set(['1']));
  });
});
