import type { OutboxEvent } from './outbox-queries.js';

/** An event as it is sent: CloudEvents' structured mode, with `traceparent` and `sequence` as extensions. */
export function toCloudEvent({ id, type, subject, sequence, time, data, traceparent }: OutboxEvent, source: string) {
  return {
    specversion: '1.0',
    id,
    source,
    type,
    subject,
    time: time.toISOString(),
    datacontenttype: 'application/json',
    traceparent: traceparent ?? undefined,
    sequence,
    data,
  };
}
