import { Prisma } from '../generated/prisma/client.js';
import type { PayableOrder } from './payable-order.js';
import type { Payment } from './payment.js';

const { sql } = Prisma;

/** Locks an order, unless something that decisions go by has changed since it was read. */
export const lockUnchanged = ({ id, status, expiredAt }: PayableOrder): Prisma.Sql => sql`
  SELECT FROM payable_orders
  WHERE id = ${id}::uuid AND status = ${status}::order_status AND expired_at IS NOT DISTINCT FROM ${expiredAt}::timestamptz
  FOR UPDATE`;

export const insertOrder = (order: PayableOrder): Prisma.Sql => sql`
  INSERT INTO payable_orders (id, user_id, amount, currency, currency_decimals, status, payable_until, expired_at)
  VALUES (${order.id}::uuid, ${order.userId}::uuid, ${order.amount}::bigint, ${order.currency},
          ${order.currencyDecimals}::smallint, ${order.status}::order_status, ${order.payableUntil}::timestamptz,
          ${order.expiredAt}::timestamptz)
  ON CONFLICT DO NOTHING RETURNING id`;

/** Up to its FROM. */
export const insertPayment = (payment: Payment): Prisma.Sql => sql`
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

/** Up to what else has to hold. */
export const updatePayment = (payment: Payment): Prisma.Sql => sql`
  UPDATE payments
  SET refunded_amount = ${payment.refundedAmount}::bigint, refund_reserved = ${payment.refundReserved}::bigint,
      status = ${payment.status}::payment_status, method = ${payment.method}::payment_method,
      transaction_id = ${payment.transactionId}, provider = ${payment.provider},
      provider_reference = ${payment.providerReference}, next_action_type = ${payment.nextActionType},
      next_action_url = ${payment.nextActionUrl}, next_action_secret = ${payment.nextActionSecret},
      description = ${payment.description}, failure_reason = ${payment.failureReason},
      paid_at = ${payment.paidAt}::timestamptz, version = ${payment.version}::integer,
      updated_at = ${payment.updatedAt}::timestamptz
  WHERE id = ${payment.id}::uuid`;
