import pg from 'pg';
import { CONNECT_TIMEOUT_MS } from './engine-connection.js';
import { retryLockTimeouts, TABLE_TIMEOUT_MS, takeMigrationLock } from './locks.js';
import type { MigrationOptions } from './migrate.js';
import { migrationFile, readIfPresent } from './migration-folder.js';
import { parseScript } from './script.js';

/**
 * Undoes the last `count` migrations, newest first, and returns their names: down.sql and its mark in one transaction
 * each. Prisma has nothing for this: its engine refuses to mark a migration that had succeeded.
 */
export async function revertMigrations(
  { url, directory, lockTimeoutMs }: MigrationOptions,
  count = 1,
): Promise<string[]> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    lock_timeout: TABLE_TIMEOUT_MS,
  });
  const reverted: string[] = [];
  try {
    await client.connect();
    await takeMigrationLock((text, values) => client.query(text, values), lockTimeoutMs);
    while (reverted.length < count) {
      const name = await revertLast(client, directory);
      if (name === undefined) break;
      reverted.push(name);
    }
    return reverted;
  } finally {
    await client.end(); // ends an open transaction and gives up the lock
  }
}

async function revertLast(client: pg.Client, directory: string): Promise<string | undefined> {
  const history = await client.query<{ found: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS found`,
  );
  if (!history.rows[0]?.found) return undefined;
  const { rows } = await client.query<{ id: string; name: string; finished: boolean }>(
    `SELECT id, migration_name AS name, finished_at IS NOT NULL AS finished FROM _prisma_migrations
     WHERE rolled_back_at IS NULL ORDER BY migration_name DESC LIMIT 1`,
  );
  const last = rows[0];
  if (!last) return undefined;
  if (!last.finished) throw new Error(`${last.name} failed and was never resolved: resolve it first`);
  const down = await readIfPresent(migrationFile(directory, last.name, 'down.sql'));
  if (down === undefined) throw new Error(`${last.name} has no down.sql, so it can't be undone`);
  try {
    await retryLockTimeouts(() => runDown(client, down, last.id));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`down.sql of ${last.name} failed and changed nothing: ${reason}`, { cause: error });
  }
  return last.name;
}

async function runDown(client: pg.Client, down: string, id: string): Promise<void> {
  const script = parseScript(down);
  if ('statements' in script) for (const statement of script.statements) await client.query(statement);
  await client.query('BEGIN');
  try {
    if ('transaction' in script) await client.query(script.transaction);
    await client.query('UPDATE _prisma_migrations SET rolled_back_at = now() WHERE id = $1', [id]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}
