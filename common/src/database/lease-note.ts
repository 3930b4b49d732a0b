import { empty, sqltag as sql, type Sql } from '@prisma/client/runtime/client';
import type { LeaseNote, LeasedKey } from '../idempotency/index.js';

/** The row of a key, while it is in the hands of this attempt and has no answer. */
export const isHeld = ({ userId, key, attempt }: LeasedKey): Sql =>
  sql`user_id = ${userId}::uuid AND key = ${key} AND attempt = ${attempt}::uuid AND status IS NULL`;

/** The statement that writes a note; it changes no row once another attempt has taken over. */
export const noteLease = ({ leasedKey, answer, begun }: LeaseNote): Sql => sql`
  UPDATE idempotency_keys
  SET status = ${answer?.status ?? null}::smallint, body = ${answer ? JSON.stringify(answer.body) : null}::json,
      headers = ${answer?.headers ? JSON.stringify(answer.headers) : null}::json, begun = ${begun ?? null}::uuid
  WHERE ${isHeld(leasedKey)}`;

/**
 * What a one-statement write has around its CTE `saved` to write a fenced note with it, and nothing if another attempt
 * has taken over. Without a note they are empty, and `isAllowed` is true:
 *
 *     WITH ${held} saved AS (INSERT ... SELECT ... WHERE ${isAllowed} RETURNING id) ${noted} SELECT id FROM saved
 */
export function leaseClauses(note: LeaseNote | undefined): { held: Sql; isAllowed: Sql; noted: Sql } {
  if (note === undefined) return { held: empty, isAllowed: sql`true`, noted: empty };
  return {
    // Locked first: noting before saving would leave the note of a write that its own guard has stopped.
    held: sql`held AS (SELECT key FROM idempotency_keys WHERE ${isHeld(note.leasedKey)} FOR UPDATE),`,
    isAllowed: sql`EXISTS (SELECT FROM held)`,
    noted: sql`, noted AS (${noteLease(note)} AND EXISTS (SELECT FROM saved))`,
  };
}
