import { sqltag as sql } from '@prisma/client/runtime/client';
import type { AtomicStore, DatabaseClient } from './atomic-store.js';
import type { AuditTrail } from './audit-trail.js';
import type { InboundEvent } from './inbox.js';

/** How many rows of a user are cleared at a time. */
const BATCH = 100;
const PAUSE = sql`interval '1 day'`;
const SWEPT = sql`interval '1 year'`;

/** Clears what up to `limit` rows of a user say of it. True: there may be more of them. */
export type ClearPersonalData = (userId: string, limit: number) => Promise<boolean>;

interface Options<Client extends DatabaseClient> {
  client: Client;
  store: AtomicStore<Client>;
  auditTrail: AuditTrail;
  clear: ClearPersonalData;
}

/**
 * The users whose personal data is to be cleared in a service's database: at once, and for a year after once a day, since
 * a late change may bring new text. Then nothing of them changes any more.
 */
export class AnonymisedUsers<Client extends DatabaseClient> {
  readonly #options: Options<Client>;

  constructor(options: Options<Client>) {
    this.#options = options;
  }

  /** Notes a user of an event. */
  async add(userId: string, cause: InboundEvent): Promise<void> {
    await this.#options.store.save(
      async (transaction) => {
        await transaction.$executeRaw(sql`
          INSERT INTO anonymised_users (user_id) VALUES (${userId}::uuid) ON CONFLICT DO NOTHING`);
        return { value: undefined, events: [] };
      },
      { cause },
    );
  }

  /**
   * Clears a bounded part of one user's data that is due. Several processes may do the same: each clears what is still
   * there. True: there may be more to do.
   */
  async clearDue(): Promise<boolean> {
    const { client, auditTrail, clear } = this.#options;
    const [due] = await client.$queryRaw<{ userId: string }[]>(sql`
      SELECT user_id AS "userId" FROM anonymised_users WHERE sweep_at <= now() ORDER BY sweep_at LIMIT 1`);
    if (due === undefined) return false;
    const { userId } = due;
    const isMore = (await clear(userId, BATCH)) || (await auditTrail.anonymise(userId, BATCH));
    if (!isMore) {
      await client.$executeRaw(sql`
        UPDATE anonymised_users SET sweep_at = CASE WHEN now() < anonymised_at + ${SWEPT} THEN now() + ${PAUSE} END
        WHERE user_id = ${userId}::uuid`);
    }
    return true;
  }
}
