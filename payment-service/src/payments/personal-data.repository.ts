import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';

const { sql } = Prisma;
/** A note that has to stay, without its text. */
const ANONYMISED = 'anonymised';

/** What payments say of their user. */
export class PersonalDataRepository {
  readonly #database: Database;

  constructor({ database }: { database: Database }) {
    this.#database = database;
  }

  /**
   * Clears what people wrote on up to `limit` payments of a user, on their refunds and discrepancies; what was paid and
   * given back stays, and what the provider said. What is under way is left for a later time: the provider may be asked again, and
   * in the same words. True: there may be more of them.
   */
  async clear(userId: string, limit: number): Promise<boolean> {
    const cleared = await this.#database.$executeRaw(sql`
      WITH theirs AS MATERIALIZED (
        SELECT id FROM payments
        WHERE user_id = ${userId}::uuid AND status NOT IN ('pending', 'processing') AND (
          description IS NOT NULL OR next_action_type IS NOT NULL OR next_action_url IS NOT NULL
          OR next_action_secret IS NOT NULL
          OR EXISTS (
            SELECT FROM refunds WHERE payment_id = payments.id AND refunds.status <> 'pending' AND reason IS NOT NULL
          )
          OR EXISTS (
            SELECT FROM discrepancies
            WHERE payment_id = payments.id AND closed_at IS NOT NULL AND note <> ${ANONYMISED}
          )
        )
        ORDER BY id LIMIT ${limit}::integer FOR NO KEY UPDATE
      ), cleared_refunds AS (
        UPDATE refunds SET reason = NULL FROM theirs
        WHERE payment_id = theirs.id AND status <> 'pending' AND reason IS NOT NULL
      ), cleared_discrepancies AS (
        UPDATE discrepancies SET note = ${ANONYMISED} FROM theirs
        WHERE payment_id = theirs.id AND closed_at IS NOT NULL
      )
      UPDATE payments
      SET description = NULL, next_action_type = NULL, next_action_url = NULL, next_action_secret = NULL,
          version = version + 1
      FROM theirs WHERE payments.id = theirs.id`);
    return cleared === limit;
  }
}
