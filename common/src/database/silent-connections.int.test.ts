import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { createTestDatabase, startTcpProxy, type TcpProxy, type TestDatabase } from '@shop/testing';
import { isDatabaseUnavailable } from './index.js';
import { tolerateLostConnections } from './lost-connections.js';
import { breakSilentConnections } from './silent-connections.js';

const LIMIT = 2_000;

let database: TestDatabase;
let proxy: TcpProxy;
let pool: pg.Pool;

beforeEach(async () => {
  database = await createTestDatabase({ serviceDirectory: 'common/test/database' });
  proxy = await startTcpProxy(database.url);
  pool = new pg.Pool({ connectionString: proxy.url, max: 1, pipeline: true });
  tolerateLostConnections(pool);
  breakSilentConnections(pool, LIMIT);
});
afterEach(async () => {
  await pool.end();
  await proxy.stop();
  await database.drop();
});

const processId = async (): Promise<number | undefined> =>
  (await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;

describe('a server that falls silent', () => {
  it('during a query -> it fails as one of a database that can not be reached, and another connection answers the next', async () => {
    const before = await processId();
    proxy.slowDown(3 * LIMIT);
    const failure: unknown = await pool.query('SELECT now()').catch((error: unknown) => error);
    expect([isDatabaseUnavailable(failure), String(failure)]).toEqual([true, 'Error: Query read timeout']);
    proxy.slowDown(0);
    expect(await processId()).not.toBe(before);
  });

  it('in several queries of one connection -> all of them fail', async () => {
    const client = await pool.connect();
    proxy.muteAfter('now()');
    const answers = await Promise.allSettled(['SELECT now()', 'SELECT 2'].map((text) => client.query(text)));
    client.release(true);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('while nobody asks it anything -> the connection stays', async () => {
    const before = await processId();
    await new Promise((resolve) => setTimeout(resolve, 1.5 * LIMIT));
    expect(await processId()).toBe(before);
  });
});

it('answers one after the other that take longer together -> the connection stays', async () => {
  const client = await pool.connect();
  for (const _ of [1, 2, 3]) await client.query('SELECT pg_sleep(0.8)');
  client.release();
});
