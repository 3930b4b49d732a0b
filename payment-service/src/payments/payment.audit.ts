import type { AuditActor, AuditEntry } from '@shop/common/contracts';
import { toMajorUnits } from '@shop/common/money';
import { isReceivedByHand, type Payment } from './payment.js';
import type { Refund } from './refund.js';

const subjectOf = ({ id }: Payment) => ({ kind: 'payment', id }) as const;

/** Somebody has a payment charged; or an admin says that the money has come by hand. */
export const processedBy = (actor: AuditActor, payment: Payment): AuditEntry => ({
  action: isReceivedByHand(payment.method) ? 'payment.received' : 'charge.requested',
  actor,
  subject: subjectOf(payment),
  details: { method: payment.method, ...amountOf(payment.amount, payment) },
});

const refundActions = {
  pending: 'refund.requested',
  succeeded: 'refund.succeeded',
  failed: 'refund.failed',
} as const satisfies Record<Refund['status'], AuditEntry['action']>;

/**
 * A refund was asked for, or has ended. Only admins ask for one, or else the system, which also learns of its end, unless an
 * admin says it.
 */
export const refundEntry = (refund: Refund, payment: Payment, settledBy: AuditActor | null = null): AuditEntry => ({
  action: refundActions[refund.status],
  actor:
    refund.status === 'pending' && refund.requestedBy !== null ? { id: refund.requestedBy, role: 'admin' } : settledBy,
  subject: subjectOf(payment),
  details: { refundId: refund.id, ...amountOf(refund.amount, payment) },
});

const amountOf = (amount: bigint, { currency, currencyDecimals }: Payment) => ({
  amount: toMajorUnits(amount, currencyDecimals),
  currency,
});
