import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { notifyOfWrites } from './outbox-queries.js';

const BATCH = 1_000;
/** Milliseconds between two looks at what the relay has published. */
const LOOK = 100;
/** Milliseconds without any event published after which nobody seems to publish. */
const STALL_TIMEOUT = 30_000;
const MAX_COUNTED = 10_000;

export interface RepublishOptions {
  /** Events that were published at or after this. */
  since: Date;
  onProgress?: (progress: { putBack: number; total: number }) => void;
  batch?: number;
  /** In milliseconds. */
  stallTimeout?: number;
}

/** Nothing was published for a while. What was put back stays in the outbox, and is published once that is possible. */
export class RepublishStalled extends Error {
  override readonly name = 'RepublishStalled';
}

/**
 * Has the events of an outbox published again, oldest first, by its relay: consumers pass over what they have handled.
 * Batch by batch, so that events of today don't wait behind all of them. Answers how many there were, once the relay has
 * published them. Throws RepublishStalled.
 */
export async function republishEvents(
  client: Client,
  { since, onProgress, batch = BATCH, stallTimeout = STALL_TIMEOUT }: RepublishOptions,
): Promise<number> {
  // What is published again from now on isn't looked at a second time.
  const { rows } = await client.query<{ until: Date; total: number; last: string | null }>(
    `WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS until)
     SELECT until, count(position)::integer AS total, (min(position) - 1)::text AS last
     FROM moment LEFT JOIN outbox_published ON published_at >= $1 AND published_at < until GROUP BY until`,
    [since],
  );
  const [{ until, total, last: first } = { until: since, total: 0, last: null }] = rows;
  let putBack = 0;
  for (let last = first; last !== null;) {
    onProgress?.({ putBack, total });
    const moved = await putBackAfter(client, { since, until, after: last, limit: batch });
    await notifyOfWrites(client);
    await untilPublished(client, { upTo: moved.last ?? last, atMost: moved.last === null ? 0 : batch, stallTimeout });
    putBack += moved.count;
    last = moved.last;
  }
  return putBack;
}

async function putBackAfter(
  client: Client,
  { since, until, after, limit }: { since: Date; until: Date; after: string; limit: number },
): Promise<{ count: number; last: string | null }> {
  // The change of published_at moves a row to the partition of those that wait.
  const { rows } = await client.query<{ count: number; last: string | null }>(
    `WITH batch AS MATERIALIZED (
       SELECT position FROM outbox_published WHERE position > $1 AND published_at >= $2 AND published_at < $3
       ORDER BY position LIMIT $4 FOR UPDATE SKIP LOCKED
     ), moved AS (
       UPDATE outbox SET published_at = NULL FROM batch WHERE outbox.position = batch.position RETURNING outbox.position
     )
     SELECT count(*)::integer AS count, max(position)::text AS last FROM moved`,
    [after, since, until, limit],
  );
  return rows[0] ?? { count: 0, last: null };
}

/** Until no more than `atMost` events up to a position wait to be published. */
async function untilPublished(
  client: Client,
  { upTo, atMost, stallTimeout }: { upTo: string; atMost: number; stallTimeout: number },
): Promise<void> {
  let fewest = Infinity;
  for (let movedAt = Date.now(); ;) {
    const { rows } = await client.query<{ waiting: number }>(
      `SELECT count(*)::integer AS waiting FROM (
         SELECT FROM outbox WHERE published_at IS NULL AND position <= $1 LIMIT ${MAX_COUNTED}
       ) AS waiting`,
      [upTo],
    );
    const { waiting } = rows[0] ?? { waiting: 0 };
    if (waiting <= atMost) return;
    if (waiting < fewest) movedAt = Date.now();
    fewest = Math.min(fewest, waiting);
    if (Date.now() - movedAt > stallTimeout) {
      const many = waiting < MAX_COUNTED ? String(waiting) : `${MAX_COUNTED} or more`;
      throw new RepublishStalled(`${many} events wait, and none was published for ${stallTimeout / 1_000} s`);
    }
    await delay(LOOK);
  }
}
