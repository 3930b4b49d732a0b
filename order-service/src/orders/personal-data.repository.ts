import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';

const { sql } = Prisma;
/** What is said of an address that is not known any more. */
const ANONYMISED = 'anonymised';

/** A reason that a person gave. */
const isWritten = sql`reason IS NOT NULL AND changed_by IS NOT NULL`;

/** What orders say of their user. */
export class PersonalDataRepository {
  readonly #database: Database;

  constructor({ database }: { database: Database }) {
    this.#database = database;
  }

  /**
   * Clears what people wrote on up to `limit` orders of a user, deleted ones too; what was sold for how much stays. True:
   * there may be more of them.
   */
  async clear(userId: string, limit: number): Promise<boolean> {
    // One after the other, since each has its index.
    for (const which of [sql`deleted_at IS NULL`, sql`deleted_at IS NOT NULL`]) {
      const cleared = await this.#database.$executeRaw(sql`
        WITH theirs AS MATERIALIZED (
          SELECT id FROM orders
          WHERE user_id = ${userId}::uuid AND ${which} AND (
            shipping_address <> ${ANONYMISED} OR notes IS NOT NULL
            OR EXISTS (SELECT FROM order_status_history WHERE order_id = orders.id AND ${isWritten})
          )
          ORDER BY id LIMIT ${limit}::integer FOR NO KEY UPDATE
        ), history AS (
          UPDATE order_status_history SET reason = NULL FROM theirs WHERE order_id = theirs.id AND ${isWritten}
        )
        UPDATE orders SET shipping_address = ${ANONYMISED}, notes = NULL, version = version + 1,
          status_reason = CASE WHEN NOT EXISTS (
            SELECT FROM order_status_history WHERE order_id = orders.id AND ${isWritten} AND reason = status_reason
          ) THEN status_reason END
        FROM theirs WHERE orders.id = theirs.id`);
      if (cleared === limit) return true;
    }
    return false;
  }
}
