import {
  causeClauses,
  outboxInsert,
  type AtomicStore,
  type InboundEvent,
  type SaveOptions,
  type SaveResult,
  type TransactionOf,
} from '@shop/common/database';
import { Conflict } from '@shop/common/errors';
import type { LeaseNote } from '@shop/common/idempotency';
import type { Database } from '../database.js';
import { recordDiscrepancies } from '../discrepancies/record-discrepancies.js';
import { Prisma } from '../generated/prisma/client.js';
import type { Decision, PaymentAggregate } from './payment-aggregate.js';
import type { PayableOrder } from './payable-order.js';
import type { Payment } from './payment.js';
import { latestFirst, payableOrderColumns, paymentColumns } from './payment.repository.js';
import type { Refund } from './refund.js';

const { sql } = Prisma;
type Transaction = TransactionOf<Database>;
/** What is to be written about the request that a decision is part of. */
type NoteOf<D extends Decision> = (decision: D) => LeaseNote | undefined;

/** Changes of an order's aggregate: decided and written under its locks, the order's first, then the payment's. */
export class PaymentAggregateRepository {
  readonly #store: AtomicStore<Database>;
  readonly #clock: () => Promise<Date>;

  /** `clock`: the database's. */
  constructor({ store, clock }: { store: AtomicStore<Database>; clock: () => Promise<Date> }) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Writes what `decide` says of an order's aggregate, with all that describes it; what it throws undoes all. `now` is the
   * database's clock under the lock.
   */
  async change<D extends Decision>(
    orderId: string,
    decide: (aggregate: PaymentAggregate, now: Date) => D,
    note?: NoteOf<D>,
  ): Promise<D> {
    const result = await this.#save(
      async (transaction) => {
        const aggregate = await lock(transaction, orderId);
        return { aggregate, decision: decide(aggregate, aggregate.now) };
      },
      { note },
    );
    return valueOf(result);
  }

  /** As `change`, of the aggregate that a refund belongs to. */
  async changeRefund(
    { id, paymentId }: Pick<Refund, 'id' | 'paymentId'>,
    decide: (aggregate: PaymentAggregate, refund: Refund, now: Date) => Decision,
    note?: NoteOf<Decision>,
  ): Promise<Decision> {
    const result = await this.#save(
      async (transaction) => {
        const { orderId } = await transaction.payment.findUniqueOrThrow({
          where: { id: paymentId },
          select: { orderId: true },
        });
        const aggregate = await lock(transaction, orderId);
        const refund = await transaction.refund.findUniqueOrThrow({ where: { id } });
        return { aggregate, decision: decide(aggregate, refund, aggregate.now) };
      },
      { note },
    );
    return valueOf(result);
  }

  /**
   * As `change`, because of an event about an order, which is remembered where it isn't known. Answers undefined when
   * the event had its effect before, or a later one of the order had.
   */
  async follow(
    order: PayableOrder,
    cause: InboundEvent,
    decide: (aggregate: PaymentAggregate, now: Date) => Decision,
  ): Promise<Decision | undefined> {
    const first = cause.sequence === 1 ? await this.#openFirst(order, cause, decide) : undefined;
    if (first !== undefined) return first;
    const result = await this.#save(
      async (transaction) => {
        await transaction.payableOrder.createMany({ data: [order], skipDuplicates: true });
        const aggregate = await lock(transaction, order.id);
        return { aggregate, decision: decide(aggregate, aggregate.now) };
      },
      { cause },
    );
    return result.outcome === 'saved' ? result.value : undefined;
  }

  /**
   * The first payment of an order that nobody knew, which needs no lock: one statement instead of a transaction, since this
   * is what happens to nearly every order. undefined, and nothing is done, where the order is known or gets no payment.
   */
  async #openFirst(
    order: PayableOrder,
    cause: InboundEvent,
    decide: (aggregate: PaymentAggregate, now: Date) => Decision,
  ): Promise<Decision | undefined> {
    const decision = decide({ order, payment: undefined, payments: 0 }, await this.#clock());
    const { openedPayment, events = [] } = decision;
    if (openedPayment === undefined) return undefined;
    const { noted, isNew, verdict } = causeClauses(cause, insertOrder(order));
    const isFirst = await this.#store.saveEffect(
      sql`
        WITH ${noted} saved AS (${insertPayment(openedPayment)} FROM held WHERE ${isNew} RETURNING id),
             published AS (${outboxInsert(events, { onlyIf: sql`SELECT FROM saved` })})
        ${verdict}`,
      { cause },
    );
    return isFirst ? decision : undefined;
  }

  async #save<D extends Decision>(
    work: (transaction: Transaction) => Promise<{ aggregate: LockedAggregate; decision: D }>,
    { note, ...options }: SaveOptions & { note?: NoteOf<D> | undefined },
  ): Promise<SaveResult<D>> {
    return this.#store.save(async (transaction) => {
      const { aggregate, decision } = await work(transaction);
      await write(transaction, aggregate, decision);
      return { value: decision, events: decision.events ?? [], audit: decision.audit, note: note?.(decision) };
    }, options);
  }
}

function valueOf<D>(result: SaveResult<D>): D {
  if (result.outcome !== 'saved') throw new Error('a change without a cause was taken for a repeated one');
  return result.value;
}

const insertOrder = (order: PayableOrder): Prisma.Sql => sql`
  INSERT INTO payable_orders (id, user_id, amount, currency, currency_decimals, status, payable_until, expired_at)
  VALUES (${order.id}::uuid, ${order.userId}::uuid, ${order.amount}::bigint, ${order.currency},
          ${order.currencyDecimals}::smallint, ${order.status}::order_status, ${order.payableUntil}::timestamptz,
          ${order.expiredAt}::timestamptz)
  ON CONFLICT DO NOTHING RETURNING id`;

/** Up to its FROM. */
const insertPayment = (payment: Payment): Prisma.Sql => sql`
  INSERT INTO payments (id, order_id, user_id, amount, refunded_amount, refund_reserved, currency, currency_decimals, status,
                        method, transaction_id, provider, provider_reference, next_action_type, next_action_url,
                        next_action_secret, description, failure_reason, paid_at, version, created_at, updated_at)
  SELECT ${payment.id}::uuid, ${payment.orderId}::uuid, ${payment.userId}::uuid, ${payment.amount}::bigint,
         ${payment.refundedAmount}::bigint, ${payment.refundReserved}::bigint, ${payment.currency},
         ${payment.currencyDecimals}::smallint, ${payment.status}::payment_status, ${payment.method}::payment_method,
         ${payment.transactionId}, ${payment.provider}, ${payment.providerReference}, ${payment.nextActionType},
         ${payment.nextActionUrl}, ${payment.nextActionSecret}, ${payment.description}, ${payment.failureReason},
         ${payment.paidAt}::timestamptz, ${payment.version}::integer, ${payment.createdAt}::timestamptz,
         ${payment.updatedAt}::timestamptz`;

/** An aggregate and the database's time, both as of the lock. */
interface LockedAggregate extends PaymentAggregate {
  readonly now: Date;
}

async function lock(transaction: Transaction, orderId: string): Promise<LockedAggregate> {
  const [row] = await transaction.$queryRaw<(PayableOrder & { now: Date; payments: number })[]>`
    SELECT ${payableOrderColumns}, clock_timestamp() AS now,
           (SELECT count(*)::integer FROM payments WHERE order_id = payable_orders.id) AS payments
    FROM payable_orders WHERE id = ${orderId}::uuid FOR UPDATE`;
  if (row === undefined) throw new Error(`order ${orderId} is not known`);
  const { now, payments, ...order } = row;
  const [payment] = await transaction.$queryRaw<Payment[]>`
    SELECT ${paymentColumns} FROM payments WHERE order_id = ${orderId}::uuid
    ORDER BY ${latestFirst} LIMIT 1 FOR UPDATE`;
  return { order, payment, payments, now };
}

async function write(transaction: Transaction, aggregate: LockedAggregate, decision: Decision): Promise<void> {
  const { order, openedPayment, payment, openedRefund, settledRefund, discrepancies } = decision;
  if (order && order.status !== aggregate.order.status) {
    await transaction.payableOrder.update({ where: { id: order.id }, data: { status: order.status } });
  }
  if (openedPayment) await transaction.payment.create({ data: openedPayment, select: { id: true } });
  if (payment) await update(transaction, aggregate, payment);
  if (payment && isOpenAgain(aggregate, payment)) {
    await transaction.$executeRaw`
      UPDATE payable_orders SET expires_at = payable_until
      WHERE id = ${payment.orderId}::uuid AND status = 'pending' AND expired_at IS NULL`;
  }
  if (settledRefund) {
    const { id, status, transactionId, failureReason, updatedAt } = settledRefund;
    const { count } = await transaction.refund.updateMany({
      where: { id, status: 'pending' },
      data: { status, transactionId, failureReason, updatedAt },
    });
    if (count !== 1) throw new Conflict('Refund was settled at the same time');
  }
  if (discrepancies) await transaction.$executeRaw(recordDiscrepancies(discrepancies));
  if (openedRefund) await transaction.refund.create({ data: openedRefund, select: { id: true } });
}

/** Whether an order that was being paid across its deadline isn't any more: it is to be looked at now. */
const isOpenAgain = ({ order, payment: before, now }: LockedAggregate, { status }: Payment): boolean =>
  before?.status === 'processing' && (status === 'pending' || status === 'failed') && now >= order.payableUntil;

async function update(transaction: Transaction, aggregate: PaymentAggregate, payment: Payment): Promise<void> {
  const { id, orderId: _orderId, userId: _userId, createdAt: _createdAt, ...data } = payment;
  const before = aggregate.payment?.version ?? 0;
  const { count } = await transaction.payment.updateMany({ where: { id, version: before }, data });
  if (count !== 1) throw new Conflict('Payment was changed at the same time');
}
