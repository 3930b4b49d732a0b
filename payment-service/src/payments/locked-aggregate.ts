// An order's aggregate under its locks: the order's first, then the payment's.
import type { TransactionOf } from '@shop/common/database';
import { Conflict } from '@shop/common/errors';
import type { Database } from '../database.js';
import { recordDiscrepancies } from '../discrepancies/record-discrepancies.js';
import type { PayableOrder } from './payable-order.js';
import type { Decision, PaymentAggregate } from './payment-aggregate.js';
import { changePayment } from './payment-statements.js';
import type { Payment } from './payment.js';
import { latestFirst, payableOrderColumns, paymentColumns } from './payment.repository.js';

export type Transaction = TransactionOf<Database>;

/** An aggregate and the database's time, both as of the lock, or as they were read. */
export interface TimedAggregate extends PaymentAggregate {
  readonly now: Date;
}

/** Throws where the order is not known. */
export async function lock(transaction: Transaction, orderId: string): Promise<TimedAggregate> {
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

/** Throws Conflict where a payment or refund is not as it was read. */
export async function write(transaction: Transaction, aggregate: TimedAggregate, decision: Decision): Promise<void> {
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
const isOpenAgain = ({ order, payment: before, now }: TimedAggregate, payment: Payment): boolean =>
  mayBeOpenAgain(before, payment) && now >= order.payableUntil;

/** Whether an order that was being paid may be paid in another way now. */
export const mayBeOpenAgain = (before: Payment | undefined, { status }: Payment): boolean =>
  before?.status === 'processing' && (status === 'pending' || status === 'failed');

async function update(transaction: Transaction, aggregate: PaymentAggregate, payment: Payment): Promise<void> {
  const before = aggregate.payment?.version ?? 0;
  const changed = await transaction.$executeRaw(changePayment(payment, before));
  if (changed !== 1) throw new Conflict('Payment was changed at the same time');
}
