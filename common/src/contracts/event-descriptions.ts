import { addedEventDescriptions } from './added.js';
import type { EventType } from './events.js';

/** What an event is to people who have not seen the code. */
export interface EventDescription {
  /** When it is published. */
  readonly summary: string;
  /** The one service that publishes it. */
  readonly publisher: string;
}

const user = (summary: string) => ({ summary, publisher: 'user-service' });
const order = (summary: string) => ({ summary, publisher: 'order-service' });
const payment = (summary: string) => ({ summary, publisher: 'payment-service' });

/** Who publishes each event, and when. Who consumes it stands in the topology. */
export const eventDescriptions: Readonly<Record<EventType, EventDescription>> = {
  'user.created': user('Somebody has registered.'),
  'user.updated': user('What is known of a user has changed.'),
  'user.deleted': user('A user has been deleted.'),
  'user.access_revoked': user(
    'Tokens of `userId` below `minimumVersion` are refused; with `sid`, those of that login are.',
  ),
  'user.anonymised': user(
    'A user was deleted so long ago that nothing may say any more who it was: whoever keeps what it wrote clears it now.',
  ),
  'order.created': order('An order has been placed.'),
  'order.status_changed': order('An order has another status; `previousStatus` and `reason` say from which, and why.'),
  'payment.created': payment('A payment waits for its customer.'),
  'payment.processing': payment('A charge has begun, and its outcome is not known yet.'),
  'payment.cancelled': payment('A payment has been called off before it was paid.'),
  'payment.success': payment('A payment has been paid.'),
  'payment.failed': payment('A payment was declined, or its charge failed for good.'),
  'payment.expired': payment('Nobody has paid the order of this payment, its latest one, in time.'),
  'payment.refunded': payment('Money of a payment has been given back, all of it or a part.'),
  ...addedEventDescriptions,
};
