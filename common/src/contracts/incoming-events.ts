import { z } from 'zod';
import { neededEnvelope } from './envelope.js';
import { events, eventTypes, type EventType } from './events.js';

export type IncomingEventOf<T extends EventType> = z.infer<typeof neededEnvelope> & {
  type: T;
  data: z.infer<(typeof events)[T]['needed']>;
};
/** Any event as its consumers read it, distinguished by `type`. */
export type IncomingEvent = { [T in EventType]: IncomingEventOf<T> }[EventType];

/**
 * What consumers need of each event, and no more: what else a later version writes, leaves out or has new values for is no
 * reason to refuse it. Values of enums are text; who needs one says what an unknown one means.
 */
const readers = Object.fromEntries(
  eventTypes.map((type) => [type, neededEnvelope.extend({ type: z.literal(type), data: events[type].needed })]),
  // Made of the types alone, each of its own.
) as unknown as { readonly [T in EventType]: z.ZodType<IncomingEventOf<T>> };

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
