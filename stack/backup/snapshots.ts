// One moment of several databases: nothing that follows from an event is in one of them without its cause in the other.
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { hasCode, StackError } from '../errors.ts';
import { withConnections } from './connections.ts';

/** How long writers may have to wait for one that does not end, before they go first. */
const lockTimeout = '500ms';
const tries = 20;
const pause = 500;
const lockNotAvailable = '55P03';
const deadlock = '40P01';

export interface Snapshot {
  client: pg.Client;
  takenAt: Date;
}

/**
 * Runs `use` with a transaction in each database that sees the same moment. Whatever one service learns of another it learns by
 * an event, which stands in an outbox in the transaction of its cause. So no cause is committed while all outboxes are locked,
 * and what is committed then is whole. The locks end with the last snapshot, after milliseconds; writers wait for them that long.
 */
export async function withSnapshots<Result>(
  urls: readonly string[],
  use: (snapshots: Snapshot[]) => Promise<Result>,
): Promise<Result> {
  return withConnections(urls, 'backup', async (readers) => {
    await withConnections(urls, 'backup', async (lockers) => {
      await lockOutboxes(lockers);
      await Promise.all(readers.map(beginSnapshot));
      await Promise.all(lockers.map((locker) => locker.query('ROLLBACK')));
    });
    const times = await Promise.all(readers.map(timeOf));
    return use(readers.map((client, index) => ({ client, takenAt: times[index] ?? new Date(Number.NaN) })));
  });
}

async function lockOutboxes(lockers: readonly pg.Client[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const results = await Promise.allSettled(lockers.map(lockOutbox));
    const failures = results.filter((result) => result.status === 'rejected');
    if (failures.length === 0) return;
    await Promise.all(lockers.map((locker) => locker.query('ROLLBACK')));
    const other = failures.find(({ reason }) => !hasCode(reason, lockNotAvailable, deadlock));
    if (other) throw other.reason;
    if (attempt === tries) {
      const remedy = 'look in pg_stat_activity for a transaction that does not end';
      throw new StackError(`no moment was found in which nobody writes events, ${tries} times: ${remedy}`);
    }
    await delay(pause * (0.5 + Math.random()));
  }
}

async function lockOutbox(locker: pg.Client): Promise<void> {
  await locker.query(`BEGIN; SET LOCAL lock_timeout = '${lockTimeout}'`);
  await locker.query('LOCK TABLE public.outbox IN SHARE MODE');
}

/** The first statement that reads takes the snapshot. */
async function beginSnapshot(reader: pg.Client): Promise<void> {
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await reader.query('SELECT FROM public.outbox LIMIT 0');
}

/** When the transaction began: before its snapshot, by less than the locks were held. */
async function timeOf(reader: pg.Client): Promise<Date> {
  const { rows } = await reader.query<{ time: Date }>('SELECT now() AS time');
  return rows[0]?.time ?? new Date(Number.NaN);
}
