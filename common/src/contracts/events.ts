import { z } from 'zod';
import { addedEvents } from './added.js';
import { envelope, eventsOf } from './envelope.js';
import { orderResource, orderStatuses } from './order.js';
import { paymentResource, paymentStatuses } from './payment.js';
import { userResource } from './user.js';

/** `currencyDecimals`: those that stand beside the order's amounts, whatever a reader's own table of currencies says. */
const orderData = orderResource.extend({ currencyDecimals: z.int().min(0).max(4).optional() });

const paymentData = paymentResource.extend({
  previousStatus: z.enum(paymentStatuses).nullable().optional(),
  reason: z.string().nullable().optional(),
});

const revocation = z.object({ userId: z.uuid(), minimumVersion: z.int().optional(), sid: z.string().optional() });

const userId = z.object({ userId: z.uuid() });

/** What consumers need. */
const needed = {
  user: z.object({ id: z.uuid() }),
  order: z.object({
    id: z.uuid(),
    userId: z.uuid(),
    status: z.string(),
    totalAmount: z.number(),
    currency: z.string(),
    currencyDecimals: z.int().min(0).max(4).nullish(),
    payableUntil: z.iso.datetime(),
  }),
  payment: z.object({ orderId: z.uuid(), status: z.string() }),
};

const user = eventsOf('user-service');
const order = eventsOf('order-service');
const payment = eventsOf('payment-service');

/** When each event is published, what it carries, and what consumers need of that. Who consumes it stands in the topology. */
export const events = {
  'user.created': user('Somebody has registered.', userResource, needed.user),
  'user.updated': user('What is known of a user has changed.', userResource, needed.user),
  'user.deleted': user('A user has been deleted.', userResource, needed.user),
  'user.access_revoked': user(
    'Tokens of `userId` below `minimumVersion` are refused; with `sid`, those of that login are.',
    revocation.extend({ reason: z.string() }),
    revocation,
  ),
  'user.anonymised': user(
    'A user was deleted so long ago that nothing may say any more who it was: whoever keeps what it wrote clears it now.',
    userId,
    userId,
  ),
  'order.created': order('An order has been placed.', orderData, needed.order),
  'order.status_changed': order(
    'An order has another status; `previousStatus` and `reason` say from which, and why.',
    orderData.extend({ previousStatus: z.enum(orderStatuses), reason: z.string().nullable() }),
    needed.order,
  ),
  'payment.created': payment('A payment waits for its customer.', paymentData, needed.payment),
  'payment.processing': payment('A charge has begun, and its outcome is not known yet.', paymentData, needed.payment),
  'payment.cancelled': payment('A payment has been called off before it was paid.', paymentData, needed.payment),
  'payment.success': payment('A payment has been paid.', paymentData, needed.payment),
  'payment.failed': payment('A payment was declined, or its charge failed for good.', paymentData, needed.payment),
  'payment.expired': payment(
    'Nobody has paid the order of this payment, its latest one, in time.',
    paymentData,
    needed.payment,
  ),
  'payment.refunded': payment(
    'Money of a payment has been given back, all of it or a part.',
    paymentData,
    needed.payment,
  ),
  ...addedEvents,
} as const;

export type EventType = keyof typeof events;
export type EventData<T extends EventType> = z.infer<(typeof events)[T]['data']>;

const isEventType = (type: string): type is EventType => Object.hasOwn(events, type);
export const eventTypes: readonly EventType[] = Object.keys(events).filter(isEventType);

export type EventOf<T extends EventType> = z.infer<typeof envelope> & { type: T; data: EventData<T> };
/** Any event of the system, distinguished by `type`. */
export type DomainEvent = { [T in EventType]: EventOf<T> }[EventType];
/** What a repository writes beside a change; identity, time and trace are added as it is stored. */
export type EventDraft = {
  [T in EventType]: { type: T; subject: string; sequence: number; data: EventData<T> };
}[EventType];

/** The schema of each whole event, by type. */
export const eventSchemas = Object.fromEntries(
  eventTypes.map((type) => [type, envelope.extend({ type: z.literal(type), data: events[type].data })]),
  // Made of the types alone, each of its own.
) as unknown as { readonly [T in EventType]: z.ZodType<EventOf<T>> };

/**
 * The JSON Schema (2020-12) of a whole event, as others may write it. Its `$id` is what schemas and tools of others call it by: it
 * stays, as the type does; what breaks its readers is another type.
 */
export const eventJsonSchema = (type: EventType): object => ({
  $id: `urn:shop:event:${type}:1`,
  title: type,
  ...z.toJSONSchema(eventSchemas[type], { io: 'input' }),
});
