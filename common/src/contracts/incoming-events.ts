import { z } from 'zod';
import { addedEventReaders, addedNeededData } from './added.js';
import { neededEnvelope, neededEvent } from './envelope.js';
import { eventTypes, type EventType } from './events.js';

/** What consumers need of an order. */
const order = z.object({
  id: z.uuid(),
  userId: z.uuid(),
  status: z.string(),
  totalAmount: z.number(),
  currency: z.string(),
  currencyDecimals: z.int().min(0).max(4).nullish(),
  payableUntil: z.iso.datetime(),
});
const payment = z.object({ orderId: z.uuid(), status: z.string() });
const user = z.object({ id: z.uuid() });

/**
 * What consumers need of each event's data, and no more: what else a later version writes, leaves out or has new values for
 * is no reason to refuse it. Values of enums are text; who needs one says what an unknown one means.
 */
const neededData = {
  'user.created': user,
  'user.updated': user,
  'user.deleted': user,
  'user.access_revoked': z.object({
    userId: z.uuid(),
    minimumVersion: z.int().optional(),
    sid: z.string().optional(),
  }),
  'user.anonymised': z.object({ userId: z.uuid() }),
  'order.created': order,
  'order.status_changed': order,
  'payment.created': payment,
  'payment.processing': payment,
  'payment.cancelled': payment,
  'payment.success': payment,
  'payment.failed': payment,
  'payment.expired': payment,
  'payment.refunded': payment,
  ...addedNeededData,
} as const satisfies Record<EventType, z.ZodObject>;

export type IncomingEventOf<T extends EventType> = z.infer<typeof neededEnvelope> & {
  type: T;
  data: z.infer<(typeof neededData)[T]>;
};
/** Any event as its consumers read it, distinguished by `type`. */
export type IncomingEvent = { [T in EventType]: IncomingEventOf<T> }[EventType];

const readerOf = <T extends EventType>(type: T) => neededEvent<T, (typeof neededData)[T]>(type, neededData[type]);

const readers = {
  'user.created': readerOf('user.created'),
  'user.updated': readerOf('user.updated'),
  'user.deleted': readerOf('user.deleted'),
  'user.access_revoked': readerOf('user.access_revoked'),
  'user.anonymised': readerOf('user.anonymised'),
  'order.created': readerOf('order.created'),
  'order.status_changed': readerOf('order.status_changed'),
  'payment.created': readerOf('payment.created'),
  'payment.processing': readerOf('payment.processing'),
  'payment.cancelled': readerOf('payment.cancelled'),
  'payment.success': readerOf('payment.success'),
  'payment.failed': readerOf('payment.failed'),
  'payment.expired': readerOf('payment.expired'),
  'payment.refunded': readerOf('payment.refunded'),
  ...addedEventReaders,
} satisfies { [T in EventType]: z.ZodType<IncomingEventOf<T>> };

/** A message that isn't an event of this system and never will be: trying again can't help. */
export class MalformedEvent extends Error {
  override readonly name = 'MalformedEvent';
}

const typed = z.object({ type: z.string() });

/** The event in a message body, as far as consumers need it. Throws MalformedEvent. */
export function parseEvent(body: Buffer | string): IncomingEvent {
  let json: unknown;
  try {
    json = JSON.parse(body.toString());
  } catch (error) {
    throw new MalformedEvent('body is not JSON', { cause: error });
  }
  const written = typed.safeParse(json).data?.type;
  const type = eventTypes.find((candidate) => candidate === written);
  if (type === undefined) throw new MalformedEvent(`unknown event type ${written ?? '(none)'}`);
  const parsed = readers[type].safeParse(json);
  if (!parsed.success) throw new MalformedEvent(z.prettifyError(parsed.error), { cause: parsed.error });
  return parsed.data;
}
