import type { NextAction, PaymentResource, RefundResource } from '@shop/common/contracts';
import { jsonAmount, jsonArray, jsonObject, jsonTime, type Expressions } from '@shop/common/database';
import { Prisma } from '../generated/prisma/client.js';

const nextAction: Expressions<NextAction> = {
  type: 'next_action_type',
  url: 'next_action_url',
  clientSecret: 'next_action_secret',
};

/** What toPaymentResource makes of a row. */
const payment: Expressions<Omit<PaymentResource, 'refunds'>> = {
  id: 'id',
  orderId: 'order_id',
  userId: 'user_id',
  amount: jsonAmount('amount', 'currency_decimals'),
  refundedAmount: jsonAmount('refunded_amount', 'currency_decimals'),
  currency: 'currency',
  status: 'status',
  method: 'method',
  transactionId: 'transaction_id',
  provider: 'provider',
  nextAction: `CASE WHEN next_action_type IS NOT NULL THEN json_strip_nulls(${jsonObject(nextAction)}) END`,
  description: 'description',
  failureReason: 'failure_reason',
  paidAt: jsonTime('paid_at'),
  createdAt: jsonTime('created_at'),
  updatedAt: jsonTime('updated_at'),
};

/** What toRefundResource makes of a row. */
const refund: Expressions<RefundResource> = {
  id: 'id',
  amount: jsonAmount('amount', 'currency_decimals'),
  status: 'status',
  reason: 'reason',
  createdAt: jsonTime('created_at'),
};

export const paymentJson = Prisma.raw(jsonObject(payment));

/** With its refunds, newest first. */
export const detailedPaymentJson = Prisma.raw(
  jsonObject({
    ...payment,
    refunds: jsonArray(refund, {
      from: 'refunds WHERE payment_id = payments.id',
      orderBy: 'created_at DESC, id DESC',
    }),
  }),
);
