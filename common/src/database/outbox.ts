import { sqltag as sql, type Sql } from '@prisma/client/runtime/client';
import { v7 as uuidv7 } from 'uuid';
import type { EventDraft } from '../contracts/index.js';
import { currentTraceparent } from '../tracing/index.js';

interface OutboxInsertOptions {
  /** Inserts nothing unless this query has rows, e.g. `SELECT FROM saved` for a guarded write named `saved`. */
  onlyIf?: Sql;
}

/**
 * The statement that puts events into the outbox in their order, with identity, time and the current trace context. For
 * a data-modifying CTE beside the change itself:
 *
 *     WITH saved AS (UPDATE orders SET ... WHERE id = ... AND version = ... RETURNING id),
 *          published AS (${outboxInsert(events, { onlyIf: sql`SELECT FROM saved` })})
 *     SELECT id FROM saved
 */
export function outboxInsert(events: readonly EventDraft[], { onlyIf }: OutboxInsertOptions = {}): Sql {
  const time = new Date();
  const traceparent = currentTraceparent();
  const rows = events.map((event) => ({ id: uuidv7(), time, traceparent, ...event }));
  // One JSON parameter: the statement's text stays the same for any number of events, so it is prepared once.
  const insert = sql`
    INSERT INTO outbox (id, type, subject, sequence, time, data, traceparent)
    SELECT id, type, subject, sequence, time, data, traceparent
    FROM json_to_recordset(${JSON.stringify(rows)}::json) AS event (
      id uuid, type text, subject text, sequence integer, time timestamptz, data jsonb, traceparent text
    )`;
  return onlyIf === undefined ? insert : sql`${insert} WHERE EXISTS (${onlyIf})`;
}
