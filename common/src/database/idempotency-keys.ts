import { randomUUID } from 'node:crypto';
import { sqltag as sql } from '@prisma/client/runtime/client';
import { z } from 'zod';
import type { Answer, AttemptNote, Claim, HeldKey, IdempotencyStore, KeyedRequest } from '../http/index.js';
import type { DatabaseClient } from './atomic-store.js';
import { isHeld, noteAttempt } from './attempt-note.js';

/** How long an answer is kept. */
const LIFETIME = sql`interval '24 hours'`;
/** A key can vanish between the look that found it taken and the look at who has it. */
const MAX_LOOKS = 3;
const PURGE_BATCH = 1_000;

const keyRow = z.object({
  fingerprint: z.string(),
  status: z.int().nullable(),
  body: z.record(z.string(), z.unknown()).nullable(),
});

/** The idempotency keys of a service, in its own database. Its clock alone counts. */
export class IdempotencyKeys implements IdempotencyStore {
  readonly #client: DatabaseClient;
  readonly #lease: number;

  /**
   * `lease`: milliseconds that an attempt has, before another may take over from it. Should it be alive after all, it
   * can write nothing any more that is fenced.
   */
  constructor({ client, lease }: { client: DatabaseClient; lease: number }) {
    this.#client = client;
    this.#lease = lease;
  }

  async claim(request: KeyedRequest): Promise<Claim> {
    for (let look = 1; look <= MAX_LOOKS; look++) {
      const claim = (await this.#take(request)) ?? (await this.#find(request));
      if (claim !== undefined) return claim;
    }
    return { outcome: 'running' };
  }

  async keep(heldKey: HeldKey, answer: Answer): Promise<void> {
    const note: AttemptNote = { heldKey, answer, begun: undefined, isFenced: false };
    await this.#client.$executeRaw(noteAttempt(note));
  }

  async release(heldKey: HeldKey): Promise<void> {
    await this.#client.$executeRaw(sql`
      WITH freed AS (DELETE FROM idempotency_keys WHERE ${isHeld(heldKey)} AND begun IS NULL)
      UPDATE idempotency_keys SET lease_until = now() WHERE ${isHeld(heldKey)} AND begun IS NOT NULL`);
  }

  /** Deletes up to `limit` keys that are past their time. True: there may be more of them. */
  async purge(limit = PURGE_BATCH): Promise<boolean> {
    const purged = await this.#client.$executeRaw(sql`
      WITH expired AS MATERIALIZED (
        SELECT user_id, key FROM idempotency_keys WHERE created_at <= now() - ${LIFETIME}
        ORDER BY created_at LIMIT ${limit}::integer FOR UPDATE SKIP LOCKED
      )
      DELETE FROM idempotency_keys AS known USING expired
      WHERE known.user_id = expired.user_id AND known.key = expired.key`);
    return purged === limit;
  }

  /** A key that is new, past its time, or left behind by an attempt whose time is over. */
  async #take({ userId, key, fingerprint }: KeyedRequest): Promise<Claim | undefined> {
    const attempt = randomUUID();
    const [taken] = await this.#client.$queryRaw<{ begun: string | null }[]>(sql`
      INSERT INTO idempotency_keys AS known (user_id, key, fingerprint, attempt, lease_until)
      VALUES (${userId}::uuid, ${key}, ${fingerprint}, ${attempt}::uuid, now() + ${this.#lease}::integer * interval '1 millisecond')
      ON CONFLICT (user_id, key) DO UPDATE SET
        fingerprint = excluded.fingerprint,
        attempt = excluded.attempt,
        lease_until = excluded.lease_until,
        begun = CASE WHEN known.created_at > now() - ${LIFETIME} THEN known.begun END,
        status = NULL,
        body = NULL,
        created_at = CASE WHEN known.created_at > now() - ${LIFETIME} THEN known.created_at ELSE excluded.created_at END
      WHERE known.created_at <= now() - ${LIFETIME}
        OR (known.status IS NULL AND known.lease_until <= now() AND known.fingerprint = excluded.fingerprint)
      RETURNING begun`);
    if (taken === undefined) return undefined;
    return { outcome: 'held', heldKey: { userId, key, attempt, begun: taken.begun ?? undefined } };
  }

  async #find({ userId, key, fingerprint }: KeyedRequest): Promise<Claim | undefined> {
    const [row] = await this.#client.$queryRaw<unknown[]>(sql`
      SELECT fingerprint, status, body FROM idempotency_keys
      WHERE user_id = ${userId}::uuid AND key = ${key}`);
    if (row === undefined) return undefined;
    const known = keyRow.parse(row);
    if (known.fingerprint !== fingerprint) return { outcome: 'reused' };
    if (known.status === null || known.body === null) return { outcome: 'running' };
    return { outcome: 'answered', answer: { status: known.status, body: known.body } };
  }
}
