import type { AtomicStore, TransactionOf } from '@shop/common/database';
import type { EventDraft } from '@shop/common/contracts';
import { Conflict } from '@shop/common/errors';
import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import type { PaymentAggregate } from './payment-aggregate.js';
import type { Expiry } from './order-expiry.js';
import type { PayableOrder } from './payable-order.js';
import type { Payment } from './payment.js';
import { latestFirst, payableOrderColumns, paymentColumns } from './payment.repository.js';

const { sql } = Prisma;

/** Orders whose time to be paid is over, many at a time, each under its lock. */
export class OrderExpiryRepository {
  readonly #store: AtomicStore<Database>;

  constructor({ store }: { store: AtomicStore<Database> }) {
    this.#store = store;
  }

  /**
   * Writes what `decide` says of up to `limit` orders that are due and that nobody else has locked, the earliest first:
   * `now` is the database's clock under their locks. Answers how many they were.
   */
  async decideDue(limit: number, decide: (aggregate: PaymentAggregate, now: Date) => Expiry): Promise<number> {
    const result = await this.#store.save(async (transaction) => {
      const { aggregates, now } = await lockDue(transaction, limit);
      const expiries = aggregates.map((aggregate) => ({ aggregate, expiry: decide(aggregate, now) }));
      if (expiries.length > 0) await write(transaction, expiries);
      const events: EventDraft[] = expiries.flatMap(({ expiry }) => [...(expiry.events ?? [])]);
      return { value: aggregates.length, events };
    });
    return result.outcome === 'saved' ? result.value : 0;
  }
}

async function lockDue(
  transaction: TransactionOf<Database>,
  limit: number,
): Promise<{ aggregates: PaymentAggregate[]; now: Date }> {
  // An index is searched for a time that stands still for the statement; clock_timestamp() would be compared row by row.
  const rows = await transaction.$queryRaw<(PayableOrder & { now: Date })[]>(sql`
    SELECT ${payableOrderColumns}, clock_timestamp() AS now FROM payable_orders
    WHERE expires_at <= statement_timestamp() ORDER BY expires_at LIMIT ${limit}::integer FOR UPDATE SKIP LOCKED`);
  const [first] = rows;
  if (first === undefined) return { aggregates: [], now: new Date(0) };
  // A statement of its own, so that it sees what was committed until the locks were there.
  const payments = await transaction.$queryRaw<Payment[]>(sql`
    SELECT ${paymentColumns} FROM unnest(${rows.map(({ id }) => id)}::uuid[]) AS due (due_id)
    CROSS JOIN LATERAL (
      SELECT * FROM payments WHERE order_id = due_id ORDER BY ${latestFirst} LIMIT 1 FOR UPDATE
    ) AS latest`);
  const paymentOf = new Map(payments.map((payment) => [payment.orderId, payment]));
  const aggregates = rows.map(({ now: _, ...order }) => ({ order, payment: paymentOf.get(order.id) }));
  return { aggregates, now: first.now };
}

async function write(
  transaction: TransactionOf<Database>,
  expiries: readonly { aggregate: PaymentAggregate; expiry: Expiry }[],
): Promise<void> {
  const orders = expiries.map(({ aggregate, expiry }) => ({
    id: aggregate.order.id,
    expiredAt: expiry.order?.expiredAt,
    lookAgainAt: expiry.lookAgainAt,
  }));
  await transaction.$executeRaw(sql`
    UPDATE payable_orders SET expires_at = due."lookAgainAt", expired_at = coalesce(due."expiredAt", expired_at)
    FROM json_to_recordset(${JSON.stringify(orders)}::json) AS due (
      id uuid, "expiredAt" timestamptz, "lookAgainAt" timestamptz
    )
    WHERE payable_orders.id = due.id`);
  const payments = expiries.flatMap(({ expiry: { payment } }) => (payment ? [payment] : []));
  if (payments.length === 0) return;
  const rows = payments.map(({ id, status, provider, version, updatedAt }) => ({
    id,
    status,
    provider,
    version,
    updatedAt,
  }));
  const changed = await transaction.$executeRaw(sql`
    UPDATE payments
    SET status = due.status::payment_status, provider = due.provider, version = due.version, updated_at = due."updatedAt"
    FROM json_to_recordset(${JSON.stringify(rows)}::json) AS due (
      id uuid, status text, provider text, version integer, "updatedAt" timestamptz
    )
    WHERE payments.id = due.id AND payments.version = due.version - 1`);
  if (changed !== payments.length) throw new Conflict('A payment was changed at the same time');
}
