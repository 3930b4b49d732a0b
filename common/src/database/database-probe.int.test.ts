import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { createTestDatabase, eventually, startTcpProxy, type TcpProxy, type TestDatabase } from '@shop/testing';
import { RecordingLogger } from '../../test/messaging/fixtures.js';
import { connectionsOfProcess, DatabaseProbe } from './database-probe.js';

let database: TestDatabase;
let proxy: TcpProxy;
let sql: pg.Client;
let logger: RecordingLogger;
let started: DatabaseProbe | undefined;

beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: path.join(import.meta.dirname, '../../test/database') });
  proxy = await startTcpProxy(database.url);
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
});
afterEach(async () => {
  proxy.mend();
  proxy.slowDown(0);
  await started?.stop();
});
afterAll(async () => {
  await sql.end();
  await proxy.stop();
  await database.drop();
});

function startProbe({ url = proxy.url, budget = { connections: 1, processes: 1 } } = {}): DatabaseProbe {
  logger = new RecordingLogger();
  started = new DatabaseProbe({ url, service: 'test', budget, logger });
  started.start();
  return started;
}

/** The states that it goes through until the check passes. */
async function statesUntil(probe: DatabaseProbe, check: () => boolean, timeout = 10_000): Promise<string[]> {
  const states = [probe.state()];
  await eventually(
    () => {
      if (states.at(-1) !== probe.state()) states.push(probe.state());
      expect(check()).toBe(true);
    },
    { timeout },
  );
  return states;
}

const sessions = async (): Promise<number[]> => {
  const { rows } = await sql.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'readiness of test' AND datname = current_database()`,
  );
  return rows.map(({ pid }) => pid);
};

describe('a database', () => {
  it('that is cut off -> down within 5 s, and up within 5 s of its return, without flapping', async () => {
    const probe = startProbe();
    await eventually(async () => expect(await sessions()).toHaveLength(1));
    proxy.cut();
    expect(await statesUntil(probe, () => probe.state() === 'down', 5_000)).toEqual(['up', 'down']);
    proxy.mend();
    expect(await statesUntil(probe, () => probe.state() === 'up', 5_000)).toEqual(['down', 'up']);
  });

  it('that answers slowly -> up', async () => {
    const probe = startProbe();
    await eventually(async () => expect(await sessions()).toHaveLength(1));
    proxy.slowDown(1_500);
    const from = Date.now();
    expect(await statesUntil(probe, () => Date.now() - from > 5_000)).toEqual(['up']);
  });

  it('that falls silent -> down in bounded time', async () => {
    const probe = startProbe();
    await eventually(async () => expect(await sessions()).toHaveLength(1));
    proxy.slowDown(5_000);
    expect(await statesUntil(probe, () => probe.state() === 'down', 12_000)).toEqual(['up', 'down']);
  });

  it('whose session of the probe is ended -> up, over another one', async () => {
    const probe = startProbe();
    const [first] = await eventually(async () => {
      const pids = await sessions();
      expect(pids).toHaveLength(1);
      return pids;
    });
    await sql.query('SELECT pg_terminate_backend($1)', [first]);
    const states = await statesUntil(probe, () => true);
    await eventually(async () => {
      const [second] = await sessions();
      expect(second).toBeDefined();
      expect(second).not.toBe(first);
    });
    expect([...states, probe.state()]).not.toContain('down');
  });

  it('that has no connection to spare -> up: it answers', async () => {
    const role = `limited_${randomBytes(6).toString('hex')}`;
    await sql.query(`CREATE ROLE ${role} LOGIN PASSWORD 'password' CONNECTION LIMIT 0`);
    try {
      const probe = startProbe({ url: Object.assign(new URL(database.url), { username: role }).href });
      const from = Date.now();
      expect(await statesUntil(probe, () => Date.now() - from > 3_000)).toEqual(['up']);
    } finally {
      await started?.stop();
      await sql.query(`DROP ROLE ${role}`);
    }
  });
});

describe('at start', () => {
  const WARNING = 'the database allows fewer connections than all processes may open';
  const available = async (): Promise<number> => {
    const { rows } = await sql.query<{ max: number; reserved: number }>(
      `SELECT current_setting('max_connections')::integer AS max,
              current_setting('superuser_reserved_connections')::integer AS reserved`,
    );
    const [{ max, reserved } = { max: 0, reserved: 0 }] = rows;
    return max - reserved;
  };

  it('all processes together may open more connections than the server allows -> one warning with the numbers', async () => {
    const allowed = await available();
    startProbe({ budget: { connections: allowed, processes: 2 } });
    await eventually(() => expect(logger.messages('warn')).toEqual([WARNING]));
    expect(logger.entries[0]?.facts).toMatchObject({ available: allowed, needed: 2 * allowed, processes: 2 });
  });

  it('they fit -> none', async () => {
    const probe = startProbe({ budget: { connections: await available(), processes: 1 } });
    await eventually(async () => expect(await sessions()).toHaveLength(1));
    await statesUntil(probe, () => true);
    expect(logger.messages('warn')).toEqual([]);
  });

  it('the defaults: 8 replicas and two more of a rolling update -> fit into the 100 of PostgreSQL, less those for superusers', () => {
    expect(connectionsOfProcess(7) * 10).toBeLessThanOrEqual(100 - 3 - 5);
  });
});
