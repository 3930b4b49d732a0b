import { orderStatuses } from '@shop/common/contracts';
import type { PublishedEvent } from '@shop/common/messaging';
import type { Metrics } from '@shop/common/metrics';
import { z } from 'zod';
import { nextStatuses } from './order.js';

const created = z.object({ currency: z.string(), totalAmount: z.number() });
const statusChanged = z.object({ previousStatus: z.enum(orderStatuses), status: z.enum(orderStatuses) });

/** What an order is in that names no other. */
const DEFAULT_CURRENCY = 'USD';

/** Counts what happened to orders, by the events that describe it. */
export function countOrderEvents(metrics: Metrics): (event: PublishedEvent) => void {
  const placed = metrics.counter('orders_placed_total', 'New orders', ['currency']);
  const amount = metrics.counter(
    'orders_placed_amount_total',
    'What new orders are worth, in major units of their currency',
    ['currency'],
  );
  const changes = metrics.counter('order_status_changes_total', 'Orders that went from one status to another', [
    'previous_status',
    'status',
  ]);
  // An increase is seen only from a metric that was there before. Other currencies come as they are used.
  placed.inc({ currency: DEFAULT_CURRENCY }, 0);
  amount.inc({ currency: DEFAULT_CURRENCY }, 0);
  for (const from of orderStatuses) {
    for (const status of nextStatuses[from]) changes.inc({ previous_status: from, status }, 0);
  }
  // What can't be read is of an older form: it goes uncounted, and is published all the same.
  return ({ type, data }) => {
    if (type === 'order.created') {
      const order = created.safeParse(data).data;
      if (order) {
        placed.inc({ currency: order.currency });
        amount.inc({ currency: order.currency }, order.totalAmount);
      }
    } else if (type === 'order.status_changed') {
      const change = statusChanged.safeParse(data).data;
      if (change) changes.inc({ previous_status: change.previousStatus, status: change.status });
    }
  };
}
