import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { personalDataResource } from '@shop/common/contracts';
import { AppError, InvalidInput, RateLimited, ServiceUnavailable } from '@shop/common/errors';
import { ask, createTestBroker, createTestTokens, eventually, type Received, type TestBroker } from '@shop/testing';
import { aPage, aPayment, anOrder, aUser } from '../../test/resources.js';
import { nobodyListens, startTestGateway } from '../../test/start-test-gateway.js';
import { startStandIn, type Call, type StandIn } from '../../test/upstream.js';
import type { RunningGateway } from '../container.js';

const UPSTREAM_TIMEOUT = 500;

const tokens = createTestTokens();
let broker: TestBroker;
let users: StandIn;
let orders: StandIn;
let payments: StandIn;
let gateway: RunningGateway;

beforeAll(async () => {
  [broker, users, orders, payments] = await Promise.all([
    createTestBroker(),
    startStandIn(),
    startStandIn(),
    startStandIn(),
  ]);
  gateway = await startTestGateway({
    tokens,
    brokerUrl: broker.url,
    serviceUrls: { ...nobodyListens, users: users.url, orders: orders.url, payments: payments.url },
    upstreamTimeout: UPSTREAM_TIMEOUT,
  });
});
afterAll(async () => {
  await gateway.stop();
  await Promise.all([users, orders, payments].map((standIn) => standIn.stop()));
  await broker.stop();
});
beforeEach(() => {
  for (const standIn of [users, orders, payments]) standIn.reset();
});

const urlOf = (id: string) => `http://127.0.0.1:${gateway.port}/api/v1/users/${id}/export`;
const exportOf = (id: string, token?: string): Promise<Received> =>
  ask(urlOf(id), { authorization: token === undefined ? undefined : `Bearer ${token}` });

/** The part of a list that a call asks for, its cursors being places in it. */
const partOf = (rows: readonly object[], size: number, { query }: Call) => {
  const start = Number(query.get('cursor') ?? 0);
  const hasMore = start + size < rows.length;
  return {
    data: rows.slice(start, start + size),
    meta: aPage({ limit: size, hasMore, nextCursor: hasMore ? String(start + size) : null }),
  };
};

const entryAbout = (userId: string) => ({
  id: randomUUID(),
  action: 'user.logged_in',
  actorId: userId,
  actorRole: 'user' as const,
  subjectKind: 'user' as const,
  subjectId: userId,
  details: {},
  clientAddress: '192.0.2.7',
  requestId: 'request',
  traceId: null,
  createdAt: '2026-01-31T12:00:00.000Z',
});

/** Somebody of whom each service knows something, in more than one page. */
function somebody() {
  const user = aUser();
  const userId = user.id;
  const statusHistory = [{ status: 'pending' as const, at: user.createdAt, by: userId, reason: null }];
  const refund = { id: randomUUID(), amount: 1, status: 'succeeded' as const, reason: null, createdAt: user.createdAt };
  const known = {
    user,
    sessions: [{ id: randomUUID(), createdAt: user.createdAt, expiresAt: user.updatedAt }],
    auditEntries: Array.from({ length: 3 }, () => entryAbout(userId)),
    orders: Array.from({ length: 5 }, () => anOrder({ userId, notes: '"über" \u2028', statusHistory })),
    payments: [aPayment({ userId, refunds: [refund] })],
  };
  users.on(`GET /api/v1/users/${userId}/personal-data`, () => ({
    data: { user: known.user, sessions: known.sessions },
  }));
  users.on(`GET /api/v1/users/${userId}/audit`, (call) => partOf(known.auditEntries, 2, call));
  orders.on('GET /api/v1/orders', (call) => partOf(known.orders, 2, call));
  payments.on('GET /api/v1/payments', (call) => partOf(known.payments, 2, call));
  return { userId, token: tokens.tokenFor({ id: userId, role: 'user' }), known };
}

describe('the data of a user, as one file', () => {
  it('of oneself -> what each service knows, all pages, asked for with the own token', async () => {
    const { userId, token, known } = somebody();
    const { status, headers, body } = await exportOf(userId, token);

    expect([status, body.success, body.message]).toEqual([200, true, 'Personal data exported']);
    expect(personalDataResource.parse(body.data)).toEqual({ ...known, exportedAt: body.data.exportedAt });
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-disposition': `attachment; filename="personal-data-${userId}.json"`,
      'cache-control': 'no-store',
    });
    const calls = [users, orders, payments].flatMap((standIn) => standIn.calls);
    expect(new Set(calls.map((call) => call.headers.authorization))).toEqual(new Set([`Bearer ${token}`]));
    expect(orders.calls.map(({ query }) => Object.fromEntries(query))).toEqual([
      { userId, statusHistory: 'true', limit: '100', total: 'false' },
      { userId, statusHistory: 'true', limit: '100', total: 'false', cursor: '2' },
      { userId, statusHistory: 'true', limit: '100', total: 'false', cursor: '4' },
    ]);
    expect(Object.fromEntries(payments.calls[0]!.query)).toMatchObject({ userId, refunds: 'true' });
  });

  it('of another, for an admin -> the same; a field of a later version is in it, too', async () => {
    const { userId, known } = somebody();
    orders.on('GET /api/v1/orders', () => ({ data: [{ ...known.orders[0], giftMessage: 'Hello' }], meta: aPage() }));
    const { status, body } = await exportOf(userId.toUpperCase(), tokens.tokenFor({ id: randomUUID(), role: 'admin' }));
    expect([status, body.data.user.id]).toEqual([200, userId]);
    expect(body.data.orders).toMatchObject([{ giftMessage: 'Hello' }]);
  });

  it('of somebody of whom nothing is known but the account -> empty lists', async () => {
    const { userId, token, known } = somebody();
    for (const list of [known.auditEntries, known.orders, known.payments]) list.length = 0;
    const { body } = await exportOf(userId, token);
    expect(body.data).toMatchObject({ user: known.user, auditEntries: [], orders: [], payments: [] });
  });

  it('of another -> what user-service says, and no other service is asked', async () => {
    const { userId } = somebody();
    users.on(`GET /api/v1/users/${userId}/personal-data`, () => {
      throw new AppError('NOT_FOUND', 'User not found');
    });
    const { status, body } = await exportOf(userId, tokens.tokenFor({ id: randomUUID(), role: 'user' }));
    expect([status, body.error.code]).toEqual([404, 'NOT_FOUND']);
    expect([...orders.calls, ...payments.calls]).toEqual([]);
  });

  it.each([
    ['nobody', undefined],
    ['a bad token', 'x.y.z'],
  ])('asked for by %s -> 401, and no service is asked', async (_, token) => {
    const { status, headers, body } = await exportOf(somebody().userId, token);
    expect([status, body.error.code]).toEqual([401, 'UNAUTHORIZED']);
    expect(headers['www-authenticate']).toMatch(/^Bearer/);
    expect(users.calls).toEqual([]);
  });

  it('a malformed id, another method, a query -> refused as by the services', async () => {
    const { userId, token } = somebody();
    expect((await exportOf('me', token)).body.error.fields).toMatchObject([{ field: 'id' }]);
    const post = await ask(urlOf(userId), { method: 'POST', authorization: `Bearer ${token}` });
    expect([post.status, post.headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect((await ask(`${urlOf(userId)}?limit=1`, { authorization: `Bearer ${token}` })).status).toBe(400);
  });
});

describe('what a service does not answer', () => {
  it.each([
    ['is down', () => Promise.reject(new ServiceUnavailable()), 503, 'SERVICE_UNAVAILABLE'],
    ['is too slow', () => new Promise<never>(() => undefined), 504, 'UPSTREAM_TIMEOUT'],
    ['knows no exports yet', () => Promise.reject(new InvalidInput([])), 503, 'SERVICE_UNAVAILABLE'],
    ['ends the login', () => Promise.reject(new AppError('UNAUTHORIZED', 'Token was revoked')), 401, 'UNAUTHORIZED'],
    ['loses its place', () => ({ data: [], meta: aPage({ hasMore: true }) }), 503, 'SERVICE_UNAVAILABLE'],
  ])(
    'one that %s at the last page -> its error, and nothing of what the others said',
    async (_, respond, ...expected) => {
      const { userId, token, known } = somebody();
      payments.on('GET /api/v1/payments', respond);
      const { status, headers, body } = await exportOf(userId, token);
      expect([status, body.error.code]).toEqual(expected);
      expect(headers).not.toHaveProperty('content-disposition');
      expect(JSON.stringify(body)).not.toContain(known.user.email);
      if (status === 503) expect(headers).toHaveProperty('retry-after');
    },
  );

  it('because the caller has used up its requests there -> asked again when it says', async () => {
    const { userId, token, known } = somebody();
    let refusals = 1;
    orders.on('GET /api/v1/orders', (call) => {
      if (refusals-- > 0) throw new RateLimited(1);
      return partOf(known.orders, 2, call);
    });
    const { status, body } = await exportOf(userId, token);
    expect([status, body.data.orders.length, orders.calls.length]).toEqual([200, known.orders.length, 4]);
  });
});

describe('how much is exported', () => {
  it('at a time by one account, and by all -> the rest waits briefly, then 429 or 503 with Retry-After', async () => {
    const { userId, token } = somebody();
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const blocked = async () => {
      await released;
      return { data: [], meta: aPage() };
    };
    const slow = await startSlowGateway();
    try {
      orders.on('GET /api/v1/orders', blocked);
      const admin = (n: number) => tokens.tokenFor({ id: `019a2b3c-0000-7000-8000-00000000000${n}`, role: 'admin' });
      const at = (by: string) =>
        ask(`http://127.0.0.1:${slow.port}/api/v1/users/${userId}/export`, { authorization: `Bearer ${by}` });
      const first = [at(token), at(admin(1))];
      await eventually(async () => expect(orders.calls).toHaveLength(2));
      const [again, third] = await Promise.all([at(token), at(admin(2))]);
      expect([again.status, again.headers['retry-after']]).toEqual([429, '1']);
      expect([third.status, third.headers['retry-after']]).toEqual([503, '1']);
      release();
      expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200]);
      expect((await at(token)).status).toBe(200);
    } finally {
      await slow.stop();
    }
  });

  it('more than there is room for -> 409', async () => {
    const { userId, token } = somebody();
    const notes = 'x'.repeat(2_000_000);
    orders.on('GET /api/v1/orders', () => ({
      data: [anOrder({ userId, notes })],
      meta: aPage({ hasMore: true, nextCursor: 'on' }),
    }));
    const { status, body } = await exportOf(userId, token);
    expect([status, body.error.code]).toEqual([409, 'CONFLICT']);
    expect(orders.calls.length).toBeLessThan(10);
  });

  it('each -> counts as 50 requests', async () => {
    const { userId, token } = somebody();
    const { headers } = await exportOf(userId, token);
    const [quota, remaining] = [headers['ratelimit-policy'], headers.ratelimit].map((text) =>
      Number(/[qr]=(\d+)/.exec(String(text))?.[1]),
    );
    expect(quota! - remaining!).toBe(50);
  });

  it('the client leaves -> no further page is asked for, and its place is free', async () => {
    const { userId, token } = somebody();
    const outgoing = request(urlOf(userId), { headers: { authorization: `Bearer ${token}` } });
    outgoing.on('error', () => undefined);
    let pages = 0;
    const left = new Promise<void>((resolve) => {
      orders.on('GET /api/v1/orders', async () => {
        if (++pages === 1) {
          outgoing.destroy();
          resolve();
        }
        await new Promise((waited) => setTimeout(waited, 50));
        return { data: [], meta: aPage({ hasMore: true, nextCursor: 'on' }) };
      });
    });
    outgoing.end();
    await left;
    await eventually(async () => {
      orders.on('GET /api/v1/orders', () => ({ data: [], meta: aPage() }));
      expect((await exportOf(userId, token)).status).toBe(200);
    });
    expect(payments.calls).toHaveLength(1);
  });
});

/** One whose services may take longer. */
const startSlowGateway = (): Promise<RunningGateway> =>
  startTestGateway({
    tokens,
    brokerUrl: broker.url,
    serviceUrls: { ...nobodyListens, users: users.url, orders: orders.url, payments: payments.url },
    upstreamTimeout: 20_000,
  });
