import { empty, sqltag as sql, type Sql } from '@prisma/client/runtime/client';

/** The event of another service that a change is the effect of. */
export interface InboundEvent {
  eventId: string;
  type: string;
  /** Whose sequence it is, e.g. `order/<id>`. */
  aggregate: string;
  /** The aggregate's version that the event describes. */
  sequence: number;
}

/** `new`: to be applied now. `duplicate`: it had its effect before. `stale`: a later one of its aggregate had. */
export type InboxVerdict = 'new' | 'duplicate' | 'stale';

const VERDICT = sql`CASE
  WHEN NOT EXISTS (SELECT FROM noted) THEN 'duplicate'
  WHEN NOT EXISTS (SELECT FROM applied) THEN 'stale'
  ELSE 'new'
END AS verdict`;

/** `causes`: the CTE whose rows are noted, with the columns of an InboundEvent. */
const notesOf = (causes: Sql): Sql => sql`
  noted AS (
    INSERT INTO inbox (event_id, type) SELECT "eventId", type FROM ${causes} ON CONFLICT DO NOTHING RETURNING event_id
  ), applied AS (
    INSERT INTO applied_sequences (aggregate, sequence)
    SELECT aggregate, sequence FROM ${causes} JOIN noted ON event_id = "eventId"
    ON CONFLICT (aggregate) DO UPDATE SET sequence = excluded.sequence
      WHERE applied_sequences.sequence < excluded.sequence
    RETURNING aggregate
  )`;

/** `from`: nothing is noted unless that has rows. */
const notes = ({ eventId, type, aggregate, sequence }: InboundEvent, from = empty): Sql => sql`
  cause AS (
    SELECT ${eventId}::uuid AS "eventId", ${type}::text AS type, ${aggregate}::text AS aggregate,
           ${sequence}::integer AS sequence ${from}
  ), ${notesOf(sql`cause`)}`;

/**
 * Notes the cause, one row with its verdict. Whoever handles the same event or aggregate at the same time waits here until
 * this transaction ends.
 */
export const markProcessed = (cause: InboundEvent): Sql => sql`WITH ${notes(cause)} SELECT ${VERDICT}`;

/**
 * What a one-statement write has around its CTE `saved` to note its cause with it, and to be no write where that had its
 * effect before. `held` locks the row that is to change, as it must be (`SELECT ... FOR UPDATE`), or inserts it; where there
 * is none, nothing is noted and there are no rows. Without a cause there is one row, too, where the row was saved:
 *
 *     WITH ${noted} saved AS (UPDATE ... WHERE ... AND ${isNew} RETURNING id) ${verdict}
 */
export function causeClauses(cause: InboundEvent | undefined, held: Sql): { noted: Sql; isNew: Sql; verdict: Sql } {
  if (cause === undefined) return { noted: empty, isNew: sql`true`, verdict: sql`SELECT 'new' AS verdict FROM saved` };
  return {
    // Locked first: a note of a write that its own guard stops would keep the cause from ever having its effect.
    noted: sql`held AS (${held}), ${notes(cause, sql`FROM held`)},`,
    isNew: sql`EXISTS (SELECT FROM applied)`,
    verdict: sql`SELECT ${VERDICT} FROM held`,
  };
}

/**
 * What a statement that writes the effects of several causes has around its CTE `saved`, where each of their aggregates comes
 * once. `causes` are rows of its CTE of that name, whose `id` and columns of an InboundEvent it has; `held` locks what is to
 * change of them, or inserts it, and returns each `id`. What has no row there is not noted, and has no verdict:
 *
 *     WITH causes AS (...), ${noted} saved AS (UPDATE ... FROM causes WHERE ... AND ${isNew} RETURNING id) ${verdicts}
 */
export const causesClauses = (held: Sql): { noted: Sql; isNew: Sql; verdicts: Sql } => ({
  noted: sql`held AS (${held}), due AS (SELECT causes.* FROM causes JOIN held USING (id)), ${notesOf(sql`due`)},`,
  isNew: sql`aggregate IN (SELECT aggregate FROM applied)`,
  verdicts: sql`
    SELECT "eventId", CASE
      WHEN "eventId" NOT IN (SELECT event_id FROM noted) THEN 'duplicate'
      WHEN aggregate NOT IN (SELECT aggregate FROM applied) THEN 'stale'
      ELSE 'new'
    END AS verdict FROM due`,
});
