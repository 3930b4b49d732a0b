import { setTimeout as delay } from 'node:timers/promises';

/** The advisory lock that Prisma's own engine takes while it migrates a database. */
export const MIGRATION_LOCK = 72707369;
/** How long a migration waits for another that runs. */
export const MIGRATION_TIMEOUT_MS = 60_000;
/**
 * How long a statement waits for a table that others use: whoever asks for the table after it waits as long. So it gives
 * up soon, lets them pass, and tries again.
 */
export const TABLE_TIMEOUT_MS = 3_000;
const TABLE_TRIES = 20;
const PAUSE_MS = { least: 500, most: 2_000 };
const LOOK_PAUSE_MS = 100;

/** PostgreSQL's lock_not_available: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const LOCK_NOT_AVAILABLE = '55P03';

/** Another migration of the database ran for longer than this one was to wait. */
export class MigrationLockTimeout extends Error {
  override readonly name = 'MigrationLockTimeout';
  readonly code = LOCK_NOT_AVAILABLE;

  constructor(waitedMs: number) {
    super(`another migration of this database still runs after ${waitedMs / 1_000} s`);
  }
}

/** Whether a statement gave up waiting for a table. The schema engine passes errors of PostgreSQL on as text. */
export const isLockTimeout = (error: unknown): boolean =>
  (error instanceof Error && 'code' in error && error.code === LOCK_NOT_AVAILABLE) ||
  /canceling statement due to lock timeout/.test(String(error));

/**
 * Takes the migration lock for the session of `query`. Asked for again and again: a session that waits for a lock inside
 * a statement holds up CREATE INDEX CONCURRENTLY, and so whoever has the lock. Throws MigrationLockTimeout.
 */
export async function takeMigrationLock(
  query: (text: string, values: unknown[]) => Promise<{ rows: { locked: boolean }[] }>,
  timeoutMs = MIGRATION_TIMEOUT_MS,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while ((await query('SELECT pg_try_advisory_lock($1) AS locked', [MIGRATION_LOCK])).rows[0]?.locked !== true) {
    if (Date.now() > deadline) throw new MigrationLockTimeout(timeoutMs);
    await delay(LOOK_PAUSE_MS * (1 + Math.random()));
  }
}

/** Runs `attempt` again, after a pause, as long as it gives up waiting for a table; 20 times at most. */
export async function retryLockTimeouts<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === TABLE_TRIES || !isLockTimeout(error)) throw error;
      await delay(PAUSE_MS.least + Math.random() * (PAUSE_MS.most - PAUSE_MS.least));
    }
  }
}
