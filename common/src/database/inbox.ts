import { sqltag as sql, type Sql } from '@prisma/client/runtime/client';

/** The event of another service that a change is the effect of. */
export interface Cause {
  eventId: string;
  type: string;
  /** Whose sequence it is, e.g. `order/<id>`. */
  aggregate: string;
  /** The aggregate's version that the event tells of. */
  sequence: number;
}

/** `new`: to be applied now. `duplicate`: it had its effect before. `stale`: a later one of its aggregate had. */
export type CauseVerdict = 'new' | 'duplicate' | 'stale';

/**
 * Notes the cause, one row with its verdict. Whoever handles the same event or aggregate at the same time waits here until
 * this transaction ends.
 */
export function noteCause({ eventId, type, aggregate, sequence }: Cause): Sql {
  return sql`
    WITH noted AS (
      INSERT INTO inbox (event_id, type) VALUES (${eventId}::uuid, ${type}) ON CONFLICT DO NOTHING RETURNING event_id
    ), applied AS (
      INSERT INTO applied_sequences (aggregate, sequence) SELECT ${aggregate}, ${sequence}::integer FROM noted
      ON CONFLICT (aggregate) DO UPDATE SET sequence = excluded.sequence
        WHERE applied_sequences.sequence < excluded.sequence
      RETURNING aggregate
    )
    SELECT CASE
      WHEN NOT EXISTS (SELECT FROM noted) THEN 'duplicate'
      WHEN NOT EXISTS (SELECT FROM applied) THEN 'stale'
      ELSE 'new'
    END AS verdict`;
}
