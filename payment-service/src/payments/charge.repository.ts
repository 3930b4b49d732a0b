import { Conflict } from '@shop/common/errors';
import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import type { PayableOrder } from './payable-order.js';
import type { Payment } from './payment.js';
import { paymentColumns } from './payment.repository.js';

/** A payment whose charge has no known outcome, and what decides how long it may take. */
export type DueCharge = Payment & Pick<PayableOrder, 'payableUntil'> & { readonly orderStatus: PayableOrder['status'] };

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
  }): Promise<readonly DueCharge[]> {
    // As a subquery of the UPDATE it could run more than once, and take more than the limit.
    return this.#database.$queryRaw<DueCharge[]>`
      WITH due AS MATERIALIZED (
        SELECT id AS due_id FROM payments
        WHERE status = 'processing' AND updated_at <= ${sentBefore}
          AND coalesce(next_check_at, updated_at) <= ${now}
        ORDER BY coalesce(next_check_at, updated_at) LIMIT ${limit} FOR UPDATE SKIP LOCKED
      )
      UPDATE payments SET next_check_at = ${leaseUntil}
      FROM due, (
        SELECT id AS known_id, status AS order_status, payable_until FROM payable_orders
      ) AS orders
      WHERE id = due_id AND order_id = known_id
      RETURNING ${paymentColumns}, order_status AS "orderStatus", payable_until AS "payableUntil"`;
  }

  /**
   * Keeps the provider's name for a charge that is being processed. Throws Conflict where another one is kept, or the
   * charge has its outcome.
   */
  async storeReference({ id, version }: Payment, providerReference: string): Promise<void> {
    const stored = await this.#database.$write(Prisma.sql`
      UPDATE payments SET provider_reference = ${providerReference}
      WHERE id = ${id}::uuid AND status = 'processing' AND version = ${version}::integer
        AND (provider_reference IS NULL OR provider_reference = ${providerReference})
      RETURNING id`);
    if (stored.length === 0) throw new Conflict('Payment was changed at the same time');
  }

  /** Says when a payment that is still being processed is to be looked after again. */
  async postpone(id: string, nextCheckAt: Date): Promise<void> {
    await this.#database.payment.updateMany({ where: { id, status: 'processing' }, data: { nextCheckAt } });
  }
}
