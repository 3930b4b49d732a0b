import type { AtomicStore, Cause, SaveOptions, SaveResult, TransactionOf } from '@shop/common/database';
import { Conflict } from '@shop/common/errors';
import type { AttemptNote } from '@shop/common/http';
import type { Database } from '../database.js';
import type { Decision, OrderAccount } from './order-account.js';
import type { PayableOrder } from './payable-order.js';
import { latestFirst, paymentColumns } from './payment.repository.js';
import type { Payment } from './payment.js';
import type { Refund } from './refund.js';

type Transaction = TransactionOf<Database>;
/** What is to be written about the request that a decision is part of. */
type NoteOf<D extends Decision> = (decision: D) => AttemptNote | undefined;

/** Changes of an order's account: decided and written under its locks, the order's first, then the payment's. */
export class OrderAccountRepository {
  readonly #store: AtomicStore<Database>;

  constructor({ store }: { store: AtomicStore<Database> }) {
    this.#store = store;
  }

  /** Writes what `decide` says of an order's account, with all that tells of it; what it throws undoes all. */
  async change<D extends Decision>(
    orderId: string,
    decide: (account: OrderAccount) => D,
    note?: NoteOf<D>,
  ): Promise<D> {
    const result = await this.#save(
      async (transaction) => {
        const account = await lock(transaction, orderId);
        return { account, decision: decide(account) };
      },
      { note },
    );
    return valueOf(result);
  }

  /** As `change`, of the account that a refund belongs to. */
  async changeRefund(
    { id, paymentId }: Pick<Refund, 'id' | 'paymentId'>,
    decide: (account: OrderAccount, refund: Refund) => Decision,
    note?: NoteOf<Decision>,
  ): Promise<Decision> {
    const result = await this.#save(
      async (transaction) => {
        const { orderId } = await transaction.payment.findUniqueOrThrow({
          where: { id: paymentId },
          select: { orderId: true },
        });
        const account = await lock(transaction, orderId);
        const refund = await transaction.refund.findUniqueOrThrow({ where: { id } });
        return { account, decision: decide(account, refund) };
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
    cause: Cause,
    decide: (account: OrderAccount) => Decision,
  ): Promise<Decision | undefined> {
    const result = await this.#save(
      async (transaction) => {
        await transaction.payableOrder.createMany({ data: [order], skipDuplicates: true });
        const account = await lock(transaction, order.id);
        return { account, decision: decide(account) };
      },
      { cause },
    );
    return result.outcome === 'saved' ? result.value : undefined;
  }

  async #save<D extends Decision>(
    work: (transaction: Transaction) => Promise<{ account: OrderAccount; decision: D }>,
    { note, ...options }: SaveOptions & { note?: NoteOf<D> | undefined },
  ): Promise<SaveResult<D>> {
    return this.#store.save(async (transaction) => {
      const { account, decision } = await work(transaction);
      await write(transaction, account, decision);
      return { value: decision, events: decision.events ?? [], audit: decision.audit, note: note?.(decision) };
    }, options);
  }
}

function valueOf<D>(result: SaveResult<D>): D {
  if (result.outcome !== 'saved') throw new Error('a change without a cause was taken for a repeated one');
  return result.value;
}

async function lock(transaction: Transaction, orderId: string): Promise<OrderAccount> {
  const [order] = await transaction.$queryRaw<PayableOrder[]>`
    SELECT id, user_id AS "userId", amount, currency, currency_decimals AS "currencyDecimals", status, payable_until AS "payableUntil"
    FROM payable_orders WHERE id = ${orderId}::uuid FOR UPDATE`;
  if (order === undefined) throw new Error(`order ${orderId} is not known`);
  const [payment] = await transaction.$queryRaw<Payment[]>`
    SELECT ${paymentColumns} FROM payments WHERE order_id = ${orderId}::uuid
    ORDER BY ${latestFirst} LIMIT 1 FOR UPDATE`;
  return { order, payment };
}

async function write(transaction: Transaction, account: OrderAccount, decision: Decision): Promise<void> {
  const { order, openedPayment, payment, openedRefund, settledRefund } = decision;
  if (order && order.status !== account.order.status) {
    await transaction.payableOrder.update({ where: { id: order.id }, data: { status: order.status } });
  }
  if (openedPayment) await transaction.payment.create({ data: openedPayment, select: { id: true } });
  if (payment) await update(transaction, account, payment);
  if (settledRefund) {
    const { id, status, transactionId, failureReason, updatedAt } = settledRefund;
    const { count } = await transaction.refund.updateMany({
      where: { id, status: 'pending' },
      data: { status, transactionId, failureReason, updatedAt },
    });
    if (count !== 1) throw new Conflict('Refund was settled at the same time');
  }
  if (openedRefund) await transaction.refund.create({ data: openedRefund, select: { id: true } });
}

async function update(transaction: Transaction, account: OrderAccount, payment: Payment): Promise<void> {
  const { id, orderId: _orderId, userId: _userId, createdAt: _createdAt, ...data } = payment;
  const before = account.payment?.version ?? 0;
  const { count } = await transaction.payment.updateMany({ where: { id, version: before }, data });
  if (count !== 1) throw new Conflict('Payment was changed at the same time');
}
