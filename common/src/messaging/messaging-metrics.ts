import type { InboundEvent } from '../database/index.js';
import { sharedMetrics, type Metrics } from '../metrics/index.js';

const createMessagingMetrics = (metrics: Metrics) => ({
  /** `error_type` is empty where the event was handled. */
  processDuration: metrics.durations('messaging_process_duration_seconds', 'Duration of handling one event', [
    'messaging_destination_name',
    'event_type',
    'error_type',
  ]),
  /** `error_type` is empty where the broker confirmed. */
  publishDuration: metrics.durations(
    'messaging_client_operation_duration_seconds',
    'Duration of publishing one event up to the confirm of the broker',
    ['messaging_operation_name', 'messaging_destination_name', 'error_type'],
  ),
  retries: metrics.counter('messaging_retries_total', 'Events put aside for another try', [
    'messaging_destination_name',
  ]),
  deferrals: metrics.counter(
    'messaging_deferrals_total',
    'Events put off without using a try, since they met a lock, a time limit or a concurrent change',
    ['messaging_destination_name'],
  ),
  consumerPaused: metrics.gauge(
    'messaging_consumer_paused',
    '1 while all events of a queue are held back because of an outage',
    ['messaging_destination_name'],
  ),
  refused: metrics.counter(
    'messaging_refused_total',
    'Messages that the broker refused to take, since a queue is full; each stays where it was and is tried again',
    ['messaging_destination_name'],
  ),
  deadLetters: metrics.counter('messaging_dead_letters_total', 'Messages put into the dead-letter queue', [
    'messaging_destination_name',
    'reason',
  ]),
  /** Also what the broker itself has moved into a dead-letter queue, and what is in it since before this process. */
  queueDepth: metrics.gauge(
    'messaging_queue_messages',
    'Messages that wait in a queue, asked every second; those in hand not counted',
    ['messaging_destination_name'],
  ),
  skippedEvents: metrics.counter(
    'messaging_skipped_events_total',
    'Events that changed nothing: a repetition (duplicate), or older than what was applied (stale)',
    ['event_type', 'reason'],
  ),
  outboxWaiting: metrics.gauge(
    'outbox_unpublished_events',
    'Events in the outbox that are not published yet, counted up to 10,000',
  ),
  outboxAge: metrics.gauge(
    'outbox_oldest_unpublished_age_seconds',
    'Age of the oldest event in the outbox that is not published yet',
  ),
  outboxRelayActive: metrics.gauge(
    'outbox_relay_active',
    '1 where this process is the one that publishes its database, 0 where it stands by',
  ),
});

export type MessagingMetrics = ReturnType<typeof createMessagingMetrics>;

/** The metrics of messaging in a process: the same ones for its relay and all of its consumers. */
export const messagingMetrics = sharedMetrics(createMessagingMetrics);

/** Counts what the inbox keeps from having an effect: the `onSkip` of an AtomicStore. */
export function countSkippedEvents(metrics: Metrics): (cause: InboundEvent, reason: 'duplicate' | 'stale') => void {
  const { skippedEvents } = messagingMetrics(metrics);
  return ({ type }, reason) => skippedEvents.inc({ event_type: type, reason });
}
