import type { Metrics } from '@shop/common/metrics';
import { toMajorUnits } from '@shop/common/money';
import { Counter, Gauge } from 'prom-client';
import type { Payment } from './payment.js';
import type { Refund } from './refund.js';

const outcomes = ['succeeded', 'failed'] as const;

export interface RefundMetrics {
  /** A refund came to its end. */
  settled(refund: Refund, payment: Pick<Payment, 'currency'>): void;
  /** How many are still pending although they were tried often. */
  failing(count: number): void;
}

export function createRefundMetrics({ registry }: Metrics): RefundMetrics {
  const refunds = new Counter({
    name: 'refunds_settled_total',
    help: 'Refunds that succeeded or failed',
    labelNames: ['outcome'],
    registers: [registry],
  });
  // An increase is seen only from a metric that was there before.
  for (const outcome of outcomes) refunds.inc({ outcome }, 0);
  const amount = new Counter({
    name: 'refunds_paid_amount_total',
    help: 'What was given back, in major units of its currency',
    labelNames: ['currency'],
    registers: [registry],
  });
  const failing = new Gauge({
    name: 'refunds_failing',
    help: 'Refunds that wait for their next try after several failed',
    registers: [registry],
  });
  return {
    settled(refund, { currency }) {
      refunds.inc({ outcome: refund.status });
      if (refund.status === 'succeeded') amount.inc({ currency }, toMajorUnits(refund.amount, refund.currencyDecimals));
    },
    failing: (count) => failing.set(count),
  };
}
