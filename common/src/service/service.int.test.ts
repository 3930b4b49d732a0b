import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createTestBroker,
  createTestDatabase,
  createTestTokens,
  eventually,
  type TestBroker,
  type TestDatabase,
  testHostConfig,
  testServiceConfig,
  testOperation,
} from '@shop/testing';
import { PrismaClient } from '../../test/generated/prisma/client.js';
import { RecordingLogger } from '../../test/messaging/fixtures.js';
import type { DatabaseClient } from '../database/index.js';
import { ok, publicRoute } from '../http/index.js';
import type { ServiceConfig } from '../config/index.js';
import { createHost, type Component } from './host/index.js';
import { BackgroundWorker, startService } from './index.js';

const tokens = createTestTokens();
const NOBODY_LISTENS = 'amqp://guest:guest@127.0.0.1:1';

describe('a host', () => {
  const recorded = (steps: string[], name: string, fails?: 'start' | 'stop'): Component => {
    const step = (what: 'start' | 'stop') => async () => {
      await new Promise(setImmediate);
      steps.push(`${what} ${name}`);
      if (fails === what) throw new Error(`${name} can not ${what}`);
    };
    return { start: step('start'), stop: step('stop') };
  };
  const createTestHost = () =>
    createHost({
      name: 'test-service',
      version: '1.0.0',
      config: testHostConfig({ tokens, brokerUrl: NOBODY_LISTENS }),
      logger: new RecordingLogger(),
    });

  it('components -> start one after the other, and stop in the reverse order', async () => {
    const host = await createTestHost();
    const steps: string[] = [];
    const running = await host.run([
      host.broker,
      recorded(steps, 'first'),
      { stop: undefined },
      recorded(steps, 'second'),
    ]);
    expect([steps.splice(0), host.isStopping()]).toEqual([['start first', 'start second'], false]);

    await running.stop();

    expect([steps, host.isStopping()]).toEqual([['stop second', 'stop first'], true]);
  });

  it('one that does not start -> none after it does, all are stopped, and its error comes out', async () => {
    const host = await createTestHost();
    const steps: string[] = [];
    const components = [host.broker, recorded(steps, 'first', 'start'), recorded(steps, 'second')];

    await expect(host.run(components)).rejects.toThrow('first can not start');

    expect(steps).toEqual(['start first', 'stop second', 'stop first']);
  });

  it('one that does not stop -> the others do, and its error comes out', async () => {
    const host = await createTestHost();
    const steps: string[] = [];
    const running = await host.run([host.broker, recorded(steps, 'first'), recorded(steps, 'second', 'stop')]);

    await expect(running.stop()).rejects.toMatchObject({ errors: [new Error('second can not stop')] });

    expect(steps.slice(2)).toEqual(['stop second', 'stop first']);
  });

  it.each([
    ['127.0.0.1', 'http://127.0.0.1:4711/hook'],
    ['0.0.0.0', 'http://127.0.0.1:4711/hook'],
    ['::', 'http://127.0.0.1:4711/hook'],
    ['::1', 'http://[::1]:4711/hook'],
  ])('that listens on %s -> is reached by %s', async (address, url) => {
    const config = { ...testHostConfig({ tokens, brokerUrl: NOBODY_LISTENS }), host: address, port: 4711 };
    const host = await createHost({ name: 'test-service', version: '1.0.0', config });
    expect(host.localUrl('/hook')).toBe(url);
    await host.broker.stop();
  });
});

describe('a service', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let config: ServiceConfig;
  beforeAll(async () => {
    [database, broker] = await Promise.all([
      createTestDatabase({ serviceDirectory: path.join(import.meta.dirname, '../../test/database') }),
      createTestBroker(),
    ]);
    config = testServiceConfig({ tokens, brokerUrl: broker.url, databaseUrl: database.url });
  });
  afterAll(() => Promise.all([database.drop(), broker.stop()]));

  /** A service that notes what happens to its parts, and whether it answers at that time. */
  async function startRecordedService(changes: Partial<ServiceConfig> = {}, prepare?: () => Promise<void>) {
    const logger = new RecordingLogger();
    const steps: string[] = [];
    const at: { url?: string } = {};
    const note = async (step: string): Promise<void> => {
      const answers =
        at.url !== undefined &&
        (await fetch(at.url).then(
          ({ ok: isOk }) => isOk,
          () => false,
        ));
      steps.push(`${step}, ${answers ? 'serving' : 'not serving'}`);
    };
    const service = await startService({
      name: 'test-service',
      version: '1.0.0',
      config: { ...config, ...changes },
      logger,
      createDatabase: (adapter) => {
        const client = new PrismaClient({ adapter });
        const watched: DatabaseClient & { $disconnect(): Promise<void> } = {
          $queryRaw: (query) => client.$queryRaw(query),
          $executeRaw: (query) => client.$executeRaw(query),
          $read: (statement) => adapter.runPrepared(statement),
          $write: (statement) => adapter.runPrepared(statement),
          $transaction: (run, limits) => client.$transaction(run, limits),
          $disconnect: async () => {
            await note('database closes');
            await client.$disconnect();
          },
        };
        return watched;
      },
      countPublished: () => () => undefined,
      build: ({ topology, databaseClock }) => ({
        routes: {
          '/api/v1/things': [
            publicRoute({ operation: testOperation, method: 'GET', path: '/', handle: async () => ok('Things', []) }),
          ],
        },
        consumer: {
          queue: topology.orderService,
          handlers: {
            'payment.success': async () => undefined,
            'payment.expired': async () => undefined,
            'payment.refunded': async () => undefined,
            'user.anonymised': async () => undefined,
          },
        },
        idempotency: { lease: 1_000, maxPerUser: 1 },
        prepare: prepare ?? (() => note('prepared')),
        resources: [
          { start: () => note('first resource starts'), stop: () => note('first resource stops') },
          { stop: () => note('second resource stops') },
        ],
        workers: [
          new BackgroundWorker({
            name: 'things',
            poll: 3_600_000,
            logger,
            work: async () => {
              await databaseClock.now();
              await note('worker works');
              return false;
            },
          }),
        ],
      }),
    });
    const url = `http://127.0.0.1:${service.port}/api/v1/things`;
    at.url = url;
    return { service, steps, url };
  }

  it('its own parts -> start before it serves, and stop after it serves and before the database closes', async () => {
    const { service, steps, url } = await startRecordedService();
    await eventually(() => expect(steps).toHaveLength(3));
    expect(steps.splice(0)).toEqual([
      'prepared, not serving',
      'first resource starts, not serving',
      expect.stringMatching(/^worker works/),
    ]);
    const ready = await fetch(url.replace('/api/v1/things', '/ready'));
    const { dependencies } = (await ready.json()) as { dependencies: object };
    expect(Object.keys(dependencies)).toEqual(['database', 'broker', 'outbox', 'consumer', 'revocations']);

    await service.stop();

    expect(steps).toEqual([
      'second resource stops, not serving',
      'first resource stops, not serving',
      'database closes, not serving',
    ]);
  });

  it('drained -> still serves, and is not ready any more', async () => {
    const { service, url } = await startRecordedService({ stopDelay: 200 });
    const drained = service.drain();
    const [things, ready] = await Promise.all([fetch(url), fetch(url.replace('/api/v1/things', '/ready'))]);
    await drained;
    await service.stop();
    expect([things.status, ready.status]).toEqual([200, 503]);
  });

  it('its database takes the first connection too late -> asks again, and starts', async () => {
    let connections = 0;
    const { hostname, port } = new URL(database.url);
    const slow = createServer((client) => {
      if (connections++ > 0) client.pipe(connect(Number(port), hostname)).pipe(client);
    }).listen(0, '127.0.0.1');
    await once(slow, 'listening');
    const databaseUrl = new URL(database.url);
    databaseUrl.host = `127.0.0.1:${(slow.address() as AddressInfo).port}`;

    const { service, url } = await startRecordedService({ databaseUrl: databaseUrl.href });

    const { status } = await fetch(url);
    await service.stop();
    slow.close();
    expect([status, connections > 1]).toEqual([200, true]);
  });

  it('no database -> rejects, and nothing is left running', async () => {
    const databaseUrl = 'postgresql://nobody:nothing@127.0.0.1:1/none';
    await expect(startRecordedService({ databaseUrl })).rejects.toThrow();
  });

  it('what it prepares fails -> rejects with that, before anything of its own starts', async () => {
    const failure = new Error('not prepared');
    await expect(startRecordedService({}, () => Promise.reject(failure))).rejects.toBe(failure);
  });

  it('no broker -> serves all the same', async () => {
    const { service, url } = await startRecordedService({ brokerUrl: NOBODY_LISTENS });
    const { status } = await fetch(url);
    await service.stop();
    expect(status).toBe(200);
  });
});
