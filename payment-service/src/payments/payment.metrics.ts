import { paymentMethods } from '@shop/common/contracts';
import type { PublishedEvent } from '@shop/common/messaging';
import type { Metrics } from '@shop/common/metrics';
import { Counter } from 'prom-client';
import { z } from 'zod';

const settled = z.object({
  amount: z.number(),
  currency: z.string(),
  method: z.enum(paymentMethods),
  previousStatus: z.string().nullish(),
});
const resultOf: Readonly<Record<string, string>> = {
  'payment.success': 'success',
  'payment.failed': 'failed',
  'payment.cancelled': 'cancelled',
  'payment.expired': 'cancelled',
};

/** Counts how payments ended, by the events that describe that. */
export function countPaymentEvents({ registry }: Metrics): (event: PublishedEvent) => void {
  const payments = new Counter({
    name: 'payments_settled_total',
    help: 'Payments that were paid, declined (failed) or cancelled',
    labelNames: ['status', 'method'],
    registers: [registry],
  });
  const amount = new Counter({
    name: 'payments_received_amount_total',
    help: 'What was paid, in major units of its currency',
    labelNames: ['currency'],
    registers: [registry],
  });
  const expired = new Counter({
    name: 'orders_expired_total',
    help: 'Orders that nobody paid in time',
    registers: [registry],
  });
  // An increase is seen only from a metric that was there before.
  for (const status of new Set(Object.values(resultOf))) {
    for (const method of paymentMethods) payments.inc({ status, method }, 0);
  }
  // What can't be read is of an older form: it goes uncounted, and is published all the same.
  return ({ type, data }) => {
    const status = resultOf[type];
    const payment = status === undefined ? undefined : settled.safeParse(data).data;
    if (payment === undefined || status === undefined) return;
    if (type === 'payment.expired') {
      expired.inc();
      // The last payment may have failed before: then it has been counted.
      if (payment.previousStatus !== 'pending') return;
    }
    payments.inc({ status, method: payment.method });
    if (status === 'success') amount.inc({ currency: payment.currency }, payment.amount);
  };
}
