import type { Database } from '../database.js';
import type { Payment } from './payment.js';
import { paymentColumns } from './payment.repository.js';

/** Payments whose charge has no known outcome. */
export class ChargeRepository {
  readonly #database: Database;

  constructor({ database }: { database: Database }) {
    this.#database = database;
  }

  /**
   * Takes up to `limit` payments that are being processed since before `sentBefore` and are due to be looked after, which
   * nobody else does before `leaseUntil`.
   */
  async takeDue({
    now,
    sentBefore,
    leaseUntil,
    limit,
  }: {
    now: Date;
    sentBefore: Date;
    leaseUntil: Date;
    limit: number;
  }): Promise<readonly Payment[]> {
    // As a subquery of the UPDATE it could run more than once, and take more than the limit.
    return this.#database.$queryRaw<Payment[]>`
      WITH due AS MATERIALIZED (
        SELECT id AS due_id FROM payments
        WHERE status = 'processing' AND updated_at <= ${sentBefore}
          AND (next_check_at IS NULL OR next_check_at <= ${now})
        ORDER BY updated_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
      )
      UPDATE payments SET next_check_at = ${leaseUntil} FROM due WHERE id = due_id
      RETURNING ${paymentColumns}`;
  }

  /** Says when a payment that is still being processed is to be looked after again. */
  async postpone(id: string, nextCheckAt: Date): Promise<void> {
    await this.#database.payment.updateMany({ where: { id, status: 'processing' }, data: { nextCheckAt } });
  }
}
