import { MalformedEvent, parseEvent, type DomainEvent, type EventOf, type EventType } from '../contracts/index.js';
import type { Cause } from '../database/index.js';
import { redact, runInScope, type Logger } from '../logger/index.js';
import type { Metrics } from '../metrics/index.js';
import {
  deadLetterQueueOf,
  pause,
  retryQueueOf,
  type BrokerConnection,
  type Delivery,
  type Publisher,
  type Subscription,
  type WorkQueue,
} from '../rabbitmq/index.js';
import { continueTrace } from '../tracing/index.js';
import { messagingMetrics, type MessagingMetrics } from './messaging-metrics.js';

/** Applies an event. `cause` goes into the same transaction as its effect, so that the event has it once. */
export type EventHandler<T extends EventType> = (event: EventOf<T>, cause: Cause) => Promise<void>;
export type EventHandlers = { readonly [T in EventType]?: EventHandler<T> };

export interface EventConsumerOptions {
  connection: BrokerConnection;
  queue: WorkQueue;
  /** One for each event type that the queue is bound to. */
  handlers: EventHandlers;
  logger: Logger;
  metrics: Metrics;
  /** Events in hand at a time; those of one aggregate are handled one after another. Default 20. */
  prefetch?: number;
}

/** The headers of messages that were put aside or given up. */
export const deadLetterHeaders = {
  /** How often the handler was tried. The one place where tries are counted. */
  attempts: 'x-attempts',
  reason: 'x-dead-letter-reason',
  error: 'x-dead-letter-error',
  stack: 'x-dead-letter-stack',
  time: 'x-dead-lettered-at',
} as const;

const DEFAULT_PREFETCH = 20;
const DEFAULT_GRACE = 10_000;
const FORWARD_PAUSE = 1_000;
const MAX_STACK = 4_000;
/** What the broker adds on a message's way; it belongs to that way, not to the message. */
const BROKER_HEADERS = /^x-(death|first-death-.*|last-death-.*|delivery-count|acquired-count|opt-.*)$/;

/**
 * Hands each event of a work queue to its handler, and acknowledges it only after that has succeeded. After a failure
 * the event waits in a delay queue without holding up the others; after the last try, or at once when it is malformed,
 * it is moved to the dead-letter queue.
 */
export class EventConsumer {
  readonly #options: EventConsumerOptions;
  readonly #metrics: MessagingMetrics;
  readonly #aggregates = new Map<string, Promise<void>>();
  #publisher: Publisher | undefined;
  #subscription: Subscription | undefined;

  /** Throws when handlers and bindings of the queue differ: an event would be lost, or never come. */
  constructor(options: EventConsumerOptions) {
    const { queue, handlers } = options;
    const handled = Object.keys(handlers).sort().join(', ');
    const bound = [...queue.routingKeys].sort().join(', ');
    if (handled !== bound) throw new Error(`${queue.name} is bound to ${bound}, its handlers are for ${handled}`);
    this.#options = options;
    this.#metrics = messagingMetrics(options.metrics);
  }

  start(): void {
    const { connection, queue, prefetch = DEFAULT_PREFETCH } = this.#options;
    this.#publisher = connection.createPublisher(`retries of ${queue.name}`);
    this.#subscription = connection.subscribe({
      queue: queue.name,
      prefetch,
      onDelivery: (delivery) => this.#process(delivery),
    });
  }

  state(): 'up' | 'down' {
    return this.#subscription?.isUp === true ? 'up' : 'down';
  }

  /** Takes no further events and waits up to `grace` milliseconds for those in hand; the others go back to the queue. */
  async stop({ grace = DEFAULT_GRACE }: { grace?: number } = {}): Promise<void> {
    await this.#subscription?.stop({ grace });
    await this.#publisher?.stop();
  }

  async #process(delivery: Delivery): Promise<void> {
    const { queue, logger } = this.#options;
    const attempt = attemptsOf(delivery) + 1;
    try {
      const event = parseEvent(delivery.body);
      await this.#afterOthersOf(event.subject, () => this.#handle(event));
      delivery.acknowledge();
    } catch (error) {
      const facts = { queue: queue.name, messageId: delivery.messageId, type: delivery.type, attempt, err: error };
      const retryPause = error instanceof MalformedEvent ? undefined : queue.retryPauses[attempt - 1];
      if (retryPause === undefined) {
        const reason = error instanceof MalformedEvent ? 'malformed' : 'failed';
        logger.error('event dead-lettered', { ...facts, reason });
        this.#metrics.deadLetters.inc({ messaging_destination_name: queue.name, reason });
        await this.#forward(delivery, deadLetterQueueOf(queue), {
          [deadLetterHeaders.attempts]: attempt,
          [deadLetterHeaders.reason]: reason,
          ...describe(error),
        });
      } else {
        logger.warn('event handling failed', { ...facts, retryPause });
        this.#metrics.retries.inc({ messaging_destination_name: queue.name });
        await this.#forward(delivery, retryQueueOf(queue, retryPause), { [deadLetterHeaders.attempts]: attempt });
      }
    }
  }

  async #handle(event: DomainEvent): Promise<void> {
    const { queue, handlers } = this.#options;
    // The compiler can't see that a handler found by an event's type takes that event.
    const handler = handlers[event.type] as EventHandler<EventType> | undefined;
    if (handler === undefined) throw new MalformedEvent(`no handler for ${event.type}`);
    const labels = { messaging_destination_name: queue.name, event_type: event.type };
    const observe = this.#metrics.processDuration.startTimer(labels);
    try {
      await runInScope({ requestId: event.id, traceparent: continueTrace(event.traceparent) }, () =>
        handler(event, causeOf(event)),
      );
      observe({ error_type: '' });
    } catch (error) {
      observe({ error_type: error instanceof Error ? error.name : 'unknown' });
      throw error;
    }
  }

  /** Two events of an aggregate at a time would only wait for each other's row lock, or overtake each other. */
  async #afterOthersOf(subject: string, work: () => Promise<void>): Promise<void> {
    const mine = (this.#aggregates.get(subject) ?? Promise.resolve()).then(work);
    const settled = mine.catch(() => undefined);
    this.#aggregates.set(subject, settled);
    try {
      await mine;
    } finally {
      if (this.#aggregates.get(subject) === settled) this.#aggregates.delete(subject);
    }
  }

  /** Moves a message to another queue: it leaves this one when the broker has confirmed it there, however long that takes. */
  async #forward(delivery: Delivery, queueName: string, headers: Record<string, unknown>): Promise<void> {
    while (!delivery.lost.aborted) {
      try {
        await this.#publisher?.publish({
          exchange: '',
          routingKey: queueName,
          body: delivery.body,
          messageId: delivery.messageId,
          type: delivery.type,
          contentType: delivery.contentType,
          headers: { ...ownHeaders(delivery.headers), ...headers },
          mandatory: true,
        });
        delivery.acknowledge();
        return;
      } catch (error) {
        this.#options.logger.warn('message could not be moved yet', { to: queueName, err: error });
        await pause(FORWARD_PAUSE, delivery.lost);
      }
    }
  }
}

const attemptsOf = ({ headers }: Delivery): number => {
  const attempts = headers[deadLetterHeaders.attempts];
  return typeof attempts === 'number' ? attempts : 0;
};

const ownHeaders = (headers: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !BROKER_HEADERS.test(name)));

const describe = (error: unknown): Record<string, string> => {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  return {
    [deadLetterHeaders.error]: String(redact(message)).slice(0, MAX_STACK),
    [deadLetterHeaders.stack]: String(redact(stack)).slice(0, MAX_STACK),
    [deadLetterHeaders.time]: new Date().toISOString(),
  };
};

/** `order.created` of order 7 belongs to `order/7`. */
const causeOf = ({ id, type, subject, sequence }: DomainEvent): Cause => ({
  eventId: id,
  type,
  aggregate: `${type.slice(0, type.indexOf('.'))}/${subject}`,
  sequence,
});
