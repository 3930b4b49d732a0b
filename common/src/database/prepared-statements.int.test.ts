import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, eventually, type TestDatabase } from '@shop/testing';
import { Prisma } from '../../test/generated/prisma/client.js';
import { createTestClient } from '../../test/database/test-client.js';
import {
  findDatabaseFailure,
  isDatabaseUnavailable,
  preparedStatements,
  selectColumns,
  selectJson,
  type JsonRow,
} from './index.js';

const { sql } = Prisma;
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: 'common/test/database' });
});
afterAll(() => database.drop());

const startClient = (url = database.url) => {
  const { adapter, client } = createTestClient(url, { poolSize: 1 });
  return client.$extends(preparedStatements(adapter));
};

describe('a prepared statement', () => {
  it('any type that a service stores -> the rows are those of $queryRaw', async () => {
    const client = startClient();
    const statement = sql`
      SELECT ${12n}::bigint AS big, 3::integer AS number, 1.5::float8 AS fraction, 'text'::text AS text, true AS flag,
             'USD'::char(3) AS code, '2026-01-31T12:00:00.123+02:00'::timestamptz AS time, NULL::timestamptz AS never,
             ${'0198c0de-0000-7000-8000-000000000001'}::uuid AS id`;
    expect(await client.$read(statement)).toEqual(await client.$queryRaw(statement));
    await client.$disconnect();
  });

  it('its columns as one JSON value -> the same values, times as text and amounts as numbers', async () => {
    const client = startClient();
    interface Row {
      amount: bigint;
      note: string;
      isOpen: boolean;
      at: Date;
      endedAt: Date | null;
    }
    const columns = {
      amount: 'amount',
      note: 'note',
      isOpen: 'is_open',
      at: 'at',
      endedAt: 'ended_at',
    };
    const from = sql`FROM (VALUES (999999999999999::bigint, ${'"quoted" \\ €'}::text, false,
      '0099-12-31T23:59:59.999Z'::timestamptz, NULL::timestamptz)) AS row (amount, note, is_open, at, ended_at)`;
    const [row] = await client.$read<Row>(sql`SELECT ${selectColumns(columns)} ${from}`);
    const [asJson] = await client.$read<{ json: JsonRow<Row> }>(sql`SELECT ${selectJson(columns)} ${from}`);
    const { json } = asJson ?? { json: undefined };
    expect(json && { ...json, amount: BigInt(json.amount), at: new Date(json.at) }).toEqual(row);
    await client.$disconnect();
  });

  it('the same text with other values -> prepared once', async () => {
    const client = startClient();
    for (const id of [1, 2]) expect(await client.$read(sql`SELECT ${id}::integer AS once`)).toEqual([{ once: id }]);
    const prepared = await client.$queryRaw`
      SELECT count(*)::integer AS count FROM pg_prepared_statements WHERE statement LIKE '%AS once'`;
    expect(prepared).toEqual([{ count: 1 }]);
    await client.$disconnect();
  });

  it('a write -> done, and its rows are what it returns', async () => {
    const client = startClient();
    const id = '0198c0de-0000-7000-8000-000000000002';
    const insert = sql`INSERT INTO posts (id, title, views) VALUES (${id}::uuid, 'prepared', ${7}::integer) RETURNING id, views`;
    expect(await client.$write(insert)).toEqual([{ id, views: 7 }]);
    expect(await client.post.findUnique({ where: { id } })).toMatchObject({ title: 'prepared', views: 7 });
    await client.$disconnect();
  });

  it('the server ends its idle connection -> the next one is asked', async () => {
    const client = startClient();
    const [{ pid } = { pid: 0 }] = await client.$read<{ pid: number }>(sql`SELECT pg_backend_pid() AS pid`);
    const other = startClient();
    await other.$read(sql`SELECT pg_terminate_backend(${pid}::integer)`);
    await eventually(async () => expect(await client.$read(sql`SELECT 1 AS one`)).toEqual([{ one: 1 }]));
    await Promise.all([client.$disconnect(), other.$disconnect()]);
  });

  it('it fails -> what PostgreSQL said is found; nobody there -> unavailable', async () => {
    const client = startClient();
    const failure: unknown = await client.$read(sql`SELECT 1 / 0`).catch((error: unknown) => error);
    expect(findDatabaseFailure(failure)).toMatchObject({ sqlState: '22012' });
    await client.$disconnect();

    const url = new URL(database.url);
    url.port = '1';
    const away = startClient(url.href);
    const refusal: unknown = await away.$read(sql`SELECT 1`).catch((error: unknown) => error);
    expect(isDatabaseUnavailable(refusal)).toBe(true);
  });
});
