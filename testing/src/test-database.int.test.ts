import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { createTestDatabase } from './test-database.js';

const server = process.env.TEST_POSTGRES_URL!;
/** A folder of its own, so that no other test has made its template yet. */
let serviceDirectory: string;

beforeAll(async () => {
  serviceDirectory = await mkdtemp(path.join(tmpdir(), 'test_service_'));
  await cp('common/test/database', serviceDirectory, { recursive: true });
});

afterAll(async () => {
  for (const template of await templates()) {
    await query(server, `ALTER DATABASE ${template} IS_TEMPLATE false`);
    await query(server, `DROP DATABASE ${template}`);
  }
  await rm(serviceDirectory, { recursive: true });
});

async function query(url: string, text: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(text, values)).rows;
  } finally {
    await client.end();
  }
}

async function templates(): Promise<string[]> {
  const pattern = `template\\_${path.basename(serviceDirectory)}\\_%`;
  const rows = await query(server, 'SELECT datname FROM pg_database WHERE datname ILIKE $1', [pattern]);
  return rows.map((row) => String(row.datname));
}

describe('createTestDatabase', () => {
  it('many at once, the first ever -> one template, and each database is migrated and its own', async () => {
    const databases = await Promise.all(Array.from({ length: 5 }, () => createTestDatabase({ serviceDirectory })));

    expect(new Set(databases.map((database) => database.url)).size).toBe(5);
    await query(databases[0]!.url, `INSERT INTO applied_sequences VALUES ('order/1', 1)`);
    const counts = databases.map((database) => query(database.url, 'SELECT count(*)::int FROM applied_sequences'));
    expect((await Promise.all(counts)).flat()).toEqual([1, 0, 0, 0, 0].map((count) => ({ count })));

    expect(await templates()).toHaveLength(1);
    await Promise.all(databases.map((database) => database.drop()));
  });

  it('drop while someone is connected -> the database is gone', async () => {
    const database = await createTestDatabase({ serviceDirectory });
    const client = new pg.Client({ connectionString: database.url });
    client.on('error', () => undefined); // the server ends this connection
    await client.connect();

    await database.drop();

    await expect(query(database.url, 'SELECT 1')).rejects.toMatchObject({ code: '3D000' });
    await client.end();
  });

  it('no migrations in the folder -> a clear error', async () => {
    await expect(createTestDatabase({ serviceDirectory: tmpdir() })).rejects.toThrow('prisma/migrations');
  });
});
