import { paymentMethods } from '@shop/common/contracts';
import type { PublishedEvent } from '@shop/common/messaging';
import type { Metrics } from '@shop/common/metrics';
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
export function countPaymentEvents(metrics: Metrics): (event: PublishedEvent) => void {
  const payments = metrics.counter(
    'payments_settled_total',
    'Payments that were paid, declined (failed) or cancelled',
    ['status', 'method'],
  );
  const amount = metrics.counter('payments_received_amount_total', 'What was paid, in major units of its currency', [
    'currency',
  ]);
  const expired = metrics.counter('orders_expired_total', 'Orders that nobody paid in time');
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
