import { randomUUIDv7 } from 'node:crypto';
import { sqltag as sql, type Sql } from '@prisma/client/runtime/client';
import type { EventDraft } from '../contracts/index.js';
import { currentTraceparent } from '../tracing/index.js';

interface OutboxInsertOptions {
  /**
   * Inserts no event for which this query has no rows, e.g. `SELECT FROM saved` for a guarded write named `saved`. It may
   * name `event.subject`.
   */
  onlyIf?: Sql;
}

/** An event with its identity, its time and its trace context. */
export type OutboxRow = EventDraft & {
  readonly id: string;
  readonly time: Date;
  readonly traceparent: string | undefined;
};

/** For an event that happens now, in the current trace. */
export const toOutboxRow = (event: EventDraft): OutboxRow => ({
  id: randomUUIDv7(),
  time: new Date(),
  traceparent: currentTraceparent(),
  ...event,
});

/**
 * The statement that puts events into the outbox in their order, with identity, time and the current trace context. For
 * a data-modifying CTE beside the change itself:
 *
 *     WITH saved AS (UPDATE orders SET ... WHERE id = ... AND version = ... RETURNING id),
 *          published AS (${outboxInsert(events, { onlyIf: sql`SELECT FROM saved` })})
 *     SELECT id FROM saved
 */
export const outboxInsert = (events: readonly EventDraft[], options: OutboxInsertOptions = {}): Sql =>
  outboxRowsInsert(events.map(toOutboxRow), options);

/** Likewise, of events that became rows when each of them happened. */
export function outboxRowsInsert(rows: readonly OutboxRow[], { onlyIf }: OutboxInsertOptions = {}): Sql {
  // One JSON parameter: the statement's text stays the same for any number of events, so it is prepared once.
  const insert = sql`
    INSERT INTO outbox (id, type, subject, sequence, time, data, traceparent)
    SELECT id, type, subject, sequence, time, data, traceparent
    FROM json_to_recordset(${JSON.stringify(rows)}::json) AS event (
      id uuid, type text, subject text, sequence integer, time timestamptz, data jsonb, traceparent text
    )`;
  return onlyIf === undefined ? insert : sql`${insert} WHERE EXISTS (${onlyIf})`;
}
