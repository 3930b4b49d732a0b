import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { createTestTokens, spoofedAddresses, testOperation } from '@shop/testing';
import { AccessTokenVerifier, RevocationList } from '../auth/index.js';
import { RateLimited } from '../errors/index.js';
import { createLogger, currentScope } from '../logger/index.js';
import { createMetrics } from '../metrics/index.js';
import { addressBlock, buildServiceApp, ok, publicRoute, type ServiceAppOptions } from './index.js';

const tokens = createTestTokens();

const buildApp = (options: Partial<ServiceAppOptions>) =>
  buildServiceApp({
    service: 'test-service',
    version: '1.2.3',
    logger: createLogger({ service: 'test-service', level: 'error' }),
    metrics: createMetrics({ service: 'test-service' }),
    verifier: new AccessTokenVerifier({ ...tokens, revocations: new RevocationList({ lifetime: 3_600_000 }) }),
    probes: {},
    isStopping: () => false,
    corsOrigins: [],
    trustedProxies: [],
    requestsPerSecond: 1_000,
    routes: {
      '/here': [
        publicRoute({
          operation: testOperation,
          method: 'GET',
          path: '/',
          handle: async () => ok('You are here', currentScope()?.clientAddress),
        }),
        publicRoute({
          operation: testOperation,
          method: 'GET',
          path: '/guarded',
          handle: async () => {
            throw new RateLimited(42, { policy: { name: 'guesses', quota: 5, windowSeconds: 60 } });
          },
        }),
      ],
    },
    ...options,
  });

const addressSeenBy = async (app: ReturnType<typeof buildApp>, headers: Readonly<Record<string, string>>) =>
  (await request(app).get('/here').set(headers).expect(200)).body.data as unknown;

describe('the client’s address', () => {
  const direct = buildApp({});
  const behindProxy = buildApp({ trustedProxies: ['127.0.0.1', '10.0.0.0/8'] });

  it.each(spoofedAddresses)('from a client itself, claimed by %s -> the connection’s', async (_name, headers) => {
    expect(await addressSeenBy(direct, headers)).toBe('127.0.0.1');
  });

  it.each(spoofedAddresses)('claimed by %s, before a proxy adds what it saw -> what it saw', async (_name, headers) => {
    const claimed = headers['x-forwarded-for'];
    const seen = claimed === undefined ? '192.0.2.7' : `${claimed}, 192.0.2.7`;
    expect(await addressSeenBy(behindProxy, { ...headers, 'x-forwarded-for': seen })).toBe('192.0.2.7');
  });

  it.each([
    ['one proxy', '192.0.2.7', '192.0.2.7'],
    ['two proxies', '203.0.113.1, 192.0.2.7, 10.1.2.3', '192.0.2.7'],
    ['a proxy that says IPv6', '2001:db8::7', '2001:db8::7'],
    ['a proxy that maps', '::ffff:192.0.2.7', '192.0.2.7'],
    ['a proxy that tells the zone', 'fe80::7%eth0', 'fe80::7'],
    ['a proxy that says garbage', 'unknown', '127.0.0.1'],
    ['a proxy behind which is garbage', 'unknown, 10.1.2.3', '10.1.2.3'],
    ['a proxy that says nothing', '', '127.0.0.1'],
  ])('behind %s -> the nearest that is no proxy', async (_case, forwarded, address) => {
    expect(await addressSeenBy(behindProxy, { 'x-forwarded-for': forwarded })).toBe(address);
  });

  it('in one block of IPv6 -> one client; of IPv4 each its own', () => {
    expect(addressBlock('2001:db8:0:1::1')).toBe(addressBlock('2001:DB8:0:00ff:1:2:3:4'));
    expect(addressBlock('2001:db8:0:1::1')).not.toBe(addressBlock('2001:db8:0:100::1'));
    expect(addressBlock('192.0.2.1')).not.toBe(addressBlock('192.0.2.2'));
    expect(addressBlock('::ffff:192.0.2.1')).toBe('192.0.2.1');
  });
});

describe('a client that asks too often', () => {
  /** The status of each of these requests, one right after the other. */
  const statuses = async (app: ReturnType<typeof buildApp>, corpus: readonly Readonly<Record<string, string>>[]) =>
    Promise.all(corpus.map(async (headers) => (await request(app).get('/here').set(headers)).status));

  it('as somebody else in every request -> counted as one all the same', async () => {
    const app = buildApp({ requestsPerSecond: 1 });
    const started = performance.now();
    const answers = await statuses(
      app,
      spoofedAddresses.map(([, headers]) => headers),
    );
    const seconds = Math.ceil((performance.now() - started) / 1_000);
    expect(answers.filter((status) => status === 200).length).toBeLessThanOrEqual(seconds + 1);
  });

  it('is given its limit in every answer, and in the last one when to come back', async () => {
    const app = buildApp({ requestsPerSecond: 1 });
    const [first, second] = await Promise.all([request(app).get('/here'), request(app).get('/here')]).then((answers) =>
      answers.sort((a, b) => a.status - b.status),
    );
    expect(first.status).toBe(200);
    expect(second.status).toBe(429);
    for (const { headers } of [first, second]) {
      expect(headers['ratelimit-policy']).toBe('"requests";q=1;w=1');
      expect(headers.ratelimit).toBe('"requests";r=0;t=1');
    }
    expect(first.headers).not.toHaveProperty('retry-after');
    expect(second.headers['retry-after']).toBe('1');
    expect(second.body.error).toEqual({ code: 'RATE_LIMITED', message: 'Too many requests' });
  });

  it('at a limit of the route’s own -> notified of both limits', async () => {
    const answer = await request(buildApp({ requestsPerSecond: 10 }))
      .get('/here/guarded')
      .expect(429);
    expect(answer.headers['ratelimit-policy']).toBe('"requests";q=10;w=1, "guesses";q=5;w=60');
    expect(answer.headers.ratelimit).toBe('"requests";r=9;t=1, "guesses";r=0;t=42');
    expect(answer.headers['retry-after']).toBe('42');
  });
});
