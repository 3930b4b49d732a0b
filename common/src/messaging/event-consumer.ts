import {
  MalformedEvent,
  parseEvent,
  type IncomingEvent,
  type IncomingEventOf,
  type EventType,
} from '../contracts/index.js';
import { transientFailureOf, type InboundEvent } from '../database/index.js';
import { runInScope, type Logger } from '../logger/index.js';
import type { Metrics } from '../metrics/index.js';
import {
  backOff,
  deadLetterQueueOf,
  pause,
  PublishFailed,
  retryQueueOf,
  type BrokerConnection,
  type Delivery,
  type Publisher,
  type Subscription,
  type WorkQueue,
} from '../rabbitmq/index.js';
import { continueTrace, type Tracing } from '../tracing/index.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { attemptsOf, deadLetterHeaders, deferralsOf, withoutBrokerHeaders } from './dead-letter-headers.js';
import { errorHeaders, isForeseenOutage, type FailureFacts } from './event-failure.js';
import { FailureStreak } from './failure-streak.js';
import { messageSpan } from './message-span.js';
import { messagingMetrics, type MessagingMetrics } from './messaging-metrics.js';
import { QueueDepths } from './queue-depths.js';
import { QueueMigration } from './queue-migration.js';

/** Applies an event. `cause` goes into the same transaction as its effect, so that the event has it once. */
export type EventHandler<T extends EventType> = (event: IncomingEventOf<T>, cause: InboundEvent) => Promise<void>;
export type EventHandlers = { readonly [T in EventType]?: EventHandler<T> };

export interface EventConsumerOptions {
  connection: BrokerConnection;
  queue: WorkQueue;
  /** One for each event type that the queue is bound to. */
  handlers: EventHandlers;
  logger: Logger;
  metrics: Metrics;
  tracing?: Tracing | undefined;
  /** Events in hand at a time; those of one aggregate are handled one after another. Default 20. */
  prefetch?: number;
  /** Milliseconds that an event is held back; then it goes to the end of the queue. Default 10 minutes. */
  holdLimit?: number;
  /** When an error that nobody foresaw passes for an outage. Default 5 different events in a row, for an hour at most. */
  unknownOutage?: { events: number; limit: number };
}

const DEFAULT_PREFETCH = 20;
const DEFAULT_GRACE = 10_000;
/** Well below the half hour after which the broker takes a message away from a consumer that doesn't acknowledge it. */
const DEFAULT_HOLD_LIMIT = 10 * 60 * 1_000;
const DEFAULT_UNKNOWN_OUTAGE = { events: 5, limit: 60 * 60 * 1_000 };
const FORWARD_PAUSE = { first: 250, most: 1_000 };
/** Two events that failed because of each other should not meet again: a pause is shorter by up to this part of it. */
const RETRY_JITTER = 0.2;

/**
 * Hands each event of a work queue to its handler, and acknowledges it only after that has succeeded. After a failure
 * the event waits in a delay queue without holding up the others; after the last try, or at once when it is malformed,
 * it is moved to the dead-letter queue. What isn't the event's fault uses up no try: in an outage all events are held
 * back until it is over, and one that met a lock or a time limit waits alone.
 */
export class EventConsumer {
  readonly #options: EventConsumerOptions;
  readonly #metrics: MessagingMetrics;
  readonly #aggregates = new Map<string, Promise<unknown>>();
  readonly #stopping = new AbortController();
  readonly #breaker: CircuitBreaker;
  readonly #streak: FailureStreak;
  readonly #depths: QueueDepths;
  readonly #migration: QueueMigration;
  #publisher: Publisher | undefined;
  #subscription: Subscription | undefined;

  /** Throws when handlers and bindings of the queue differ: an event would be lost, or never come. */
  constructor(options: EventConsumerOptions) {
    const { connection, queue, handlers, holdLimit = DEFAULT_HOLD_LIMIT, logger, metrics } = options;
    const { events: length, limit } = options.unknownOutage ?? DEFAULT_UNKNOWN_OUTAGE;
    const handled = Object.keys(handlers).sort().join(', ');
    const bound = [...queue.routingKeys].sort().join(', ');
    if (handled !== bound) throw new Error(`${queue.name} is bound to ${bound}, its handlers are for ${handled}`);
    this.#options = options;
    this.#metrics = messagingMetrics(metrics);
    this.#streak = new FailureStreak({ length, limit });
    const labels = { messaging_destination_name: queue.name };
    this.#metrics.consumerPaused.set(labels, 0);
    // Prometheus counts from the first value that it sees: the first of each would be none.
    this.#metrics.deferrals.inc(labels, 0);
    this.#metrics.retries.inc(labels, 0);
    this.#breaker = new CircuitBreaker({
      holdLimit,
      stopping: this.#stopping.signal,
      onOpen: (err) => {
        this.#metrics.consumerPaused.set(labels, 1);
        logger.warn('events held back', { queue: queue.name, isForeseen: isForeseenOutage(err), err });
      },
      onClose: () => {
        this.#metrics.consumerPaused.set(labels, 0);
        logger.info('events are handled again', { queue: queue.name });
      },
      onSuccess: () => this.#streak.reset(),
    });
    this.#migration = new QueueMigration({
      connection,
      queue,
      logger,
      isReady: () => this.#subscription?.isUp === true,
    });
    this.#depths = new QueueDepths({
      connection,
      queues: [queue.name, deadLetterQueueOf(queue)],
      metrics,
      onLook: (name, waiting) => {
        if (name === queue.name) this.#subscription?.notice(waiting);
      },
    });
  }

  start(): void {
    const { connection, queue, prefetch = DEFAULT_PREFETCH } = this.#options;
    this.#publisher = connection.createPublisher(`retries of ${queue.name}`);
    this.#subscription = connection.subscribe({
      queue: queue.name,
      prefetch,
      onDelivery: (delivery) => this.#process(delivery),
    });
    this.#depths.start();
    this.#migration.start();
  }

  /** `down`: no events come, or they are held back. */
  state(): 'up' | 'down' {
    return this.#subscription?.isUp === true && !this.#breaker.isOpen ? 'up' : 'down';
  }

  /** Takes no further events and waits up to `grace` milliseconds for those in hand; the others go back to the queue. */
  async stop({ grace = DEFAULT_GRACE }: { grace?: number } = {}): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#depths.stop(), this.#migration.stop()]);
    await this.#subscription?.stop({ grace });
    await this.#publisher?.stop();
  }

  async #process(delivery: Delivery): Promise<void> {
    const { queue, logger } = this.#options;
    try {
      const event = parseEvent(delivery.body);
      const outcome = await this.#afterOthersOf(event.subject, () =>
        this.#breaker.run({
          work: () => this.#handle(event),
          isOutage: (error) => this.#isOutage(error, event, delivery),
          lost: delivery.lost,
        }),
      );
      if (outcome === 'done') delivery.acknowledge();
      else if (outcome === 'expired') await this.#forward(delivery, { to: queue.name });
    } catch (error) {
      if (delivery.lost.aborted) return; // it comes again
      const attempt = attemptsOf(delivery.headers) + 1;
      const facts = { queue: queue.name, messageId: delivery.messageId, type: delivery.type, attempt, err: error };
      const retryPause = queue.retryPauses[attempt - 1];
      if (error instanceof MalformedEvent) {
        await this.#giveUp(delivery, { ...facts, reason: 'malformed' });
      } else if (transientFailureOf(error) !== undefined) {
        await this.#defer(delivery, facts);
      } else if (retryPause === undefined) {
        await this.#giveUp(delivery, { ...facts, reason: 'failed' });
      } else {
        logger.warn('event handling failed', { ...facts, retryPause });
        this.#metrics.retries.inc({ messaging_destination_name: queue.name });
        await this.#delay(delivery, retryPause, { [deadLetterHeaders.attempts]: attempt });
      }
    }
  }

  /** Whether other events would fail as well. */
  #isOutage(error: unknown, { id }: IncomingEvent, { headers }: Delivery): boolean {
    if (error instanceof MalformedEvent) return false;
    if (isForeseenOutage(error)) return true;
    const isFirstTry = attemptsOf(headers) === 0 && deferralsOf(headers) === 0;
    return this.#streak.add(error, { id, isFirstTry });
  }

  /** It is not the event's fault, nor that of all: others go on, and this one tries again later, as often as need be. */
  async #defer(delivery: Delivery, facts: FailureFacts): Promise<void> {
    const { queue, logger } = this.#options;
    const deferrals = deferralsOf(delivery.headers) + 1;
    const retryPause = queue.retryPauses[deferrals - 1] ?? queue.retryPauses.at(-1);
    logger.warn('event deferred', { ...facts, deferrals, retryPause });
    this.#metrics.deferrals.inc({ messaging_destination_name: queue.name });
    const headers = { [deadLetterHeaders.deferrals]: deferrals };
    if (retryPause === undefined) await this.#forward(delivery, { to: queue.name, headers });
    else await this.#delay(delivery, retryPause, headers);
  }

  async #giveUp(delivery: Delivery, facts: FailureFacts & { reason: string }): Promise<void> {
    const { queue, logger } = this.#options;
    logger.error('event dead-lettered', { ...facts });
    this.#metrics.deadLetters.inc({ messaging_destination_name: queue.name, reason: facts.reason });
    await this.#forward(delivery, {
      to: deadLetterQueueOf(queue),
      headers: {
        [deadLetterHeaders.attempts]: facts.attempt,
        [deadLetterHeaders.reason]: facts.reason,
        ...errorHeaders(facts.err),
      },
    });
  }

  #delay(delivery: Delivery, retryPause: number, headers: Record<string, unknown>): Promise<void> {
    return this.#forward(delivery, {
      to: retryQueueOf(this.#options.queue, retryPause),
      headers,
      timeToLive: Math.ceil(retryPause * (1 - RETRY_JITTER * Math.random())),
    });
  }

  async #handle(event: IncomingEvent): Promise<void> {
    const { connection, queue, handlers, tracing } = this.#options;
    // The compiler can't see that a handler found by an event's type takes that event.
    const handler = handlers[event.type] as EventHandler<EventType> | undefined;
    if (handler === undefined) throw new MalformedEvent(`no handler for ${event.type}`);
    const labels = { messaging_destination_name: queue.name, event_type: event.type };
    const observe = this.#metrics.processDuration.startTimer(labels);
    const destination = `${connection.topology.exchange}:${event.type}:${queue.name}`;
    const span = tracing?.open(messageSpan('process', destination, event));
    const traceparent = span?.traceparent ?? continueTrace(event.traceparent);
    try {
      await runInScope({ requestId: event.id, traceparent }, () => handler(event, inboundEventOf(event)));
      observe({ error_type: '' });
      span?.end();
    } catch (error) {
      const errorType = error instanceof Error ? error.name : 'unknown';
      observe({ error_type: errorType });
      span?.end({ errorType });
      throw error;
    }
  }

  /** Two events of an aggregate at a time would only wait for each other's row lock, or overtake each other. */
  async #afterOthersOf<T>(subject: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.#aggregates.get(subject) ?? Promise.resolve()).then(work);
    const settled = mine.catch(() => undefined);
    this.#aggregates.set(subject, settled);
    try {
      return await mine;
    } finally {
      if (this.#aggregates.get(subject) === settled) this.#aggregates.delete(subject);
    }
  }

  /** Moves a message to another queue: it leaves this one when the broker has confirmed it there, however long that takes. */
  async #forward(
    delivery: Delivery,
    { to, headers, timeToLive }: { to: string; headers?: Record<string, unknown>; timeToLive?: number },
  ): Promise<void> {
    for (let failures = 0; !delivery.lost.aborted; failures++) {
      try {
        await this.#publisher?.publish({
          exchange: '',
          routingKey: to,
          body: delivery.body,
          messageId: delivery.messageId,
          type: delivery.type,
          contentType: delivery.contentType,
          headers: { ...withoutBrokerHeaders(delivery.headers), ...headers },
          expiration: timeToLive,
          mandatory: true,
        });
        delivery.acknowledge();
        return;
      } catch (error) {
        if (error instanceof PublishFailed && error.reason === 'refused')
          this.#metrics.refused.inc({ messaging_destination_name: to });
        this.#options.logger.warn('message could not be moved yet', { to, err: error });
        await pause(backOff(failures, FORWARD_PAUSE), delivery.lost);
      }
    }
  }
}

/** `order.created` of order 7 belongs to `order/7`. */
const inboundEventOf = ({ id, type, subject, sequence }: IncomingEvent): InboundEvent => ({
  eventId: id,
  type,
  aggregate: `${type.slice(0, type.indexOf('.'))}/${subject}`,
  sequence,
});
