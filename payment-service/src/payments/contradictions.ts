import type { DiscrepancyKind } from '@shop/common/contracts';
import { contradiction, type BothSides } from '../discrepancies/contradiction.js';
import type { DiscrepancyDraft } from '../discrepancies/discrepancy.js';
import type { Payment } from './payment.js';
import type { Refund } from './refund.js';

const about = ({ id: paymentId, orderId, provider }: Payment) => ({ provider, orderId, paymentId });

/** A provider says of a payment what our ledger denies. */
export const paymentContradicted = (
  kind: DiscrepancyKind,
  payment: Payment,
  theirs: BothSides['theirs'],
): DiscrepancyDraft => contradiction(kind, about(payment), { ours: payment, theirs });

/** Likewise of a refund. */
export const refundContradicted = (
  kind: DiscrepancyKind,
  { refund, payment }: { refund: Refund; payment: Payment },
  theirs: BothSides['theirs'],
): DiscrepancyDraft =>
  contradiction(
    kind,
    { ...about(payment), refundId: refund.id },
    { ours: { ...refund, currency: payment.currency }, theirs },
  );
