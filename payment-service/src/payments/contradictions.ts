import type { DiscrepancyKind } from '@shop/common/contracts';
import { toMajorUnits } from '@shop/common/money';
import type { DiscrepancyDraft } from '../discrepancies/discrepancy.js';
import type { Money } from '../providers/payment-provider.js';
import type { Payment } from './payment.js';
import type { Refund } from './refund.js';

const about = ({ id: paymentId, orderId, provider }: Payment) => ({ provider, orderId, paymentId });

/** A provider says of a payment what our books deny. `asked`: that provider, where the payment has none any more. */
export const paymentContradicted = (
  kind: DiscrepancyKind,
  payment: Payment,
  asked: string | null,
): DiscrepancyDraft => ({
  kind,
  ...about(payment),
  provider: payment.provider ?? asked,
  details: {
    status: payment.status,
    amount: toMajorUnits(payment.amount, payment.currencyDecimals),
    currency: payment.currency,
  },
});

/** Likewise of a refund. */
export const refundContradicted = (
  kind: DiscrepancyKind,
  { refund, payment }: { refund: Refund; payment: Payment },
  details: { reason?: string } = {},
): DiscrepancyDraft => ({
  kind,
  ...about(payment),
  refundId: refund.id,
  details: { amount: toMajorUnits(refund.amount, refund.currencyDecimals), currency: payment.currency, ...details },
});

/** Another amount moved than the payment, or its refund, is of. In minor units, since they may be of two currencies. */
export const amountDiffers = (payment: Payment, moved: Money, refund?: Refund): DiscrepancyDraft => ({
  kind: 'amount_differs',
  ...about(payment),
  refundId: refund?.id ?? null,
  details: {
    minorUnits: (refund ?? payment).amount.toString(),
    currency: payment.currency,
    movedMinorUnits: moved.amount.toString(),
    movedCurrency: moved.currency,
  },
});

export const isSameMoney = (one: Money, other: Money): boolean =>
  one.amount === other.amount && one.currency === other.currency;
