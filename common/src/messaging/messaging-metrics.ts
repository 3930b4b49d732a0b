import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { InboundEvent } from '../database/index.js';
import { DURATION_BUCKETS, sharedMetrics, type Metrics } from '../metrics/index.js';

const createMessagingMetrics = (registry: Registry) => ({
  /** `error_type` is empty where the event was handled. */
  processDuration: new Histogram({
    name: 'messaging_process_duration_seconds',
    help: 'Duration of handling one event',
    labelNames: ['messaging_destination_name', 'event_type', 'error_type'],
    buckets: [...DURATION_BUCKETS],
    registers: [registry],
  }),
  /** `error_type` is empty where the broker confirmed. */
  publishDuration: new Histogram({
    name: 'messaging_client_operation_duration_seconds',
    help: 'Duration of publishing one event up to the confirm of the broker',
    labelNames: ['messaging_operation_name', 'messaging_destination_name', 'error_type'],
    buckets: [...DURATION_BUCKETS],
    registers: [registry],
  }),
  retries: new Counter({
    name: 'messaging_retries_total',
    help: 'Events put aside for another try',
    labelNames: ['messaging_destination_name'],
    registers: [registry],
  }),
  deferrals: new Counter({
    name: 'messaging_deferrals_total',
    help: 'Events put off without using a try, since they met a lock, a time limit or a concurrent change',
    labelNames: ['messaging_destination_name'],
    registers: [registry],
  }),
  consumerPaused: new Gauge({
    name: 'messaging_consumer_paused',
    help: '1 while all events of a queue are held back because of an outage',
    labelNames: ['messaging_destination_name'],
    registers: [registry],
  }),
  refused: new Counter({
    name: 'messaging_refused_total',
    help: 'Messages that the broker refused to take, since a queue is full; each stays where it was and is tried again',
    labelNames: ['messaging_destination_name'],
    registers: [registry],
  }),
  deadLetters: new Counter({
    name: 'messaging_dead_letters_total',
    help: 'Messages put into the dead-letter queue',
    labelNames: ['messaging_destination_name', 'reason'],
    registers: [registry],
  }),
  /** Also what the broker itself has moved into a dead-letter queue, and what is in it since before this process. */
  queueDepth: new Gauge({
    name: 'messaging_queue_messages',
    help: 'Messages that wait in a queue, asked every second; those in hand not counted',
    labelNames: ['messaging_destination_name'],
    registers: [registry],
  }),
  skippedEvents: new Counter({
    name: 'messaging_skipped_events_total',
    help: 'Events that changed nothing: a repetition (duplicate), or older than what was applied (stale)',
    labelNames: ['event_type', 'reason'],
    registers: [registry],
  }),
  outboxWaiting: new Gauge({
    name: 'outbox_unpublished_events',
    help: 'Events in the outbox that are not published yet, counted up to 10,000',
    registers: [registry],
  }),
  outboxAge: new Gauge({
    name: 'outbox_oldest_unpublished_age_seconds',
    help: 'Age of the oldest event in the outbox that is not published yet',
    registers: [registry],
  }),
  outboxRelayActive: new Gauge({
    name: 'outbox_relay_active',
    help: '1 where this process is the one that publishes its database, 0 where it stands by',
    registers: [registry],
  }),
});

export type MessagingMetrics = ReturnType<typeof createMessagingMetrics>;

/** The metrics of messaging in a process: the same ones for its relay and all of its consumers. */
export const messagingMetrics = sharedMetrics(createMessagingMetrics);

/** Counts what the inbox keeps from having an effect: the `onSkip` of an AtomicStore. */
export function countSkippedEvents(metrics: Metrics): (cause: InboundEvent, reason: 'duplicate' | 'stale') => void {
  const { skippedEvents } = messagingMetrics(metrics);
  return ({ type }, reason) => skippedEvents.inc({ event_type: type, reason });
}
