import type { IncomingEvent } from '@shop/common/contracts';
import { resourceId } from '../resource-path.js';

/** What a subscription follows. */
export type Topic = `order/${string}` | `payments of order/${string}`;

/** Throws InvalidInput on a malformed id. */
export const orderTopic = (id: string): Topic => `order/${resourceId(id)}`;

/** Throws InvalidInput on a malformed id. */
export const paymentsTopic = (orderId: string): Topic => `payments of order/${resourceId(orderId, 'orderId')}`;

/** Whose followers an event concerns; undefined where nobody can follow that. */
export function topicOf(event: IncomingEvent): Topic | undefined {
  switch (event.type) {
    case 'order.created':
    case 'order.status_changed':
      return `order/${event.data.id}`;
    case 'payment.created':
    case 'payment.processing':
    case 'payment.success':
    case 'payment.failed':
    case 'payment.cancelled':
    case 'payment.expired':
    case 'payment.refunded':
      return `payments of order/${event.data.orderId}`;
    default:
      return undefined;
  }
}
