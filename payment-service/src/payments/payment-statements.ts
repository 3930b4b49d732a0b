import type { InboundEvent } from '@shop/common/database';
import { Prisma } from '../generated/prisma/client.js';
import type { PayableOrder } from './payable-order.js';
import type { Payment } from './payment.js';

const { sql } = Prisma;

/** Locks an order, unless something that decisions go by has changed since it was read. */
export const lockUnchanged = ({ id, status, expiredAt }: PayableOrder): Prisma.Sql => sql`
  SELECT FROM payable_orders
  WHERE id = ${id}::uuid AND status = ${status}::order_status AND expired_at IS NOT DISTINCT FROM ${expiredAt}::timestamptz
  FOR UPDATE`;

/** Orders, and the event that describes each, as the CTE `causes` of causesClauses. */
export const causesOf = (orders: readonly { order: PayableOrder; cause: InboundEvent }[]): Prisma.Sql => {
  const rows = orders.map(({ order, cause }) => ({ ...order, amount: order.amount.toString(), ...cause }));
  return sql`
    causes AS (
      SELECT * FROM json_to_recordset(${JSON.stringify(rows)}::json) AS cause (
        id uuid, "userId" uuid, amount bigint, currency text, "currencyDecimals" smallint, status order_status,
        "payableUntil" timestamptz, "expiredAt" timestamptz, "eventId" uuid, type text, aggregate text, sequence integer
      )
    )`;
};

/** Those that aren't known yet. */
export const insertOrders = sql`
  INSERT INTO payable_orders (id, user_id, amount, currency, currency_decimals, status, payable_until, expired_at)
  SELECT id, "userId", amount, currency, "currencyDecimals", status, "payableUntil", "expiredAt" FROM causes
  ON CONFLICT DO NOTHING RETURNING id`;

/** Up to what has to hold of `payment."orderId"`. */
export const insertPayments = (payments: readonly Payment[]): Prisma.Sql => {
  const rows = payments.map((payment) => ({
    ...payment,
    amount: payment.amount.toString(),
    refundedAmount: payment.refundedAmount.toString(),
    refundReserved: payment.refundReserved.toString(),
  }));
  return sql`
    INSERT INTO payments (id, order_id, user_id, amount, refunded_amount, refund_reserved, currency, currency_decimals,
                          status, method, transaction_id, provider, provider_reference, next_action_type, next_action_url,
                          next_action_secret, description, failure_reason, paid_at, version, created_at, updated_at)
    SELECT * FROM json_to_recordset(${JSON.stringify(rows)}::json) AS payment (
      id uuid, "orderId" uuid, "userId" uuid, amount bigint, "refundedAmount" bigint, "refundReserved" bigint,
      currency text, "currencyDecimals" smallint, status payment_status, method payment_method, "transactionId" text,
      provider text, "providerReference" text, "nextActionType" text, "nextActionUrl" text, "nextActionSecret" text,
      description text, "failureReason" text, "paidAt" timestamptz, version integer, "createdAt" timestamptz,
      "updatedAt" timestamptz
    )`;
};

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
