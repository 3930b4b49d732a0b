import { z } from 'zod';

/** CloudEvents 1.0, structured JSON: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md */
export const envelope = z.object({
  specversion: z.literal('1.0'),
  id: z.uuid(),
  source: z.string().min(1),
  /** The aggregate's id. */
  subject: z.string().min(1),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json').optional(),
  /** W3C trace context of the request that caused the event. */
  traceparent: z.string().optional(),
  /** The aggregate's version that this event describes; grows by one or more from event to event. */
  sequence: z.int().nonnegative(),
});

/** What consumers need of the envelope. */
export const neededEnvelope = z.object({
  id: z.uuid(),
  source: z.string(),
  subject: z.string().min(1),
  traceparent: z.string().optional(),
  sequence: z.int().nonnegative(),
});

/** Describes one event of a service: when it is published, what it carries, and what consumers need of that. */
export const eventsOf =
  (publisher: string) =>
  <Data extends z.ZodObject, Needed extends z.ZodObject>(summary: string, data: Data, needed: Needed) => ({
    publisher,
    summary,
    data,
    needed,
  });
