import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { createTestDatabase, eventually, startTcpProxy, type TestDatabase } from '@shop/testing';
import { PrismaClient } from '../../test/generated/prisma/client.js';
import { createTestClient } from '../../test/database/test-client.js';
import {
  createDatabaseAdapter,
  findDatabaseFailure,
  isDatabaseUnavailable,
  isUniqueViolation,
  type DatabaseAdapter,
} from './index.js';

const countsOf = ({ connections: { totalCount, idleCount, waiting } }: DatabaseAdapter) => ({
  total: totalCount,
  idle: idleCount,
  waiting,
});

/** As the server says them: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const readyForQuery = Buffer.from('Z\0\0\0\x05I');
const postmasterExit = Buffer.from('E\0\0\0\x2bSFATAL\0C57P01\0Mterminating connection\0\0');

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: 'common/test/database' });
});

afterAll(() => database.drop());

async function failureOf(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was expected to fail');
}

describe('the database adapter', () => {
  it('a query of the same shape twice -> prepared once; hundreds of shapes -> their number is bounded', async () => {
    const { client } = createTestClient(database.url, { poolSize: 1 });
    for (const email of ['a', 'b']) await client.author.findFirst({ where: { email } });
    for (let column = 0; column < 600; column++) await client.$queryRawUnsafe(`SELECT 1 AS "column_${column}"`);

    const [statements] = await client.$queryRaw<[{ total: number; authors: number }]>`
      SELECT count(*)::int AS total, count(*) FILTER (WHERE statement LIKE '%"authors"%')::int AS authors
      FROM pg_prepared_statements`;

    expect(statements).toEqual({ total: 500, authors: 1 });
    await client.$disconnect();
  });

  it('limits and name -> the server knows them', async () => {
    const { client } = createTestClient(database.url);
    const [settings] = await client.$queryRaw<[Record<string, string>]>`
      SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS statement,
             current_setting('idle_in_transaction_session_timeout') AS idle`;

    expect(settings).toEqual({ name: 'test', statement: '10s', idle: '15s' });
    await client.$disconnect();
  });

  it('a server in another time zone -> a time is the same moment for Prisma and for SQL', async () => {
    const name = new URL(database.url).pathname.slice(1);
    const before = createTestClient(database.url);
    await before.client.$executeRawUnsafe(`ALTER DATABASE ${name} SET timezone = 'Europe/Berlin'`);
    await before.client.$disconnect();

    const { client } = createTestClient(database.url);
    const moment = new Date('2026-07-01T12:00:00.000Z');
    const [row] = await client.$queryRaw<[{ isSame: boolean; read: Date }]>`
      SELECT ${moment}::timestamptz = '2026-07-01T12:00:00Z' AS "isSame", '2026-07-01T12:00:00Z'::timestamptz AS read`;
    expect(row).toEqual({ isSame: true, read: moment });
    await client.$executeRawUnsafe(`ALTER DATABASE ${name} RESET timezone`);
    await client.$disconnect();
  });

  it('more queries than connections -> the metrics show who waits; after $disconnect none is open', async () => {
    const { adapter, client } = createTestClient(database.url, { poolSize: 2 });
    const queries = Array.from({ length: 5 }, () => client.$queryRaw`SELECT pg_sleep(0.2)::text`.then(() => undefined));
    await eventually(() => expect(countsOf(adapter)).toEqual({ total: 2, idle: 0, waiting: 3 }));
    expect(adapter.connections.waiting).toBe(3);
    await Promise.all(queries);
    expect([adapter.connections.waiting, adapter.connections.served]).toEqual([0, 5]);

    expect(countsOf(adapter)).toEqual({ total: 2, idle: 2, waiting: 0 });
    await client.$disconnect();
    expect(countsOf(adapter)).toEqual({ total: 0, idle: 0, waiting: 0 });
  });

  it('a connection given back inside a transaction -> it is closed, nobody else writes into that transaction', async () => {
    const { adapter, client } = createTestClient(database.url);
    const pool = (await adapter.connect()).underlyingDriver();
    const connection = await pool.connect();
    await connection.query('BEGIN');
    connection.release();

    expect(countsOf(adapter)).toMatchObject({ total: 0, idle: 0 });
    await client.$disconnect();
    await pool.end();
  });

  it('the server ends an idle connection -> the owner is notified and the next query works', async () => {
    const { adapter: other, client: admin } = createTestClient(database.url);
    const lost: Error[] = [];
    const client = new PrismaClient({
      adapter: createDatabaseAdapter({
        url: database.url,
        poolSize: 1,
        applicationName: 'victim',
        onConnectionLost: (error) => lost.push(error),
      }),
    });
    await client.author.count();
    await admin.$queryRaw`
      SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE application_name = 'victim'`;

    await eventually(() => expect(lost).toHaveLength(1));
    expect(await client.author.count()).toBe(0);
    expect(other.connections.waiting).toBe(0);
    await Promise.all([client.$disconnect(), admin.$disconnect()]);
  });

  it('the server dies at the moment a connection is ready -> an error, and nothing that ends the process', async () => {
    const proxy = await startTcpProxy(database.url);
    const { client } = createTestClient(proxy.url);
    proxy.endAfter(readyForQuery, postmasterExit);

    await expect(client.$transaction((transaction) => transaction.author.count())).rejects.toThrow();
    expect(await client.$transaction((transaction) => transaction.author.count())).toBe(0);
    await client.$disconnect();
    await proxy.stop();
  });
});

describe('errors of the database', () => {
  it('a unique constraint forbids a write -> recognised by its name, from a model query and from SQL alike', async () => {
    const { client } = createTestClient(database.url);
    const author = { id: uuidv7(), email: 'taken@example.com' };
    await client.author.create({ data: author });

    const errors = [
      await failureOf(client.author.create({ data: { ...author, id: uuidv7() } })),
      await failureOf(client.$executeRaw`INSERT INTO authors (id, email) VALUES (gen_random_uuid(), ${author.email})`),
    ];

    for (const error of errors) {
      expect(isUniqueViolation(error)).toBe(true);
      expect(isUniqueViolation(error, 'authors_email_key')).toBe(true);
      expect(isUniqueViolation(error, 'authors_pkey')).toBe(false);
      expect(isUniqueViolation(new Error('wrapped', { cause: error }), 'authors_email_key')).toBe(true);
      expect(isDatabaseUnavailable(error)).toBe(false);
    }
    await client.$disconnect();
  });

  it('another fault -> its SQLSTATE, and no unique violation', async () => {
    const { client } = createTestClient(database.url);
    const error = await failureOf(client.$queryRaw`SELECT 1 / 0`);

    expect(findDatabaseFailure(error)).toMatchObject({ sqlState: '22012' });
    expect(isUniqueViolation(error)).toBe(false);
    expect(isDatabaseUnavailable(error)).toBe(false);
    expect(isDatabaseUnavailable(new Error('something else'))).toBe(false);
    await client.$disconnect();
  });

  it('nobody listens -> unavailable, for queries and transactions', async () => {
    const { client } = createTestClient('postgresql://postgres:password@127.0.0.1:1/none');

    expect(isDatabaseUnavailable(await failureOf(client.author.count()))).toBe(true);
    expect(isDatabaseUnavailable(await failureOf(client.$queryRaw`SELECT 1`))).toBe(true);
    expect(isDatabaseUnavailable(await failureOf(client.$transaction((tx) => tx.author.count())))).toBe(true);
    await client.$disconnect();
  });

  it('the connection breaks inside a transaction -> unavailable', async () => {
    const { client } = createTestClient(database.url, { poolSize: 2 });
    const error = await failureOf(
      client.$transaction(async (transaction) => {
        const [{ pid }] = await transaction.$queryRaw<[{ pid: number }]>`SELECT pg_backend_pid() AS pid`;
        await client.$queryRaw`SELECT pg_terminate_backend(${pid}::int)::text`;
        return transaction.author.count();
      }),
    );

    expect(isDatabaseUnavailable(error)).toBe(true);
    await client.$disconnect();
  });

  it('no connection is free in time for a transaction -> unavailable', async () => {
    const { client } = createTestClient(database.url, { poolSize: 1 });
    const slow = client.$queryRaw`SELECT pg_sleep(0.5)::text`.then(() => undefined);
    const error = await failureOf(client.$transaction((tx) => tx.author.count(), { maxWait: 50 }));

    expect(isDatabaseUnavailable(error)).toBe(true);
    await slow;
    await client.$disconnect();
  });
});
