import type { Client } from 'pg';
import type { EventType } from '../contracts/index.js';

/** A row of the outbox. */
export interface OutboxEvent {
  /** A bigint, as text. */
  position: string;
  id: string;
  type: EventType;
  subject: string;
  sequence: number;
  time: Date;
  data: unknown;
  traceparent: string | null;
}

export interface Backlog {
  /** Counted up to 10,000. */
  waiting: number;
  oldest: Date | null;
}

const MAX_COUNTED = 10_000;

/** Whether this session is the one that may publish the outbox of its database; it stays so until the session ends. */
export async function tryBecomeActive(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    `SELECT pg_try_advisory_lock(hashtextextended('outbox relay', 0)) AS locked`,
  );
  return rows[0]?.locked === true;
}

/** From now on `onWritten` is called when a relay that stands by learns of a commit. */
export async function listenForWrites(client: Client, onWritten: () => void): Promise<void> {
  client.on('notification', onWritten);
  await client.query('LISTEN outbox_written');
}

/** Tells the active relay of a commit. Not in the transaction that wrote: NOTIFY makes all commits wait for one another. */
export async function notifyOfWrites(client: Client): Promise<void> {
  await client.query('NOTIFY outbox_written');
}

/**
 * The oldest events not published yet, but for those of the subjects that are `held` back. Not "those after the last one read": positions are drawn before commit, so a
 * lower one can appear later.
 */
export async function nextEvents(client: Client, limit: number, held: readonly string[]): Promise<OutboxEvent[]> {
  const { rows } = await client.query<OutboxEvent>({
    name: 'next-events',
    text: `SELECT position, id, type, subject, sequence, time, data, traceparent FROM outbox
           WHERE published_at IS NULL AND subject <> ALL($2::text[]) ORDER BY position LIMIT $1`,
    values: [limit, held],
  });
  return rows;
}

export async function markPublished(client: Client, positions: readonly string[]): Promise<void> {
  await client.query({
    name: 'mark-published',
    text: `UPDATE outbox SET published_at = now() WHERE published_at IS NULL AND position = ANY($1::bigint[])`,
    values: [positions],
  });
}

/** Throws where an event could not be marked as published: read-only after a failover, or the disk is full. Marks none. */
export async function assertMarkable(client: Client): Promise<void> {
  await client.query('BEGIN');
  await client.query(`UPDATE outbox SET published_at = now()
                      WHERE published_at IS NULL
                        AND position = (SELECT min(position) FROM outbox WHERE published_at IS NULL)`);
  await client.query('ROLLBACK');
}

export async function backlogOf(client: Client): Promise<Backlog> {
  const { rows } = await client.query<Backlog>({
    name: 'backlog',
    text: `SELECT count(*)::integer AS waiting, min(time) AS oldest FROM (
             SELECT time FROM outbox WHERE published_at IS NULL ORDER BY position LIMIT $1
           ) AS unpublished`,
    values: [MAX_COUNTED],
  });
  return rows[0] ?? { waiting: 0, oldest: null };
}
