import type { Client } from 'pg';
import type { Logger } from '../logger/index.js';
import type { Metrics } from '../metrics/index.js';
import {
  backOff,
  destinationsOf,
  pause,
  PublishFailed,
  settlesWithin,
  type BrokerConnection,
  type Publisher,
} from '../rabbitmq/index.js';
import type { Tracing } from '../tracing/index.js';
import { toCloudEvent } from './cloud-event.js';
import { HeldSubjects } from './held-subjects.js';
import { messageSpan } from './message-span.js';
import { messagingMetrics, type MessagingMetrics } from './messaging-metrics.js';
import {
  assertMarkable,
  backlogOf,
  listenForWrites,
  markPublished,
  nextEvents,
  notifyOfWrites,
  tryBecomeActive,
  type OutboxEvent,
} from './outbox-queries.js';
import { createRelayClient } from './outbox-session.js';
import { WakeUp } from './wake-up.js';

export interface OutboxRelayOptions {
  /** Of the database whose outbox it publishes; the relay takes one connection of its own. */
  databaseUrl: string;
  connection: BrokerConnection;
  /** CloudEvents' `source`, e.g. `/order-service`. */
  source: string;
  logger: Logger;
  metrics: Metrics;
  tracing?: Tracing | undefined;
  /** Notified of each event once it is published, before the next one is; for metrics of what happened. Must not throw. */
  onPublished?: (event: PublishedEvent) => void;
}

/** What an event says: its type, and its data as it was written. */
export type PublishedEvent = Pick<OutboxEvent, 'type' | 'data'>;

/** Events read at a time, all of them in flight together. */
const BATCH = 200;
const POLL = 1_000;
const FAILURE_PAUSE = { first: 250, most: 1_000 };
const RECONNECT_PAUSE = { first: 250, most: 2_000 };
/** An outbox whose oldest event waits longer than this is behind. */
const BEHIND_AFTER = 10_000;
const DRAIN_TIMEOUT = 5_000;
/**
 * Publishes what a service has written into its outbox: each event at least once, those of an aggregate in their order.
 * Of all relays of a database one is active, by a lock that ends with its session; the others stand by, pass on that they
 * were woken, and look once a second whether the lock is free.
 */
export class OutboxRelay {
  readonly #options: OutboxRelayOptions;
  readonly #metrics: MessagingMetrics;
  readonly #stopping = new AbortController();
  readonly #wakeUp = new WakeUp();
  #drainUntil = 0;
  #isConnected = false;
  #failedSessions = 0;
  /** Positions of the events that the broker has confirmed and that are not marked yet. */
  #unmarked: readonly string[] = [];
  readonly #held = new HeldSubjects();
  #oldest: Date | undefined;
  #publisher: Publisher | undefined;
  #running: Promise<void> | undefined;

  constructor(options: OutboxRelayOptions) {
    this.#options = options;
    this.#metrics = messagingMetrics(options.metrics);
  }

  start(): void {
    this.#publisher = this.#options.connection.createPublisher('outbox');
    this.#running = this.#run(this.#publisher);
  }

  /**
   * An event was committed: it is published now rather than at the next poll, whichever process has the active relay.
   * Costs next to nothing; however many commits call it meanwhile, one message to the active relay is under way at a time.
   */
  wake(): void {
    this.#wakeUp.call();
  }

  /** `behind`: events wait for more than 10 s. `down`: the database can't be reached. */
  state(): 'ok' | 'behind' | 'down' {
    if (!this.#isConnected) return 'down';
    return this.#oldest !== undefined && Date.now() - this.#oldest.getTime() > BEHIND_AFTER ? 'behind' : 'ok';
  }

  /** Publishes what is left, for 5 s at most and while the broker takes it, and gives the lock up. */
  async stop(): Promise<void> {
    this.#drainUntil = Date.now() + DRAIN_TIMEOUT;
    this.#stopping.abort();
    this.wake();
    if (this.#running !== undefined && !(await settlesWithin(this.#running, 2 * DRAIN_TIMEOUT))) {
      this.#options.logger.warn('outbox relay did not stop in time');
    }
    await this.#publisher?.stop();
  }

  async #run(publisher: Publisher): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const client = createRelayClient(this.#options);
      try {
        await client.connect();
        this.#isConnected = true;
        await this.#observe(client);
        if (await this.#standBy(client)) await this.#beActive(client, publisher);
      } catch (error) {
        this.#options.logger.warn('outbox relay lost its database', { err: error });
      } finally {
        this.#isConnected = false;
        this.#metrics.outboxRelayActive.set(0);
        await settlesWithin(client.end(), POLL);
      }
      await pause(backOff(this.#failedSessions++, RECONNECT_PAUSE), signal);
    }
  }

  /** Resolves to true once this relay is the active one, to false when it is to stop. */
  async #standBy(client: Client): Promise<boolean> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (await tryBecomeActive(client)) {
        await listenForWrites(client, () => this.wake());
        this.#options.logger.info('outbox relay is active');
        this.#metrics.outboxRelayActive.set(1);
        return true;
      }
      this.#failedSessions = 0;
      await this.#passOnWakes(client, Date.now() + POLL);
      await this.#observe(client);
    }
    return false;
  }

  async #passOnWakes(client: Client, until: number): Promise<void> {
    while (!this.#stopping.signal.aborted && Date.now() < until) {
      if (await this.#wakeUp.within(until - Date.now())) await notifyOfWrites(client);
    }
  }

  /** Looks at the outbox every second meanwhile, also while a batch waits for its confirms: so the session stays alive. */
  async #beActive(client: Client, publisher: Publisher): Promise<void> {
    const ended = new AbortController();
    const lost = new AbortController();
    const observing = this.#keepObserving(client, ended.signal).catch((error: unknown) => lost.abort(error));
    try {
      await this.#relay(client, publisher, lost.signal);
    } finally {
      ended.abort();
      await observing;
    }
  }

  /** Throws once the session is `lost`, and with it the lock. */
  async #relay(client: Client, publisher: Publisher, lost: AbortSignal): Promise<void> {
    const { signal } = this.#stopping;
    await this.#proveMarkable(client);
    this.#failedSessions = 0;
    for (let failures = 0; ;) {
      lost.throwIfAborted();
      const batch = publisher.isUp ? await this.#publishBatch(client, publisher, lost) : { read: 0, failed: 1 };
      if (signal.aborted && (batch.read === 0 || batch.failed > 0 || Date.now() > this.#drainUntil)) return;
      if (batch.failed > 0) {
        await pause(backOff(failures++, FAILURE_PAUSE), signal);
        continue;
      }
      failures = 0;
      if (batch.read < BATCH) await this.#wakeUp.within(POLL);
    }
  }

  /**
   * What can't be marked would be published again and again: a session publishes only after it has marked what was
   * confirmed before, or has shown that it could mark.
   */
  async #proveMarkable(client: Client): Promise<void> {
    if (this.#unmarked.length === 0) await assertMarkable(client);
    else await this.#mark(client, this.#unmarked);
  }

  async #mark(client: Client, positions: readonly string[]): Promise<void> {
    this.#unmarked = positions;
    await markPublished(client, positions);
    this.#unmarked = [];
  }

  async #publishBatch(
    client: Client,
    publisher: Publisher,
    lost: AbortSignal,
  ): Promise<{ read: number; failed: number }> {
    // Who stops tries none again that was refused.
    const held = this.#held.at(this.#stopping.signal.aborted ? 0 : Date.now());
    const events = await nextEvents(client, BATCH, held);
    const failures = new Map<string, PublishFailed>();
    // An aggregate's next event is sent when the one before is confirmed: none overtakes another that has to be sent again.
    const ofSubject = new Map<string, Promise<boolean>>();
    const confirmed = await Promise.all(
      events.map((event) => {
        const previous = ofSubject.get(event.subject) ?? Promise.resolve(true);
        const result = previous.then(
          // Without the lock another relay is at it.
          (isConfirmed) => isConfirmed && !lost.aborted && this.#publish(event, publisher, failures),
        );
        ofSubject.set(event.subject, result);
        return result;
      }),
    );
    const published = events.filter((_, index) => confirmed[index]);
    if (published.length > 0) {
      await this.#mark(
        client,
        published.map((event) => event.position),
      );
    }
    for (const event of published) {
      this.#held.release(event.subject);
      this.#options.onPublished?.(event);
    }
    if (failures.size > 0) {
      const [err] = failures.values();
      this.#options.logger.warn('events not published yet', { events: events.length - published.length, err });
    }
    return { read: events.length, failed: [...failures].filter(([...failure]) => !this.#holdBack(...failure)).length };
  }

  /** What is the matter with one event only must not hold up the others: those of its aggregate wait, and nobody else. */
  #holdBack(subject: string, { reason }: PublishFailed): boolean {
    return (reason === 'refused' || reason === 'returned') && this.#held.hold(subject, Date.now());
  }

  /** Whether the broker has confirmed it. */
  async #publish(event: OutboxEvent, publisher: Publisher, failures: Map<string, PublishFailed>): Promise<boolean> {
    const { topology } = this.#options.connection;
    const destination = `${topology.exchange}:${event.type}`;
    const observe = this.#metrics.publishDuration.startTimer({
      messaging_operation_name: 'publish',
      messaging_destination_name: destination,
    });
    const traceparent = event.traceparent ?? undefined;
    // What no request asked for is traced by the process that consumes it.
    const span =
      traceparent === undefined
        ? undefined
        : this.#options.tracing?.open(messageSpan('publish', destination, { ...event, traceparent }));
    try {
      const message = {
        routingKey: event.type,
        body: Buffer.from(JSON.stringify(toCloudEvent(event, this.#options.source))),
        messageId: event.id,
        type: event.type,
        contentType: 'application/cloudevents+json',
      };
      await Promise.all(destinationsOf(topology, event.type).map((to) => publisher.publish({ ...message, ...to })));
      observe({ error_type: '' });
      span?.end();
      return true;
    } catch (error) {
      if (!(error instanceof PublishFailed)) throw error;
      observe({ error_type: error.reason });
      if (error.reason === 'refused') this.#metrics.refused.inc({ messaging_destination_name: destination });
      span?.end({ errorType: error.reason });
      failures.set(event.subject, error);
      return false;
    }
  }

  async #keepObserving(client: Client, ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await this.#observe(client);
      await pause(POLL, ended);
    }
  }

  async #observe(client: Client): Promise<void> {
    const { waiting, oldest } = await backlogOf(client);
    this.#oldest = oldest ?? undefined;
    this.#metrics.outboxWaiting.set(waiting);
    this.#metrics.outboxAge.set(oldest === null ? 0 : Math.max(0, (Date.now() - oldest.getTime()) / 1_000));
  }
}
