import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sqltag as sql } from '@prisma/client/runtime/client';
import request from 'supertest';
import { createTestDatabase, createTestTokens, type TestDatabase, testOperation } from '@shop/testing';
import { createTestClient } from '../../test/database/test-client.js';
import { AccessTokenVerifier, RevocationList } from '../auth/index.js';
import { AppError, InvalidInput, RequestStillRunning, type ErrorCode } from '../errors/index.js';
import { leaseOf, bodyOf, buildServiceApp, created, paramsOf, route, text, uuid, type Reply } from '../http/index.js';
import type { LeasedKey } from '../idempotency/index.js';
import { createMetrics } from '../metrics/index.js';
import { AtomicStore, leaseClauses, IdempotencyKeys } from './index.js';

const LEASE = 60_000;
const tokens = createTestTokens();
const verifier = new AccessTokenVerifier({ ...tokens, revocations: new RevocationList({ lifetime: 3_600_000 }) });
const ignore = () => undefined;
const logger = { error: ignore, warn: ignore, info: ignore, debug: ignore };

let database: TestDatabase;
let client: ReturnType<typeof createTestClient>['client'];
let store: AtomicStore<typeof client>;
let keys: IdempotencyKeys;

beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: 'common/test/database' });
  ({ client } = createTestClient(database.url));
  store = new AtomicStore({ client, onCommit: ignore });
  keys = new IdempotencyKeys({ client, lease: LEASE, maxPerUser: 1_000 });
});
afterAll(async () => {
  await client.$disconnect();
  await database.drop();
});

type Work = (input: { body: { name: string }; leasedKey: LeasedKey | undefined }) => Promise<Reply>;

const thing = ({ id, name }: { id: string; name: string }) =>
  created('Thing created', { id, name }, { location: `/things/${id}`, version: 1 });

/** Makes an author, and writes its answer down with it. */
const makeAuthor: Work = async ({ body: { name }, leasedKey }) => {
  const id = randomUUID();
  await store.save(async (transaction) => ({
    value: await transaction.author.create({ data: { id, email: `${name}-${id}` } }),
    events: [],
    note: leaseOf(leasedKey, thing)?.complete({ id, name }),
  }));
  return thing({ id, name });
};

/** An app whose routes do `work`, and how often they did. */
function createApp(work: Work = makeAuthor) {
  const calls = { count: 0 };
  const handle: Work = (input) => {
    calls.count++;
    return work(input);
  };
  const body = bodyOf({ name: text({ max: 100 }) });
  const parts = { operation: testOperation, method: 'POST', access: 'authenticated', body, handle } as const;
  const app = buildServiceApp({
    service: 'test',
    version: '1',
    logger,
    metrics: createMetrics({ service: 'test' }),
    verifier,
    probes: {},
    isStopping: () => false,
    corsOrigins: [],
    trustedProxies: [],
    requestsPerSecond: 10_000,
    idempotency: keys,
    routes: {
      '/things': [
        route({ ...parts, path: '/', idempotent: true }),
        route({ ...parts, path: '/other', idempotent: true }),
        route({ ...parts, path: '/careless' }),
        route({ ...parts, path: '/:id/parts', idempotent: true, params: paramsOf({ id: uuid() }) }),
      ],
    },
  });
  return { app, calls };
}

const newUser = () => ({ Authorization: `Bearer ${tokens.tokenFor({})}` });

/** Posts on behalf of one user under one key. */
function createPoster(
  app: ReturnType<typeof createApp>['app'],
  { user = newUser(), key = randomUUID() }: { user?: { Authorization: string }; key?: string } = {},
) {
  return (body: string | object = { name: 'a' }, path = '/things') =>
    request(app).post(path).set(user).set('Idempotency-Key', key).set('Content-Type', 'application/json').send(body);
}

const keyRows = (key: string) =>
  client.$queryRaw<{ status: number | null; begun: string | null }[]>(
    sql`SELECT status, begun FROM idempotency_keys WHERE key = ${key}`,
  );
const expire = (key: string, column: 'lease' | 'lifetime') =>
  column === 'lease'
    ? client.$executeRaw(sql`UPDATE idempotency_keys SET lease_until = now() - interval '1 second' WHERE key = ${key}`)
    : client.$executeRaw(sql`UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = ${key}`);
const isMade = async (id: string) => (await client.author.count({ where: { id } })) === 1;

async function hold(key: string, fingerprint = 'f'.repeat(64), userId: string = randomUUID()): Promise<LeasedKey> {
  const claim = await keys.claim({ userId, key, fingerprint });
  if (claim.outcome !== 'held') throw new Error(`the key is ${claim.outcome}`);
  return claim.leasedKey;
}

describe('a request that comes again under its key', () => {
  it('-> the first answer, byte for byte, marked as replayed; the work is done once', async () => {
    const { app, calls } = createApp();
    const post = createPoster(app);
    const first = await post().expect(201);
    expect(first.headers).not.toHaveProperty('idempotent-replayed');
    for (let time = 0; time < 2; time++) {
      const again = await post().expect(201);
      expect(again.text).toBe(first.text);
      expect(again.headers).toMatchObject({
        'idempotent-replayed': 'true',
        'content-type': first.headers['content-type'],
      });
    }
    expect(calls.count).toBe(1);
    expect(await isMade(first.body.data.id)).toBe(true);
  });

  it('written in another way -> still the same request', async () => {
    const { app, calls } = createApp();
    const post = createPoster(app);
    const first = await post('{"name":"a","more":{"x":[1,2],"y":null}}').expect(201);
    const again = await post(' { "more" : { "y":null, "x":[1.0,2] }, "name":"\\u0061" }').expect(201);
    expect(again.text).toBe(first.text);
    expect(calls.count).toBe(1);
  });

  it.each([
    ['another body', { name: 'b' }, '/things'],
    ['another body, in a field that nobody reads', { name: 'a', more: 1 }, '/things'],
    ['another path', { name: 'a' }, '/things/other'],
  ])('with %s -> 422; the first answer stays', async (_, body, path) => {
    const { app, calls } = createApp();
    const post = createPoster(app);
    const first = await post().expect(201);
    const refusal = await post(body, path).expect(422);
    expect(refusal.body.error.code).toBe('IDEMPOTENCY_KEY_REUSED');
    expect((await post().expect(201)).text).toBe(first.text);
    expect(calls.count).toBe(1);
  });

  it('for another thing -> 422; for the same one in capitals -> replayed', async () => {
    const post = createPoster(createApp().app);
    const id = randomUUID();
    await post({ name: 'a' }, `/things/${id}/parts`).expect(201);
    await post({ name: 'a' }, `/things/${randomUUID()}/parts`).expect(422);
    const again = await post({ name: 'a' }, `/things/${id.toUpperCase()}/parts/`).expect(201);
    expect(again.headers['idempotent-replayed']).toBe('true');
  });

  it('from another user -> a request of its own', async () => {
    const { app, calls } = createApp();
    const key = randomUUID();
    const [first, second] = [await createPoster(app, { key })(), await createPoster(app, { key })()];
    expect([first.status, second.status, calls.count]).toEqual([201, 201, 2]);
    expect(first.body.data.id).not.toBe(second.body.data.id);
  });

  it('while the first is running -> 409 and when to ask again; afterwards its answer', async () => {
    let finish: (reply: Reply) => void = ignore;
    let begin: () => void = ignore;
    const running = new Promise<void>((resolve) => (begin = resolve));
    const { app, calls } = createApp(() => {
      begin();
      return new Promise((resolve) => (finish = resolve));
    });
    const post = createPoster(app);
    const first = post().then((response) => response);
    await running;
    const early = await post().expect(409);
    expect(early.body.error.code).toBe('CONFLICT');
    expect(early.headers['retry-after']).toBe('1');
    await post({ name: 'b' }).expect(422);
    finish(thing({ id: 'x', name: 'a' }));
    expect((await first).status).toBe(201);
    expect((await post().expect(201)).text).toBe((await first).text);
    expect(calls.count).toBe(1);
  });

  it('50 times at once -> done once; equal answers or 409', async () => {
    const { app, calls } = createApp();
    const post = createPoster(app);
    const answers = await Promise.all(Array.from({ length: 50 }, () => post()));
    const done = answers.filter(({ status }) => status === 201);
    expect(new Set(done.map((answer) => answer.text)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(50 - done.length);
    expect(calls.count).toBe(1);
  });

  it('after 24 hours -> a new request, even with another body', async () => {
    const { app, calls } = createApp();
    const key = randomUUID();
    const post = createPoster(app, { key });
    const first = await post().expect(201);
    await expire(key, 'lifetime');
    const second = await post({ name: 'b' }).expect(201);
    expect(second.headers).not.toHaveProperty('idempotent-replayed');
    expect(second.text).not.toBe(first.text);
    expect((await post({ name: 'b' }).expect(201)).text).toBe(second.text);
    expect(calls.count).toBe(2);
  });
});

describe('a refusal', () => {
  it.each<ErrorCode>(['PAYMENT_DECLINED', 'CONFLICT'])(
    '%s was decided -> kept; its repetition names its own request',
    async (code) => {
      const { app, calls } = createApp(async () => {
        throw new Error('wrapped', { cause: new AppError(code, 'No', { facts: { reason: 'because' } }) });
      });
      const post = createPoster(app);
      const first = await post();
      const again = await post();
      const { requestId, ...body } = first.body;
      expect(again.status).toBe(first.status);
      expect(again.body).toEqual({ ...body, requestId: again.headers['x-request-id'] });
      expect(again.text).toBe(first.text.replace(requestId, again.headers['x-request-id']!));
      expect(again.headers['idempotent-replayed']).toBe('true');
      expect(calls.count).toBe(1);
    },
  );

  it.each<ErrorCode>([
    'UNAUTHORIZED',
    'FORBIDDEN',
    'NOT_FOUND',
    'RATE_LIMITED',
    'INTERNAL_ERROR',
    'SERVICE_UNAVAILABLE',
    'UPSTREAM_TIMEOUT',
  ])('%s may pass -> the key is free again, for another body too', async (code) => {
    const { app, calls } = createApp(async ({ body: { name } }) => {
      if (name === 'a') throw new AppError(code, 'Not now');
      return thing({ id: 'x', name });
    });
    const post = createPoster(app);
    await post();
    await post();
    await post({ name: 'b' }).expect(201);
    expect(calls.count).toBe(3);
  });

  it('of input by a rule of the use case, and of a bug -> the key is free again', async () => {
    const errors = [new InvalidInput([{ field: 'name', message: 'is taken' }]), new Error('a bug')];
    const { app } = createApp(async ({ body: { name } }) => {
      const error = errors.shift();
      if (error) throw error;
      return thing({ id: 'x', name });
    });
    const post = createPoster(app);
    await post().expect(400);
    await post().expect(500);
    await post().expect(201);
  });

  it('of input by its form -> no key is taken', async () => {
    const key = randomUUID();
    const post = createPoster(createApp().app, { key });
    await post({}).expect(400);
    await post('{').expect(400);
    await post('"').expect(400);
    expect(await keyRows(key)).toEqual([]);
  });
});

describe('the header', () => {
  it.each([
    ['of 255 characters', 'x'.repeat(255), 201],
    ['of 256 characters', 'x'.repeat(256), 400],
    ['that is empty', '', 400],
    ['with a tab', 'a\tb', 400],
    ['that is not ASCII', 'cl\u00e9', 400],
  ])('%s', async (_, key, status) => {
    const { body } = await createPoster(createApp().app, { key })().expect(status);
    if (status === 400) {
      expect(body.error.fields).toEqual([
        { field: 'Idempotency-Key', message: 'must have 1 to 255 printable ASCII characters' },
      ]);
    }
  });

  it('missing, or on a route that does not support it -> each request is its own', async () => {
    const { app, calls } = createApp();
    const user = newUser();
    await request(app).post('/things').set(user).send({ name: 'a' }).expect(201);
    await request(app).post('/things').set(user).send({ name: 'a' }).expect(201);
    const post = createPoster(app, { key: 'x'.repeat(300) });
    await post({ name: 'a' }, '/things/careless').expect(201);
    await post({ name: 'a' }, '/things/careless').expect(201);
    expect(calls.count).toBe(4);
  });

  it('with a body nested very deep -> answered like any other', async () => {
    const post = createPoster(createApp().app);
    const body = `{"name":"a","deep":${'['.repeat(40_000)}${']'.repeat(40_000)}}`;
    const first = await post(body).expect(201);
    expect((await post(body).expect(201)).text).toBe(first.text);
  });

  it('supported by a route of an app without a store -> the app is not built', () => {
    const parts = {
      operation: testOperation,
      method: 'POST',
      path: '/',
      access: 'authenticated',
      idempotent: true,
    } as const;
    const routes = { '/things': [route({ ...parts, handle: async () => thing({ id: 'x', name: 'a' }) })] };
    const options = {
      service: 'test',
      version: '1',
      logger,
      metrics: createMetrics({ service: 'test' }),
      verifier,
      probes: {},
      isStopping: () => false,
      corsOrigins: [],
      trustedProxies: [],
      requestsPerSecond: 1,
    };
    expect(() => buildServiceApp({ ...options, routes })).toThrow('/things/ needs an idempotency store');
  });
});

describe('an attempt that dies', () => {
  it('after its commit -> its answer is there at once', async () => {
    const key = randomUUID();
    const leasedKey = await hold(key);
    const made = { id: randomUUID(), name: 'a' };
    await store.save(async (transaction) => ({
      value: await transaction.author.create({ data: { id: made.id, email: made.id } }),
      events: [],
      note: leaseOf(leasedKey, thing)?.complete(made),
    }));
    expect(await keys.claim({ ...leasedKey, fingerprint: 'f'.repeat(64) })).toEqual({
      outcome: 'answered',
      answer: {
        status: 201,
        body: { success: true, message: 'Thing created', data: made },
        headers: { ETag: '"1"', Location: `/things/${made.id}` },
      },
    });
  });

  it('before its commit -> once its time is over the next one does the work, and it can not any more', async () => {
    const key = randomUUID();
    const slow = await hold(key);
    const request = { ...slow, fingerprint: 'f'.repeat(64) };
    expect(await keys.claim(request)).toEqual({ outcome: 'running' });
    await expire(key, 'lease');
    const next = await hold(key, request.fingerprint, slow.userId);
    expect(await keys.claim(request)).toEqual({ outcome: 'running' });

    const late = { id: randomUUID(), name: 'late' };
    const note = leaseOf(slow, thing)?.complete(late);
    await expect(
      store.save(async (transaction) => ({
        value: await transaction.author.create({ data: { id: late.id, email: late.id } }),
        events: [],
        note,
      })),
    ).rejects.toBeInstanceOf(RequestStillRunning);
    const { held, isAllowed, noted } = leaseClauses(note);
    const rows = await store.saveInOneStatement(sql`
      WITH ${held} saved AS (
        INSERT INTO authors (id, email) SELECT ${late.id}::uuid, 'late' WHERE ${isAllowed} RETURNING id
      ) ${noted} SELECT id FROM saved`);
    expect(rows).toEqual([]);
    await keys.keep(slow, { status: 201, body: {} });
    await keys.release(slow);
    expect(await isMade(late.id)).toBe(false);
    expect(await keyRows(key)).toEqual([{ status: null, begun: null }]);

    await keys.keep(next, { status: 201, body: { made: 'by the next' } });
    expect(await keys.claim(request)).toMatchObject({ outcome: 'answered', answer: { body: { made: 'by the next' } } });
  });

  it('after it began something -> the next one is notified of it, also after an error', async () => {
    const key = randomUUID();
    const first = await hold(key);
    const begun = randomUUID();
    const note = leaseOf(first, thing)?.start(begun);
    await store.save(async () => ({ value: undefined, events: [], note }));
    await expire(key, 'lease');
    const second = await hold(key, 'f'.repeat(64), first.userId);
    expect([first.begun, second.begun]).toEqual([undefined, begun]);
    await keys.release(second);
    const third = await hold(key, 'f'.repeat(64), first.userId);
    expect(third.begun).toBe(begun);
    // What it had begun came to nothing: all can start again.
    const ended = leaseOf(third, thing)?.settle(new AppError('SERVICE_UNAVAILABLE', 'Not reached'));
    await store.save(async () => ({ value: undefined, events: [], note: ended }));
    await keys.release(third);
    expect(await keyRows(key)).toEqual([]);
  });

  it('and was alive after all -> what it learnt is written, but it can not give up what the next one carries on', async () => {
    const key = randomUUID();
    const slow = await hold(key);
    await expire(key, 'lease');
    await hold(key, 'f'.repeat(64), slow.userId);
    const lease = leaseOf(slow, thing);
    const write = (id: string, result: { id: string; name: string } | AppError) =>
      store.save(async (transaction) => ({
        value: await transaction.author.create({ data: { id, email: id } }),
        events: [],
        note: lease?.settle(result),
      }));
    const [learnt, givenUp] = [randomUUID(), randomUUID()];
    await write(learnt, { id: learnt, name: 'a' });
    await expect(write(givenUp, new AppError('SERVICE_UNAVAILABLE', 'Not reached'))).rejects.toThrow(
      RequestStillRunning,
    );
    expect([await isMade(learnt), await isMade(givenUp)]).toEqual([true, false]);
    expect(await keyRows(key)).toEqual([{ status: null, begun: null }]);
  });

  it('a note of a one-statement write -> goes down with it, and not without it', async () => {
    const key = randomUUID();
    const leasedKey = await hold(key);
    const made = { id: randomUUID(), name: 'a' };
    const { held, isAllowed, noted } = leaseClauses(leaseOf(leasedKey, thing)?.complete(made));
    const write = (guard: boolean) =>
      store.saveInOneStatement(sql`
        WITH ${held} saved AS (
          INSERT INTO authors (id, email) SELECT ${made.id}::uuid, ${made.id} WHERE ${guard} AND ${isAllowed} RETURNING id
        ) ${noted} SELECT id FROM saved`);
    expect(await write(false)).toEqual([]);
    expect(await keyRows(key)).toEqual([{ status: null, begun: null }]);
    expect(await write(true)).toEqual([{ id: made.id }]);
    expect(await keyRows(key)).toEqual([{ status: 201, begun: null }]);
  });
});

describe('keys past their time', () => {
  it('-> purged in batches; the others stay', async () => {
    const young = randomUUID();
    await hold(young);
    await client.$executeRaw(sql`
      INSERT INTO idempotency_keys (user_id, key, fingerprint, attempt, lease_until, created_at)
      SELECT gen_random_uuid(), 'old', repeat('0', 64), gen_random_uuid(), now(), now() - interval '25 hours'
      FROM generate_series(1, 25)`);
    expect([await keys.purge(10), await keys.purge(10), await keys.purge(10)]).toEqual([true, true, false]);
    expect(await keyRows('old')).toEqual([]);
    expect(await keyRows(young)).toHaveLength(1);
  });
});

describe('the database refuses, whoever writes', () => {
  it.each([
    ['an answer without a body', `UPDATE idempotency_keys SET status = 200 WHERE key = $1`, 'answer'],
    ['an answer that may change', `UPDATE idempotency_keys SET status = 503, body = '{}' WHERE key = $1`, 'status'],
    ['an answer about the request', `UPDATE idempotency_keys SET status = 400, body = '{}' WHERE key = $1`, 'status'],
    ['no fingerprint', `UPDATE idempotency_keys SET fingerprint = '' WHERE key = $1`, 'fingerprint'],
    ['a key out of form', `UPDATE idempotency_keys SET key = repeat('x', 256) WHERE key = $1`, 'key'],
  ])('%s', async (_, statement, name) => {
    const key = randomUUID();
    await hold(key);
    await expect(client.$executeRawUnsafe(statement, key)).rejects.toThrow(`idempotency_keys_${name}_check`);
  });
});
