import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase, eventually, type TestDatabase } from '@shop/testing';
import { Prisma } from '../../test/generated/prisma/client.js';
import { createTestClient } from '../../test/database/test-client.js';
import { findDatabaseFailure, isDatabaseUnavailable, type DatabaseAdapter } from './index.js';

const { sql } = Prisma;
const POOL_SIZE = 3;

let database: TestDatabase;
let adapter: DatabaseAdapter;
let stop: () => Promise<void>;

beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: 'common/test/database' });
});
beforeEach(() => {
  const { adapter: made, client } = createTestClient(database.url, { poolSize: POOL_SIZE });
  adapter = made;
  stop = () => client.$disconnect();
});
afterEach(() => stop());
afterAll(() => database.drop());

const find = (value: number) =>
  adapter.lookup<{ value: number; pid: number }>(sql`
  SELECT ${value}::integer AS value, pg_backend_pid() AS pid`);
const sleep = (seconds: number) => adapter.lookup(sql`SELECT pg_sleep(${seconds})::text`);
const connections = () => {
  const { totalCount, idleCount, waiting } = adapter.connections;
  return { total: totalCount, idle: idleCount, waiting };
};
const numbers = (count: number) => Array.from({ length: count }, (_, value) => value);
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('lookups', () => {
  it('several at once -> one connection answers each with its own rows, and is free again', async () => {
    const rows = (await Promise.all(numbers(20).map(find))).flat();

    expect(rows.map(({ value }) => value)).toEqual(numbers(20));
    expect(new Set(rows.map(({ pid }) => pid)).size).toBe(1);
    expect(connections()).toEqual({ total: 1, idle: 1, waiting: 0 });
  });

  it('more than one connection is to have at a time -> the others take another one', async () => {
    const rows = (await Promise.all(numbers(80).map(find))).flat();

    expect(rows.map(({ value }) => value)).toEqual(numbers(80));
    expect(connections()).toEqual({ total: 2, idle: 2, waiting: 0 });
  });

  it('pages beside them -> each counts as its rows', async () => {
    const page = () => adapter.lookup<{ value: number }>(sql`SELECT 7 AS value`, 20);
    const pages = await Promise.all(numbers(8).map(page));

    expect(pages.flat()).toEqual(numbers(8).map(() => ({ value: 7 })));
    expect(connections()).toEqual({ total: 2, idle: 2, waiting: 0 });
  });

  it('one is slow -> those that come after it has been for a moment are not held up', async () => {
    await Promise.all([sleep(0), adapter.runPrepared(sql`SELECT 1`)]);
    let isOver = false;
    const slow = sleep(0.5).then(() => (isOver = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await find(1);

    expect(isOver).toBe(false);
    await slow;
  });

  it('one fails -> the others of its connection do not, which is replaced', async () => {
    await find(0);
    const before = adapter.connections.totalCount;
    const [first, failure, last] = await Promise.all([
      find(1),
      failureOf(adapter.lookup(sql`SELECT 1 / ${0}::integer`)),
      find(2),
    ]);

    expect([first, last]).toMatchObject([[{ value: 1 }], [{ value: 2 }]]);
    expect(findDatabaseFailure(failure)).toMatchObject({ sqlState: '22012' });
    expect(connections()).toEqual({ total: before - 1, idle: 0, waiting: 0 });
  });

  it('all connections are in use -> those that wait are counted, and answered once one is free', async () => {
    const busy = numbers(POOL_SIZE).map(() => adapter.runPrepared(sql`SELECT pg_sleep(0.3)::text`));
    await eventually(() => expect(adapter.connections.served).toBe(POOL_SIZE));
    const lookups = numbers(5).map(find);
    expect(connections()).toMatchObject({ waiting: 5 });

    await Promise.all([...busy, ...lookups]);
    expect(adapter.connections.served).toBe(POOL_SIZE + 5);
    expect(connections()).toMatchObject({ waiting: 0 });
  });

  it('one is slow -> those behind it on its connection count as waiting', async () => {
    await find(0);
    const slow = sleep(0.3);
    const others = numbers(4).map(find);
    await eventually(() => expect(connections()).toMatchObject({ waiting: 4 }));

    await Promise.all([slow, ...others]);
    expect(connections()).toMatchObject({ waiting: 0 });
  });

  it('their connection is lost -> all of it are unavailable, and the next one is answered', async () => {
    const [{ pid } = { pid: 0 }] = await find(0);
    const failures = [sleep(5), find(1), find(2)].map(failureOf);
    await adapter.runPrepared(sql`SELECT pg_terminate_backend(${pid}::integer)`);

    expect((await Promise.all(failures)).map(isDatabaseUnavailable)).toEqual([true, true, true]);
    expect(await find(3)).toMatchObject([{ value: 3 }]);
  });

  it('nobody listens -> unavailable', async () => {
    const { adapter: away } = createTestClient('postgresql://postgres:password@127.0.0.1:1/none');
    const failures = [1, 2].map((value) => failureOf(away.lookup(sql`SELECT ${value}::integer`)));

    expect((await Promise.all(failures)).map(isDatabaseUnavailable)).toEqual([true, true]);
    expect(away.connections.waiting).toBe(0);
  });

  it('the pool has ended -> an error', async () => {
    const { adapter: ended, client } = createTestClient(database.url);
    await ended.lookup(sql`SELECT 1`);
    await ended.connections.end();
    await client.$disconnect();
    await expect(ended.lookup(sql`SELECT 1`)).rejects.toThrow('after calling end');
  });

  it('the statement that was to prepare the others is ended -> all of them may be tried again', async () => {
    const other = createTestClient(database.url);
    const count = () => adapter.lookup(sql`SELECT count(*)::integer AS count FROM authors`);
    const [{ pid } = { pid: 0 }] = await find(0);
    await other.client.$transaction(async (transaction) => {
      await transaction.$executeRaw`LOCK TABLE authors`;
      const failures = [count(), count(), count()].map(failureOf);
      await eventually(async () => {
        const [locked] = await transaction.$queryRaw<[{ waits: boolean }]>`
          SELECT pg_cancel_backend(pid) AS waits FROM pg_stat_activity WHERE pid = ${pid} AND wait_event_type = 'Lock'`;
        expect(locked).toEqual({ waits: true });
      });
      expect((await Promise.all(failures)).map(isDatabaseUnavailable)).toEqual([true, true, true]);
    });
    expect(await count()).toEqual([{ count: 0 }]);
    await other.client.$disconnect();
  });
});
