import { PrismaPg } from '@prisma/adapter-pg';
import { ColumnTypeEnum, type SqlDriverAdapter } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { TABLE_TIMEOUT_MS, takeMigrationLock } from './locks.js';
import { parseScript } from './script.js';

export const CONNECT_TIMEOUT_MS = 10_000;

/** The adapter of Prisma made fit for its schema engine: on one connection, which holds the migration lock. */
export async function connectEngine(url: string, lockTimeoutMs?: number): Promise<SqlDriverAdapter> {
  const pool = new pg.Pool({
    connectionString: url,
    // The lock belongs to a session, so there may only be one and it must not be closed when idle.
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    lock_timeout: TABLE_TIMEOUT_MS,
  });
  try {
    // The engine takes this lock too and gives up after 10 s. A session may take it twice, so taken here it waits longer.
    await takeMigrationLock((text, values) => pool.query(text, values), lockTimeoutMs);
    const adapter = await new PrismaPg(pool).connect();
    return Object.assign(adapter, {
      // Its own splits at every semicolon. Sent whole, a script is one implicit transaction and $$ ... $$ works.
      executeScript: async (script: string) => {
        const parsed = parseScript(script);
        for (const sql of 'transaction' in parsed ? [parsed.transaction] : parsed.statements) {
          await adapter.executeRaw({ sql, args: [], argTypes: [] });
        }
      },
      dispose: async () => {
        if (!pool.ended) await pool.end();
      },
    });
  } catch (error) {
    await pool.end();
    throw error;
  }
}

const noDatabase = () => Promise.reject(new Error('this command works without a database'));

/** Stands in for a database where two schema files are compared: that asks for nothing but the server's version. */
export const withoutDatabase: SqlDriverAdapter = {
  provider: 'postgres',
  adapterName: '@prisma/adapter-pg',
  getConnectionInfo: () => ({ supportsRelationJoins: true }),
  queryRaw: () =>
    Promise.resolve({
      columnNames: ['exists', 'version', 'numeric_version'],
      columnTypes: [ColumnTypeEnum.Boolean, ColumnTypeEnum.Text, ColumnTypeEnum.Text],
      rows: [[true, 'PostgreSQL 17.0', '170000']],
    }),
  executeRaw: noDatabase,
  executeScript: noDatabase,
  startTransaction: noDatabase,
  dispose: () => Promise.resolve(),
};
