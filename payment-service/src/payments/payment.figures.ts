import { paymentMethods } from '@shop/common/contracts';
import type { PublishedEvent } from '@shop/common/messaging';
import type { Metrics } from '@shop/common/metrics';
import { Counter } from 'prom-client';
import { z } from 'zod';

const settled = z.object({ amount: z.number(), currency: z.string(), method: z.enum(paymentMethods) });
const resultOf: Readonly<Record<string, string>> = {
  'payment.success': 'success',
  'payment.failed': 'failed',
  'payment.cancelled': 'cancelled',
};

/** Counts how payments ended, by the events that tell of it. */
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
  // An increase is seen only from a figure that was there before.
  for (const status of Object.values(resultOf)) {
    for (const method of paymentMethods) payments.inc({ status, method }, 0);
  }
  // What can't be read is of an older form: it goes uncounted, and is published all the same.
  return ({ type, data }) => {
    const status = resultOf[type];
    const payment = status === undefined ? undefined : settled.safeParse(data).data;
    if (payment === undefined || status === undefined) return;
    payments.inc({ status, method: payment.method });
    if (status === 'success') amount.inc({ currency: payment.currency }, payment.amount);
  };
}
