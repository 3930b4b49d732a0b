import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { eventually, timeLimit } from '@shop/testing';
import { createTestClient } from '../../test/database/test-client.js';
import { orderCreated } from '../../test/messaging/fixtures.js';
import { MessagingBench } from '../../test/messaging/messaging-bench.js';
import { AtomicStore, type TransactionOf } from '../database/index.js';
import { ServiceUnavailable } from '../errors/index.js';
import { createMetrics } from '../metrics/index.js';
import type { EventHandler } from './event-consumer.js';

type TestClient = ReturnType<typeof createTestClient>['client'];

let bench: MessagingBench;
let client: TestClient;
let admin: Client;
let databaseName: string;
/** What the handler does before it writes; a test breaks it here. */
let beforeWrite: (transaction: TransactionOf<TestClient>, orderId: string) => Promise<unknown>;
let handled: string[];

const role = `limited_${randomBytes(6).toString('hex')}`;

beforeAll(async () => {
  bench = await MessagingBench.open();
  databaseName = new URL(bench.database.url).pathname.slice(1);
  admin = new Client({ connectionString: new URL('/postgres', bench.database.url).href });
  await admin.connect();
  await admin.query(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD 'password'`);
});
afterAll(async () => {
  await bench.close();
  await admin.query(`DROP ROLE ${role}`);
  await admin.end();
});
beforeEach(() => {
  ({ client } = createTestClient(bench.database.url));
  beforeWrite = async () => undefined;
  handled = [];
});
afterEach(async () => {
  await bench.reset();
  await client.$disconnect();
});

const handler: EventHandler<'order.created'> = async ({ subject }, cause) => {
  const store = new AtomicStore({ client, onCommit: () => undefined });
  await store.save(
    async (tx) => {
      await beforeWrite(tx, subject);
      await tx.post.create({ data: { id: subject, title: 'from an event' } });
      return { value: undefined, events: [] };
    },
    { cause },
  );
  handled.push(subject);
};

const start = (options = {}) => bench.startConsumer(bench.connect(), { 'order.created': handler }, options);

function send(count = 1): string[] {
  return Array.from({ length: count }, () => {
    const event = orderCreated();
    bench.send(event);
    return event.subject;
  });
}

const metric = async (name: string): Promise<number> => {
  const metrics = await bench.metrics.registry.getSingleMetric(name)?.get();
  const value = metrics?.values.find(({ labels }) => labels.messaging_destination_name === bench.queue.name)?.value;
  return value ?? 0;
};
const isPaused = async () => (await metric('messaging_consumer_paused')) === 1;

const failWith = (sqlState: string) =>
  bench.sql.query(`
    CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'on purpose, for %', NEW.id USING ERRCODE = '${sqlState}'; END $$;
    CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION fail()`);
const failNoMore = () => bench.sql.query('DROP TRIGGER IF EXISTS fail ON posts');

async function setReadOnly(isReadOnly: boolean): Promise<void> {
  await admin.query(`ALTER DATABASE ${databaseName} SET default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`);
  if (!isReadOnly) return; // as after a failover, nobody's connections are ended for that
  await admin.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name <> $2',
    [databaseName, ''],
  );
}

/** The one connection that the consumer's role may have. */
let occupied: Client | undefined;
async function occupyConnections(): Promise<void> {
  await client.$disconnect();
  await admin.query(`ALTER ROLE ${role} NOSUPERUSER CONNECTION LIMIT 1`);
  await admin.query(`GRANT pg_write_all_data, pg_read_all_data TO ${role}`);
  const url = Object.assign(new URL(bench.database.url), { username: role });
  occupied = new Client({ connectionString: url.href });
  await occupied.connect();
  ({ client } = createTestClient(url.href, { poolSize: 1 }));
}

describe('an outage', () => {
  it.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
    ['the database can only be read', () => setReadOnly(true), () => setReadOnly(false)],
    ['the disk is full', () => failWith('53100'), failNoMore],
    ['no connection is left', occupyConnections, async () => occupied?.end()],
    ['the server shuts down', () => failWith('57P01'), failNoMore],
    [
      'a service that the handler asks is down',
      async () => (beforeWrite = () => Promise.reject(new ServiceUnavailable())),
      async () => (beforeWrite = async () => undefined),
    ],
  ])(
    '%s -> all events wait without using a try, the consumer says so, and goes on by itself within 5 s',
    async (_kind, begin, end) => {
      const retries = await metric('messaging_retries_total');
      await begin();
      const consumer = start();
      send(30);
      await eventually(async () => expect(await isPaused()).toBe(true));
      expect(consumer.state()).toBe('down');
      await eventually(async () => expect(await bench.waiting(bench.queue.name)).toBe(10)); // bounded by the prefetch
      expect(handled).toEqual([]);

      await end();
      await eventually(() => expect(handled).toHaveLength(30), { timeout: timeLimit(5_000) });
      expect(await isPaused()).toBe(false);
      expect(await metric('messaging_retries_total')).toBe(retries);
      expect(await bench.waiting(bench.deadLetterQueue)).toBe(0);
    },
  );

  it('of a kind that nobody foresaw -> after five different events that fail alike, the others use no try', async () => {
    await failWith('XX000');
    const retries = await metric('messaging_retries_total');
    const consumer = start();
    send(30);
    await eventually(() => expect(consumer.state()).toBe('down'));
    await eventually(async () => expect(await bench.waiting(bench.queue.name)).toBeLessThanOrEqual(10));
    expect((await metric('messaging_retries_total')) - retries).toBeLessThan(5);

    await failNoMore();
    await eventually(() => expect(handled).toHaveLength(30), { timeout: timeLimit(5_000) });
    expect(await bench.waiting(bench.deadLetterQueue)).toBe(0);
  });

  it('of an unknown kind that does not end -> the events count as faulty after a time, and hold up nobody for good', async () => {
    await failWith('XX000');
    start({ unknownOutage: { events: 5, limit: 500 } });
    send(8);
    await eventually(async () => expect(await bench.waiting(bench.deadLetterQueue)).toBe(8));
    await failNoMore();
    const [healthy] = send();
    await eventually(() => expect(handled).toEqual([healthy]));
  });

  it('no outage: one kind of event always fails, others succeed between -> it is dead-lettered, they are not held up', async () => {
    const faulty = new Set<string>();
    beforeWrite = async (_tx, orderId) => {
      if (faulty.has(orderId)) throw new TypeError('total is not a number');
    };
    start();
    const healthy: string[] = [];
    for (let sent = 0; sent < 10; sent++) {
      const event = orderCreated();
      faulty.add(event.subject);
      bench.send(event);
      healthy.push(...send(2));
    }
    await eventually(() => expect(handled.toSorted()).toEqual(healthy.toSorted()));
    await eventually(async () => expect(await bench.waiting(bench.deadLetterQueue)).toBe(10));
  });
});

describe('one event meets what is not its fault, and the others do not', () => {
  /** Runs until the one event was put off more often than it has tries. */
  async function putOffWhileOthersGoOn(victim: string, end: () => Promise<unknown>): Promise<void> {
    const deferrals = await metric('messaging_deferrals_total');
    const others = send(10);
    await eventually(() => expect(handled.toSorted()).toEqual(others.toSorted()));
    await eventually(async () => expect((await metric('messaging_deferrals_total')) - deferrals).toBeGreaterThan(5));
    expect(await isPaused()).toBe(false);
    await end();
    await eventually(() => expect(handled).toContain(victim));
    expect(await bench.waiting(bench.deadLetterQueue)).toBe(0);
  }

  it.each(['messaging_deferrals_total', 'messaging_retries_total'])(
    'none has done so yet -> %s is there and 0: to Prometheus the first ones are an increase',
    async (name) => {
      const metrics = createMetrics({ service: 'test' });
      start({ metrics });
      const { values } = (await metrics.registry.getSingleMetric(name)?.get()) ?? {};
      expect(values).toMatchObject([{ value: 0, labels: { messaging_destination_name: bench.queue.name } }]);
    },
  );

  it('a lock that is held for long -> it waits alone, uses no try, and succeeds afterwards', async () => {
    const [victim = ''] = send();
    await bench.sql.query('BEGIN');
    await bench.sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [victim]);
    beforeWrite = async (tx, orderId) => {
      await tx.$executeRaw`SET LOCAL lock_timeout = '50ms'`;
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${orderId}, 0))`;
    };
    start();
    await putOffWhileOthersGoOn(victim, () => bench.sql.query('ROLLBACK'));
  });

  it.each<[string, (tx: TransactionOf<TestClient>) => Promise<unknown>]>([
    [
      'its statement takes too long',
      async (tx) => {
        await tx.$executeRaw`SET LOCAL statement_timeout = '20ms'`;
        await tx.$executeRaw`SELECT pg_sleep(1)`;
      },
    ],
    [
      'it deadlocks over and over',
      (tx) => tx.$executeRawUnsafe(`DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$`),
    ],
    [
      'it is never serializable',
      (tx) => tx.$executeRawUnsafe(`DO $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END $$`),
    ],
    [
      'its transaction runs out of time',
      () => client.$transaction((tx) => tx.$executeRaw`SELECT pg_sleep(0.2)`, { timeout: 50 }),
    ],
  ])('%s -> it waits alone, uses no try, and succeeds afterwards', async (_kind, meet) => {
    const [victim = ''] = send();
    let isOver = false;
    beforeWrite = async (tx, orderId) => {
      if (orderId === victim && !isOver) await meet(tx);
    };
    start();
    await putOffWhileOthersGoOn(victim, async () => (isOver = true));
  });
});
