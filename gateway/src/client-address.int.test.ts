import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RateLimited } from '@shop/common/errors';
import { createTestBroker, createTestTokens, spoofedAddresses, type TestBroker } from '@shop/testing';
import { aUser } from '../test/resources.js';
import { nobodyListens, startTestGateway } from '../test/start-test-gateway.js';
import { read } from '../test/test-gateway.js';
import { startStandIn, type StandIn } from '../test/upstream.js';
import type { RunningGateway } from './container.js';

const tokens = createTestTokens();
const authorization = `Bearer ${tokens.tokenFor({})}`;

let broker: TestBroker;
let users: StandIn;
/** Its clients come to it directly. */
let atTheEdge: RunningGateway;
/** Its clients come through a proxy on this machine. */
let behindProxy: RunningGateway;

beforeAll(async () => {
  [broker, users] = await Promise.all([createTestBroker(), startStandIn()]);
  const settings = { tokens, brokerUrl: broker.url, serviceUrls: { ...nobodyListens, users: users.url } };
  atTheEdge = await startTestGateway(settings);
  behindProxy = await startTestGateway({ ...settings, trustedProxies: ['127.0.0.1'] });
});
beforeEach(() => {
  users.reset();
  users.on('GET /api/v1/users/me', () => ({ data: aUser() }));
});
afterAll(async () => {
  await Promise.all([atTheEdge.stop(), behindProxy.stop()]);
  await Promise.all([users.stop(), broker.stop()]);
});

const ask = async ({ port }: RunningGateway, query: string, headers: Readonly<Record<string, string>> = {}) =>
  read(
    await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query }),
    }),
  );

const addressHeaders = new Set(spoofedAddresses.flatMap(([, headers]) => Object.keys(headers)));

/** The headers about the client's address that the service was sent. */
const notifiedService = () =>
  Object.entries(users.calls[0]?.headers ?? {}).filter(([name]) => addressHeaders.has(name));

describe('what services learn of the client’s address', () => {
  it.each(spoofedAddresses)(
    'a client that claims %s -> the connection’s, and nothing of the claim',
    async (_, headers) => {
      await ask(atTheEdge, '{ me { id } }', { ...headers, authorization });

      expect(notifiedService()).toEqual([['x-forwarded-for', '127.0.0.1']]);
    },
  );

  it.each(spoofedAddresses)('one that claims %s to a proxy -> what the proxy saw', async (_, headers) => {
    const claimed = headers['x-forwarded-for'];
    const seen = claimed === undefined ? '192.0.2.7' : `${claimed}, 192.0.2.7`;

    await ask(behindProxy, '{ me { id } }', { ...headers, 'x-forwarded-for': seen, authorization });

    expect(notifiedService()).toEqual([['x-forwarded-for', '192.0.2.7']]);
  });
});

describe('a client that asks too often', () => {
  it('as somebody else in every request -> counted as one, shown its limit, and no service learns of it', async () => {
    const limited = await startTestGateway({ tokens, brokerUrl: broker.url, requestsPerSecond: 1 });
    const started = performance.now();
    try {
      const answers = await Promise.all(spoofedAddresses.map(([, headers]) => ask(limited, '{ __typename }', headers)));
      const seconds = Math.ceil((performance.now() - started) / 1_000);
      const refused = answers.filter(({ status }) => status === 429);

      expect(answers.length - refused.length).toBeLessThanOrEqual(seconds + 1);
      for (const { headers } of answers) {
        expect(headers.get('ratelimit-policy')).toBe('"requests";q=1;w=1');
        expect(headers.get('ratelimit')).toBe('"requests";r=0;t=1');
      }
      for (const { headers } of refused) expect(headers.get('retry-after')).toBe('1');
    } finally {
      await limited.stop();
    }
  });

  it('below its limit -> shown what is left', async () => {
    const { headers } = await ask(atTheEdge, '{ __typename }', { authorization: `Bearer ${tokens.tokenFor({})}` });

    expect(headers.get('ratelimit-policy')).toBe('"requests";q=100000;w=1');
    expect(headers.get('ratelimit')).toBe('"requests";r=99999;t=1');
    expect(headers.get('retry-after')).toBeNull();
  });

  it('a login that its service refuses for now -> RATE_LIMITED, and when to come back', async () => {
    users.on('POST /api/v1/users/login', () => {
      throw new RateLimited(90);
    });

    const { status, errors } = await ask(
      atTheEdge,
      'mutation { login(input: { email: "a@b.co", password: "x" }) { token } }',
    );

    expect(status).toBe(200);
    expect(errors).toMatchObject([
      { message: 'Too many requests', path: ['login'], extensions: { code: 'RATE_LIMITED', retryAfter: 90 } },
    ]);
  });
});
