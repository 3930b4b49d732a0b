import type { EventDraft, NextAction, PaymentResource, PaymentStatus, RefundResource } from '@shop/common/contracts';
import { toMajorUnits } from '@shop/common/money';
import type { Payment } from './payment.js';
import type { Refund } from './refund.js';

/** A payment as the world sees it. */
export const toPaymentResource = (payment: Payment): PaymentResource => ({
  id: payment.id,
  orderId: payment.orderId,
  userId: payment.userId,
  amount: toMajorUnits(payment.amount, payment.currencyDecimals),
  refundedAmount: toMajorUnits(payment.refundedAmount, payment.currencyDecimals),
  currency: payment.currency,
  status: payment.status,
  method: payment.method,
  transactionId: payment.transactionId,
  provider: payment.provider,
  nextAction: toNextAction(payment),
  description: payment.description,
  failureReason: payment.failureReason,
  paidAt: payment.paidAt?.toISOString() ?? null,
  createdAt: payment.createdAt.toISOString(),
  updatedAt: payment.updatedAt.toISOString(),
});

function toNextAction({ nextActionType: type, nextActionUrl: url, nextActionSecret }: Payment): NextAction | null {
  if (type === null) return null;
  return { type, ...(url !== null && { url }), ...(nextActionSecret !== null && { clientSecret: nextActionSecret }) };
}

/** A refund as the world sees it, in its payment's currency. */
export const toRefundResource = (refund: Refund): RefundResource => ({
  id: refund.id,
  amount: toMajorUnits(refund.amount, refund.currencyDecimals),
  status: refund.status,
  reason: refund.reason,
  createdAt: refund.createdAt.toISOString(),
});

/** Which event tells that a payment has reached a status. */
const eventTypes = {
  pending: 'payment.created',
  processing: 'payment.processing',
  success: 'payment.success',
  failed: 'payment.failed',
  cancelled: 'payment.cancelled',
  partially_refunded: 'payment.refunded',
  refunded: 'payment.refunded',
} as const satisfies Record<PaymentStatus, EventDraft['type']>;

/** The event that nobody has paid the order of a payment in time. */
export const paymentExpired = (payment: Payment, previousStatus: PaymentStatus): EventDraft => ({
  type: 'payment.expired',
  subject: payment.id,
  sequence: payment.version,
  data: { ...toPaymentResource(payment), previousStatus, reason: 'expired' },
});

/** The event that describes a payment's status; `previousStatus` is null for a new payment. */
export const paymentEvent = (
  payment: Payment,
  { previousStatus, reason = null }: { previousStatus: PaymentStatus | null; reason?: string | null },
): EventDraft => ({
  type: eventTypes[payment.status],
  subject: payment.id,
  sequence: payment.version,
  data: { ...toPaymentResource(payment), previousStatus, reason },
});
