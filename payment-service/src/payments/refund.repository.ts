import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import type { Payment } from './payment.js';
import type { Refund } from './refund.js';

/** A refund that the provider is to be asked for, and the payment that it gives back. */
export interface DueRefund {
  refund: Refund;
  payment: Payment;
}

export class RefundRepository {
  readonly #database: Database;

  constructor({ database }: { database: Database }) {
    this.#database = database;
  }

  async find(id: string): Promise<Refund | undefined> {
    return (await this.#database.refund.findFirst({ where: { id } })) ?? undefined;
  }

  /** A payment's refunds, newest first. */
  async findOfPayment(paymentId: string): Promise<readonly Refund[]> {
    return this.#database.refund.findMany({ where: { paymentId }, orderBy: [{ createdAt: 'desc' }, { id: 'desc' }] });
  }

  /** Takes up to `limit` refunds that are due, for which nobody else asks for `lease` milliseconds. */
  async takeDue({ lease, limit }: { lease: number; limit: number }): Promise<readonly DueRefund[]> {
    // As a subquery of the UPDATE it could run more than once, and take more than the limit. An index is searched for a
    // time that stands still for the statement; clock_timestamp() would be compared row by row.
    const taken = await this.#database.$queryRaw<{ id: string }[]>`
      WITH due AS MATERIALIZED (
        SELECT id FROM refunds WHERE status = 'pending' AND next_attempt_at <= statement_timestamp()
        ORDER BY next_attempt_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
      )
      UPDATE refunds SET attempts = attempts + 1, next_attempt_at = ${inMilliseconds(lease)}
      FROM due WHERE refunds.id = due.id
      RETURNING refunds.id`;
    if (taken.length === 0) return [];
    const refunds = await this.#database.refund.findMany({
      where: { id: { in: taken.map(({ id }) => id) } },
      include: { payment: true },
    });
    return refunds.map(({ payment, ...refund }) => ({ refund, payment }));
  }

  /** How many are pending although `attempts` tries or more failed. */
  async countFailing(attempts: number): Promise<number> {
    return this.#database.refund.count({
      where: { status: 'pending', OR: [{ attempts: { gt: attempts } }, { repeats: { gte: attempts } }] },
    });
  }

  /** The provider has taken a refund on and isn't done: no try has failed, and it is asked again after the pause. */
  async awaitProvider(id: string, pause: number): Promise<void> {
    await this.#database.$executeRaw`
      UPDATE refunds SET next_attempt_at = ${inMilliseconds(pause)}, attempts = 0
      WHERE id = ${id}::uuid AND status = 'pending'`;
  }

  /** The provider is to be asked again in so many milliseconds for a refund that is still pending. */
  async postpone(id: string, pause: number): Promise<void> {
    await this.#database.$executeRaw`
      UPDATE refunds SET next_attempt_at = ${inMilliseconds(pause)} WHERE id = ${id}::uuid AND status = 'pending'`;
  }
}

/** So many milliseconds from now, by the database's clock. */
const inMilliseconds = (milliseconds: number) =>
  Prisma.sql`clock_timestamp() + ${Math.round(milliseconds)}::integer * interval '1 millisecond'`;
