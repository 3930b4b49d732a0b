import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { subscribe } from '@shop/testing';
import { serverAudits } from 'graphql-http';
import { getIntrospectionQuery } from 'graphql';
import { eventually, graphql, orderInput, placeOrder, register, rest, urls, type Account } from './support/system.js';

const isPublic = 'public, max-age=240, stale-while-revalidate=60';

const get = (target: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(urls.nginx + target, { headers: { accept: 'application/json', ...headers } });
const bearer = ({ token }: Account) => ({ authorization: `Bearer ${token}` });
const cacheStatus = ({ headers }: Response): string | null => headers.get('x-cache-status');

/** A URL for a query that nobody else asks. */
const query = (document: string): string => `/graphql?query=${encodeURIComponent(`${document}#${randomUUID()}`)}`;

const cacheOnDisk = (): string => {
  const folder = path.join(process.env.E2E_DIRECTORY!, 'nginx/cache');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'latin1')).join('\n');
};

describe('two users at the edge', () => {
  let alice: Account;
  let bob: Account;
  let orderId: string;
  let paymentId: string;

  beforeAll(async () => {
    [alice, bob] = await Promise.all([register(), register()]);
    ({ orderId, paymentId } = await placeOrder(alice.token));
  });

  it.each([
    ['GraphQL', () => query('{ me { id email } orders { data { id } } }')],
    ['GraphQL at its old address', () => query('{ me { id email } }').replace('/graphql', '/query')],
    ['her own account', () => '/api/v1/users/me'],
    ['her account', () => `/api/v1/users/${alice.id}`],
    ['users', () => '/api/v1/users'],
    ['orders', () => '/api/v1/orders'],
    ['her order', () => `/api/v1/orders/${orderId}`],
    ['payments', () => '/api/v1/payments'],
    ['her payment', () => `/api/v1/payments/${paymentId}`],
  ])('%s, asked by Alice -> her answer reaches neither Bob nor nobody', async (_, urlOf) => {
    const url = urlOf();
    const hers = new RegExp([alice.id, alice.email, orderId, paymentId].join('|'));
    for (const [who, isHers] of [
      [alice, true],
      [bob, false],
      [undefined, false],
      [alice, true],
    ] as const) {
      const answer = await get(url, who && bearer(who));
      const body = (await answer.text()).replace('%', '');
      // An error may name what was asked for.
      if (isHers) expect(body).toMatch(hers);
      else expect(body).not.toMatch(new RegExp(alice.email));
      if (!isHers && !url.includes(alice.id)) expect(body).not.toMatch(hers);
      expect(['BYPASS', 'MISS']).toContain(cacheStatus(answer));
    }
  });

  it('nothing of any of it -> on disk', () => {
    expect(cacheOnDisk()).not.toMatch(new RegExp([alice.id, alice.email, alice.token, bob.token, 'eyJ'].join('|')));
  });

  it('queries of 20 kB that differ in one value -> each its own answer', async () => {
    const ask = async (account: Account, id: string) => {
      const document = `query ($id: ID!) { order(id: $id) { id } } # ${'x'.repeat(20_000)}`;
      return (await graphql(document, account.token, { id }, urls.nginx)).body;
    };
    const { orderId: other } = await placeOrder(alice.token, orderInput);

    expect((await ask(alice, orderId)).data.order.id).toBe(orderId);
    expect((await ask(alice, other)).data.order.id).toBe(other);
    expect((await ask(bob, orderId)).data.order).toBeNull();
  });
});

describe('what is public', () => {
  it('the schema -> kept; each answer with an id of its own, and without the first one’s limits and trace', async () => {
    const url = query(getIntrospectionQuery());
    const [first, second] = [await get(url), await get(url, { 'x-request-id': 'mine' })];

    expect([cacheStatus(first), cacheStatus(second)]).toEqual(['MISS', 'HIT']);
    expect(first.headers.get('cache-control')).toBe(isPublic);
    expect(second.headers.get('x-request-id')).toBe('mine');
    expect(second.headers.get('traceparent')).toBeNull();
    expect(second.headers.get('ratelimit')).toBeNull();
    const text = await second.text();
    expect(await first.text()).toBe(text);
    expect(JSON.parse(text).data.__schema.queryType.name).toBe('Query');
  });

  it('the schema, asked for with a token -> not from the cache, and not for it', async () => {
    const url = query('{ __typename }');
    const account = await register();
    expect(cacheStatus(await get(url, bearer(account)))).toBe('BYPASS');
    expect(cacheStatus(await get(url))).toBe('MISS');
    const answer = await get(url, bearer(account));
    expect([cacheStatus(answer), answer.headers.get('cache-control')]).toEqual(['BYPASS', 'no-store']);
  });

  it.each([
    ['refused', '{ me { id } }'],
    ['partly refused', '{ __typename me { id } orders { data { id } } }'],
    ['not of the schema', '{ nothing }'],
    ['not a query', '{'],
    ['a mutation', 'mutation { logout }'],
  ])('a query that is %s -> never kept', async (_, document) => {
    const url = query(document);
    const answers = [await get(url), await get(url)];
    expect(answers.map(cacheStatus)).toEqual(['MISS', 'MISS']);
    expect(answers.map(({ headers }) => headers.get('cache-control'))).toEqual(['no-store', 'no-store']);
  });

  it('GraphiQL and its script -> kept, with the page’s own policy, each header once', async () => {
    const page = await get('/', { accept: 'text/html' });
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self'/);
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    await eventually(async () => expect(cacheStatus(await get('/', { accept: 'text/html' }))).toBe('HIT'));

    const script = /"(\/graphiql\/graphiql-[0-9a-f]+\.js)"/.exec(html)![1]!;
    const [first, second] = [await get(script), await get(script)];
    expect(await first.text()).toBe(await second.text());
    expect(cacheStatus(second)).toBe('HIT');
    expect(second.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    // The same URL to a client that wants data.
    expect((await get('/')).status).toBe(404);
  });
});

describe('the way through', () => {
  it('/metrics and /ready -> there behind it, not through it', async () => {
    for (const target of ['/metrics', '/ready', '/metrics/', '/READY']) {
      expect((await get(target)).status).toBe(404);
    }
    expect((await fetch(`${urls.gateway}/ready`)).status).toBe(200);
    expect(await (await get('/health')).json()).toMatchObject({ status: 'healthy', service: 'gateway' });
    expect(await (await get('/.well-known/jwks.json')).json()).toMatchObject({ keys: [{ alg: 'ES256' }] });
  });

  it('an address of the client’s choice -> believed by nobody', async () => {
    const requestId = randomUUID();
    await get('/api/v1/users/me', { 'x-request-id': requestId, 'x-forwarded-for': '203.0.113.77' });
    await rest('POST', '/users/login', { body: {}, origin: urls.nginx });
    const logs = path.join(process.env.E2E_DIRECTORY!, 'logs');
    await eventually(async () => {
      expect(readFileSync(path.join(logs, 'nginx.log'), 'utf8')).toContain(requestId);
    });
    for (const name of readdirSync(logs)) {
      expect(readFileSync(path.join(logs, name), 'utf8')).not.toContain('203.0.113.77');
    }
  });

  it('a subscription -> each change at once', async () => {
    const { token } = await register();
    const { orderId } = await placeOrder(token);
    const query = 'subscription ($id: ID!) { orderUpdated(id: $id) { status } }';
    const subscriber = await subscribe(`${urls.nginx}/graphql`, { query, variables: { id: orderId }, token });
    try {
      await rest('PATCH', `/orders/${orderId}/status`, { token, body: { status: 'cancelled' }, origin: urls.nginx });
      await eventually(async () => {
        expect(subscriber.results.at(-1)).toEqual({ data: { orderUpdated: { status: 'cancelled' } } });
      });
    } finally {
      subscriber.leave();
    }
  });

  it('a client at / that names nothing it likes -> GraphiQL, from the second time on out of the cache', async () => {
    const ask = async () => {
      const response = await get('/', { accept: '*/*' });
      return [response.status, response.headers.get('content-type'), (await response.text()).startsWith('<!doctype')];
    };
    expect(await ask()).toEqual([200, 'text/html; charset=utf-8', true]);
    expect(cacheStatus(await get('/', { accept: '*/*' }))).toBe('HIT');
  });

  // With the limits that are set for all of these tests; with the ones of .env.example: nginx/rate-limit.int.test.ts.
  it('500 requests, 50 at a time, by a client that takes everything -> all are served', async () => {
    let left = 500;
    const failures: number[] = [];
    const client = async (): Promise<void> => {
      while (left-- > 0) {
        const response = await get('/', { accept: '*/*' });
        await response.text();
        if (response.status !== 200) failures.push(response.status);
      }
    };
    await Promise.all(Array.from({ length: 50 }, client));
    expect(failures).toEqual([]);
  });
});

describe('graphql-http’s audit, through nginx', () => {
  const audits = serverAudits({ url: `${urls.nginx}/graphql`, fetchFn: fetch });

  it('the audit -> has 61 parts', () => expect(audits).toHaveLength(61));

  it.each(audits.map((audit) => [audit.id, audit.name, audit] as const))('%s %s', async (_id, _name, audit) => {
    expect(await audit.fn()).toMatchObject({ status: 'ok' });
  });
});
