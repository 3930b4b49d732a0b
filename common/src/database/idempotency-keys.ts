import { randomUUID } from 'node:crypto';
import { sqltag as sql } from '@prisma/client/runtime/client';
import { z } from 'zod';
import type { Answer, LeaseNote, Claim, LeasedKey, IdempotencyStore, KeyedRequest } from '../idempotency/index.js';
import type { DatabaseClient } from './atomic-store.js';
import { isHeld, noteLease } from './lease-note.js';

/** How long an answer is kept. */
const LIFETIME = sql`interval '24 hours'`;
/** A key can vanish between the look that found it taken and the look at who has it. */
const MAX_LOOKS = 3;
const PURGE_BATCH = 1_000;

const keyRow = z.object({
  fingerprint: z.string(),
  status: z.int().nullable(),
  body: z.record(z.string(), z.unknown()).nullable(),
  headers: z.object({ ETag: z.string().optional(), Location: z.string().optional() }).nullable(),
});

/** The idempotency keys of a service, in its own database. Its clock alone counts. */
export class IdempotencyKeys implements IdempotencyStore {
  readonly #client: DatabaseClient;
  readonly #lease: number;
  readonly #maxPerUser: number;

  /**
   * `lease`: milliseconds that an attempt has, before another may take over from it. Should it be alive after all, it
   * can write nothing any more that is fenced. `maxPerUser`: keys that a user may have at a time.
   */
  constructor({ client, lease, maxPerUser }: { client: DatabaseClient; lease: number; maxPerUser: number }) {
    this.#client = client;
    this.#lease = lease;
    this.#maxPerUser = maxPerUser;
  }

  async claim(request: KeyedRequest): Promise<Claim> {
    for (let look = 1; look <= MAX_LOOKS; look++) {
      const taken = await this.#take(request);
      if (taken !== 'full' && taken !== undefined) return taken;
      const found = await this.#find(request);
      if (found !== undefined) return found;
      if (taken === 'full') return { outcome: 'full', retryAfterSeconds: await this.#secondsUntilRoom(request) };
    }
    return { outcome: 'running' };
  }

  async keep(leasedKey: LeasedKey, answer: Answer): Promise<void> {
    const note: LeaseNote = { leasedKey, answer, begun: undefined, isFenced: false };
    await this.#client.$write(noteLease(note));
  }

  // The column rounds to milliseconds: rounded up, the key would be held for a moment more.
  async release(leasedKey: LeasedKey): Promise<void> {
    await this.#client.$executeRaw(sql`
      WITH freed AS (DELETE FROM idempotency_keys WHERE ${isHeld(leasedKey)} AND begun IS NULL)
      UPDATE idempotency_keys SET lease_until = date_trunc('milliseconds', now()) WHERE ${isHeld(leasedKey)} AND begun IS NOT NULL`);
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

  /** A key that is new, past its time, or left behind by an attempt whose time is over. `full`: no new one is to be had. */
  async #take({ userId, key, fingerprint }: KeyedRequest): Promise<Claim | 'full' | undefined> {
    const attempt = randomUUID();
    const [taken] = await this.#client.$write<{ begun: string | null; holder: string | null; hasRoom: boolean }>(sql`
      WITH room AS MATERIALIZED (
        SELECT EXISTS (SELECT FROM idempotency_keys WHERE user_id = ${userId}::uuid AND key = ${key})
          OR may_take_key(${userId}::uuid, ${this.#maxPerUser}::integer) AS "hasRoom"
      ), taken AS (
      INSERT INTO idempotency_keys AS known (user_id, key, fingerprint, attempt, lease_until)
      SELECT ${userId}::uuid, ${key}, ${fingerprint}, ${attempt}::uuid, now() + ${this.#lease}::integer * interval '1 millisecond'
      FROM room WHERE "hasRoom"
      ON CONFLICT (user_id, key) DO UPDATE SET
        fingerprint = excluded.fingerprint,
        attempt = excluded.attempt,
        lease_until = excluded.lease_until,
        begun = CASE WHEN known.created_at > now() - ${LIFETIME} THEN known.begun END,
        status = NULL,
        body = NULL,
        headers = NULL,
        created_at = CASE WHEN known.created_at > now() - ${LIFETIME} THEN known.created_at ELSE excluded.created_at END
      WHERE known.created_at <= now() - ${LIFETIME}
        OR (known.status IS NULL AND known.lease_until <= now() AND known.fingerprint = excluded.fingerprint)
      RETURNING begun, attempt
      ) SELECT "hasRoom", begun, attempt AS holder FROM room LEFT JOIN taken ON true`);
    if (taken?.hasRoom === false) return 'full';
    if (taken?.holder !== attempt) return undefined;
    return { outcome: 'held', leasedKey: { userId, key, attempt, begun: taken.begun ?? undefined } };
  }

  /** Until the oldest key of a user is past its time. */
  async #secondsUntilRoom({ userId }: KeyedRequest): Promise<number> {
    const [row] = await this.#client.$queryRaw<{ seconds: number }[]>(sql`
      SELECT greatest(1, ceil(extract(epoch FROM min(created_at) + ${LIFETIME} - now())))::integer AS seconds
      FROM idempotency_keys WHERE user_id = ${userId}::uuid`);
    return row?.seconds ?? 1;
  }

  async #find({ userId, key, fingerprint }: KeyedRequest): Promise<Claim | undefined> {
    const [row] = await this.#client.$queryRaw<unknown[]>(sql`
      SELECT fingerprint, status, body, headers FROM idempotency_keys
      WHERE user_id = ${userId}::uuid AND key = ${key}`);
    if (row === undefined) return undefined;
    const known = keyRow.parse(row);
    if (known.fingerprint !== fingerprint) return { outcome: 'reused' };
    const { status, body, headers } = known;
    if (status === null || body === null) return { outcome: 'running' };
    return { outcome: 'answered', answer: { status, body, headers: headers ?? undefined } };
  }
}
