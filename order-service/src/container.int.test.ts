import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import supertest from 'supertest';
import { v7 as newId } from 'uuid';
import { deployMigrations, migrationStatus, revertMigrations } from '@shop/common/database';
import { createTestDatabase, eventually, revokeAccess, startTcpProxy, timeLimit } from '@shop/testing';
import { orderBody } from '../test/order-builder.js';
import { startTestService, type TestService } from '../test/test-service.js';
import { loadConfig } from './config.js';
import { startOrderService } from './container.js';

const serviceDirectory = path.join(import.meta.dirname, '..');
let test: TestService;

beforeAll(async () => {
  test = await startTestService();
});
afterAll(() => test.stop());

const routes = [
  ['post', '/api/v1/orders'],
  ['get', '/api/v1/orders'],
  ['get', '/api/v1/orders/my-orders'],
  ['get', `/api/v1/orders/${newId()}`],
  ['patch', `/api/v1/orders/${newId()}/status`],
  ['delete', `/api/v1/orders/${newId()}`],
] as const;

describe('every route', () => {
  it.each(routes)('%s %s without a token -> 401, before anything else is looked at', async (method, to) => {
    const { body, headers } = await supertest(test.url)[method](to).set('Content-Type', 'text/plain').expect(401);
    expect(body.error.code).toBe('UNAUTHORIZED');
    expect(headers['www-authenticate']).toBe('Bearer');
  });

  it('unknown paths and methods -> 404 and 405, before the caller is looked at', async () => {
    await supertest(test.url).get('/api/v1/order').expect(404);
    const { headers } = await supertest(test.url).put('/api/v1/orders').expect(405);
    expect(headers.allow).toBe('POST, GET, HEAD, OPTIONS');
    await supertest(test.url).patch(`/api/v1/orders/${newId()}`).expect(405);
  });

  it('a body that is no JSON -> 415, 413 or 400', async () => {
    const alice = test.caller();
    await alice.post({}).type('text/plain').send('x').expect(415);
    await alice.post(orderBody({ notes: 'x'.repeat(1_000_001) })).expect(413);
    await alice.patch(`/${newId()}/status`, { status: 'cancelled', reason: 'x'.repeat(100_001) }).expect(413);
    const { body } = await alice.post({}).type('json').send('{').expect(400);
    expect(body.error.details).toBe('body: must be valid JSON');
  });
});

describe('a login that ended', () => {
  it('its tokens and those below a version -> refused within two seconds', async () => {
    const [alice, bob] = [test.caller('user', { sid: 'ended' }), test.caller('user', { ver: 1 })];
    await Promise.all([alice.get().expect(200), bob.get().expect(200)]);
    await revokeAccess(test.config.brokerUrl, [
      { userId: alice.id, sid: 'ended' },
      { userId: bob.id, minimumVersion: 2 },
    ]);
    await eventually(() => Promise.all([alice.get().expect(401), bob.get().expect(401)]), {
      timeout: timeLimit(2_000),
    });
  });
});

describe('health', () => {
  it('all is well -> healthy, ready with the state of each dependency, and metrics', async () => {
    const { body } = await supertest(test.url).get('/health').expect(200);
    expect(body).toEqual({ status: 'healthy', service: 'order-service', version: '1.0.0', uptime: expect.any(Number) });
    const dependencies = { database: 'up', broker: 'up', outbox: 'up', consumer: 'up', revocations: 'up' };
    await eventually(() =>
      supertest(test.url).get('/ready').expect(200, { service: 'order-service', status: 'ok', dependencies }),
    );
    await test.caller().get(`/${newId()}`).expect(404);
    const { text } = await supertest(test.url).get('/metrics').expect(200);
    expect(text).toMatch(/http_server_request_duration_seconds_count\{[^}]*http_route="\/api\/v1\/orders\/:id"/);
    expect(text).toContain('outbox_unpublished_events');
  });

  it('the database goes away and comes back -> 503 meanwhile, alive all the time, ready again within 5 s', async () => {
    const fragile = await startTestService();
    const proxy = await startTcpProxy(fragile.config.databaseUrl);
    try {
      await fragile.restart({ databaseUrl: proxy.url });
      const alice = fragile.caller();
      const { body } = await alice.post(orderBody()).expect(201);

      proxy.cut();
      const answer = await alice.post(orderBody()).expect(503);
      expect(answer.body.error).toEqual({ code: 'SERVICE_UNAVAILABLE', message: 'Service temporarily unavailable' });
      expect(answer.headers['retry-after']).toBe('1');
      await alice.get(`/${body.data.id}`).expect(503);
      await supertest(fragile.url).get('/health').expect(200);
      const ready = await eventually(() => supertest(fragile.url).get('/ready').expect(503), {
        timeout: timeLimit(5_000),
      });
      expect(ready.body).toMatchObject({ status: 'unavailable', dependencies: { database: 'down' } });

      proxy.mend();
      await eventually(() => supertest(fragile.url).get('/ready').expect(200), { timeout: timeLimit(5_000) });
      await alice.patch(`/${body.data.id}/status`, { status: 'cancelled' }).expect(200);
      await eventually(async () => {
        expect(await fragile.query('SELECT 1 FROM outbox WHERE published_at IS NULL')).toEqual([]);
      });
    } finally {
      await proxy.stop();
      await fragile.stop();
    }
  });
});

describe('a pool that is busy for seconds', () => {
  it('-> ready all the time: the database is not down', async () => {
    const busy = await startTestService();
    const blocker = new pg.Client({ connectionString: busy.config.databaseUrl });
    try {
      await busy.restart({ databasePoolSize: 2 });
      await blocker.connect();
      await blocker.query('BEGIN');
      await blocker.query('LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
      const alice = busy.caller();
      const waiting = Promise.all(Array.from({ length: 10 }, () => alice.get().then(({ status }) => status)));
      await eventually(async () => {
        const { text } = await supertest(busy.url).get('/metrics').expect(200);
        expect(text).toMatch(/db_client_connection_pending_requests\{[^}]*\} [1-9]/);
      });
      // For longer than the probe takes to call a database down.
      const until = Date.now() + 4_000;
      while (Date.now() < until) {
        const { body } = await supertest(busy.url).get('/ready').expect(200);
        expect(body.dependencies.database).toBe('up');
        await delay(200);
      }
      await blocker.query('ROLLBACK');
      expect(new Set(await waiting)).toEqual(new Set([200]));
    } finally {
      await blocker.end();
      await busy.stop();
    }
  });
});

describe('starting', () => {
  it('while the broker is down -> serves reads and writes, degraded; the events flow when it is back', async () => {
    // A port that was free a moment ago.
    const nobody = createServer().listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const { port } = nobody.address() as AddressInfo;
    nobody.close();
    const lonely = await startTestService({ brokerUrl: `amqp://guest:guest@127.0.0.1:${port}` });
    try {
      const alice = lonely.caller();
      const { body } = await alice.post(orderBody()).expect(201);
      await alice.get(`/${body.data.id}`).expect(200);
      const ready = await supertest(lonely.url).get('/ready').expect(200);
      expect(ready.body).toMatchObject({
        status: 'degraded',
        dependencies: { database: 'up', broker: 'down', consumer: 'down', revocations: 'down' },
      });
      const waiting = () => lonely.query('SELECT subject FROM outbox WHERE published_at IS NULL');
      expect(await waiting()).toEqual([{ subject: body.data.id }]);

      await lonely.restart({ brokerUrl: lonely.broker.url });
      await eventually(async () => expect(await waiting()).toEqual([]));
    } finally {
      await lonely.stop();
    }
  });

  it('while its database is down -> rejects, and leaves nothing running', async () => {
    const databaseUrl = test.config.databaseUrl.replace(/\/[^/]*$/, '/nowhere');
    await expect(startOrderService({ ...test.config, databaseUrl })).rejects.toThrow();
  });

  it('on a port that is taken -> rejects, naming it', async () => {
    const port = Number(new URL(test.url).port);
    await expect(startOrderService({ ...test.config, port })).rejects.toMatchObject({ code: 'EADDRINUSE', port });
  });
});

describe('running', () => {
  it('events were handled more than a day ago -> forgotten; a young one is not', async () => {
    const [old, young] = [newId(), newId()];
    const handled = `INSERT INTO inbox (event_id, type, handled_at) VALUES ($1, 'payment.success', now() - $2::float8 * interval '1 day')`;
    await test.query(handled, [old, 1.5]);
    await test.query(handled, [young, 0.5]);
    const another = await test.startAnother();
    await eventually(async () =>
      expect(await test.query('SELECT event_id FROM inbox WHERE event_id = ANY ($1)', [[old, young]])).toEqual([
        { event_id: young },
      ]),
    );
    await another.stop();
  });
});

describe('settings', () => {
  const environment = {
    JWT_PUBLIC_KEYS: 'x',
    ORDER_DATABASE_URL: 'mysql://localhost/order',
    RABBITMQ_URL: '',
    ORDER_SERVICE_PORT: '99999',
    ORDER_PAYMENT_WINDOW: '30',
  };

  it('wrong ones -> one line a fault, each naming its variable', () => {
    expect(() => loadConfig(environment)).toThrow(
      [
        'RABBITMQ_URL is missing',
        'JWT_PUBLIC_KEYS must be base64 of P-256 public keys in SPKI, separated by commas',
        'ORDER_SERVICE_PORT must be from 0 to 65535',
        'ORDER_DATABASE_URL must be a URL that starts with postgresql:// or postgres://',
        'ORDER_PAYMENT_WINDOW must be a length of time such as 500ms, 30s, 30m or 1h',
      ].join('\n'),
    );
  });

  it('wrong ones -> the process ends with 1 and those lines', async () => {
    const main = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', 'src/main.ts'], {
      cwd: serviceDirectory,
      env: { PATH: process.env.PATH, ...environment },
    });
    let lines = '';
    main.stderr.on('data', (chunk: Buffer) => (lines += chunk.toString()));
    const [code] = (await once(main, 'exit')) as [number];
    expect([code, lines]).toEqual([1, expect.stringContaining('settings: RABBITMQ_URL is missing\n')]);
  });
});

describe('migrations', () => {
  it('down and up again -> nothing is left over in between', async () => {
    const database = await createTestDatabase({ serviceDirectory });
    const options = { url: database.url, directory: serviceDirectory };
    const names = (await migrationStatus(options)).applied;
    expect(await revertMigrations(options, names.length)).toEqual(names.toReversed());
    expect(await deployMigrations(options)).toEqual(names);
    await database.drop();
  });
});
