import { z } from 'zod';
import { addedEventData, addedEventSchemas } from './added.js';
import { envelope, wholeEvent } from './envelope.js';
import { orderResource, orderStatuses } from './order.js';
import { paymentResource, paymentStatuses } from './payment.js';
import { userResource } from './user.js';

const paymentData = paymentResource.extend({
  previousStatus: z.enum(paymentStatuses).nullable().optional(),
  reason: z.string().nullable().optional(),
});

/** `currencyDecimals`: those that stand beside the order's amounts, whatever a reader's own table of currencies says. */
const orderData = orderResource.extend({ currencyDecimals: z.int().min(0).max(4).optional() });

/** What each event carries. Fields are only ever added. */
const eventDataSchemas = {
  'user.created': userResource,
  'user.updated': userResource,
  'user.deleted': userResource,
  /** Tokens of `userId` below `minimumVersion` are refused; with `sid`, those of that login are. */
  'user.access_revoked': z.object({
    userId: z.uuid(),
    minimumVersion: z.int().optional(),
    sid: z.string().optional(),
    reason: z.string(),
  }),
  /** Nothing that is kept says any more who the deleted user was. */
  'user.anonymised': z.object({ userId: z.uuid() }),
  'order.created': orderData,
  'order.status_changed': orderData.extend({
    previousStatus: z.enum(orderStatuses),
    reason: z.string().nullable(),
  }),
  'payment.created': paymentData,
  'payment.processing': paymentData,
  'payment.cancelled': paymentData,
  'payment.success': paymentData,
  'payment.failed': paymentData,
  /** Nobody has paid the order of this payment, its latest one, in time. */
  'payment.expired': paymentData,
  'payment.refunded': paymentData,
  ...addedEventData,
} as const;

export type EventType = keyof typeof eventDataSchemas;
export type EventData<T extends EventType> = z.infer<(typeof eventDataSchemas)[T]>;

const isEventType = (type: string): type is EventType => Object.hasOwn(eventDataSchemas, type);
export const eventTypes: readonly EventType[] = Object.keys(eventDataSchemas).filter(isEventType);

export type EventOf<T extends EventType> = z.infer<typeof envelope> & { type: T; data: EventData<T> };
/** Any event of the system, distinguished by `type`. */
export type DomainEvent = { [T in EventType]: EventOf<T> }[EventType];
/** What a repository writes beside a change; identity, time and trace are added as it is stored. */
export type EventDraft = {
  [T in EventType]: { type: T; subject: string; sequence: number; data: EventData<T> };
}[EventType];

const schemaOf = <T extends EventType>(type: T) =>
  wholeEvent<T, (typeof eventDataSchemas)[T]>(type, eventDataSchemas[type]);

/** The schema of each whole event, by type. */
export const eventSchemas = {
  'user.created': schemaOf('user.created'),
  'user.updated': schemaOf('user.updated'),
  'user.deleted': schemaOf('user.deleted'),
  'user.access_revoked': schemaOf('user.access_revoked'),
  'user.anonymised': schemaOf('user.anonymised'),
  'order.created': schemaOf('order.created'),
  'order.status_changed': schemaOf('order.status_changed'),
  'payment.created': schemaOf('payment.created'),
  'payment.processing': schemaOf('payment.processing'),
  'payment.cancelled': schemaOf('payment.cancelled'),
  'payment.success': schemaOf('payment.success'),
  'payment.failed': schemaOf('payment.failed'),
  'payment.expired': schemaOf('payment.expired'),
  'payment.refunded': schemaOf('payment.refunded'),
  ...addedEventSchemas,
} satisfies { [T in EventType]: z.ZodType<EventOf<T>> };

/**
 * The JSON Schema (2020-12) of a whole event, as others may write it. Its `$id` is what schemas and tools of others call it by: it
 * stays, as the type does; what breaks its readers is another type.
 */
export const eventJsonSchema = (type: EventType): object => ({
  $id: `urn:shop:event:${type}:1`,
  title: type,
  ...z.toJSONSchema(eventSchemas[type], { io: 'input' }),
});
