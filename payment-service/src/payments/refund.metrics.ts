import type { Metrics } from '@shop/common/metrics';
import { toMajorUnits } from '@shop/common/money';
import type { Payment } from './payment.js';
import type { Refund } from './refund.js';

const outcomes = ['succeeded', 'failed'] as const;

export interface RefundMetrics {
  /** A refund came to its end. */
  settled(refund: Refund, payment: Pick<Payment, 'currency'>): void;
  /** How many are still pending although they were tried often. */
  failing(count: number): void;
}

export function createRefundMetrics(metrics: Metrics): RefundMetrics {
  const refunds = metrics.counter('refunds_settled_total', 'Refunds that succeeded or failed', ['outcome']);
  // An increase is seen only from a metric that was there before.
  for (const outcome of outcomes) refunds.inc({ outcome }, 0);
  const amount = metrics.counter('refunds_paid_amount_total', 'What was given back, in major units of its currency', [
    'currency',
  ]);
  const failing = metrics.gauge('refunds_failing', 'Refunds that wait for their next try after several failed');
  return {
    settled(refund, { currency }) {
      refunds.inc({ outcome: refund.status });
      if (refund.status === 'succeeded') amount.inc({ currency }, toMajorUnits(refund.amount, refund.currencyDecimals));
    },
    failing: (count) => failing.set(count),
  };
}
