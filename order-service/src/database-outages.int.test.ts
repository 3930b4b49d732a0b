import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { eventually, timeLimit } from '@shop/testing';
import { orderBody } from '../test/order-builder.js';
import { startTestService, type TestService } from '../test/test-service.js';

let test: TestService;
let admin: pg.Client;
let database: string;

beforeAll(async () => {
  test = await startTestService();
  const url = new URL(test.config.databaseUrl);
  database = url.pathname.slice(1);
  admin = new pg.Client({ connectionString: Object.assign(url, { pathname: '/postgres' }).href });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await test.stop();
});

const failInserts = (sqlState: string) =>
  test.query(`
    CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '${sqlState}'; END $$;
    CREATE TRIGGER fail BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION fail()`);
const insertsWork = () => test.query('DROP TRIGGER fail ON orders');

/** As after a failover to a server that is not written yet; what is said goes for new sessions only. */
async function setReadOnly(isReadOnly: boolean): Promise<void> {
  await admin.query(`ALTER DATABASE ${database} SET default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`);
  if (!isReadOnly) return;
  await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [database]);
}

describe('the database can not do its work for a reason that will pass', () => {
  it.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
    ['it can only be read', () => setReadOnly(true), () => setReadOnly(false)],
    ['its disk is full', () => failInserts('53100'), insertsWork],
    ['it has no connection left', () => failInserts('53300'), insertsWork],
    ['a statement took too long', () => failInserts('57014'), insertsWork],
    ['a lock was not to be had in time', () => failInserts('55P03'), insertsWork],
    ['transactions deadlock again and again', () => failInserts('40P01'), insertsWork],
  ])('%s -> 503 with Retry-After, reads go on, and it goes on by itself', async (_kind, begin, end) => {
    const alice = test.caller();
    await begin();
    await eventually(() => alice.get().expect(200)); // connections that were ended are replaced
    const { body, headers } = await alice.post(orderBody()).expect(503);
    expect(body.error.code).toBe('SERVICE_UNAVAILABLE');
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
    await end();
    await eventually(() => alice.post(orderBody()).expect(201), { timeout: timeLimit(5_000) });
    for (let times = 0; times < 10; times++) await alice.post(orderBody()).expect(201);
  });
});
