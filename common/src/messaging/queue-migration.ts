import type { Logger } from '../logger/index.js';
import {
  deadLetterQueueOf,
  pause,
  queuesOf,
  type BrokerConnection,
  type BrokerSession,
  type WorkQueue,
} from '../rabbitmq/index.js';
import { withoutBrokerHeaders } from './dead-letter-headers.js';

const LOOK_EVERY = 10_000;
/** Longer than a message waits for its next try: what is on its way through a delay queue has come by. */
const MARGIN = 60_000;

export interface QueueMigrationOptions {
  connection: BrokerConnection;
  queue: WorkQueue;
  /** Whether the queue is there and bound. */
  isReady: () => boolean;
  logger: Logger;
  lookEvery?: number;
  margin?: number;
}

/**
 * Empties the queues that a work queue had under its former names: nothing new comes in there, what is left is moved, each
 * message confirmed in its new place before it leaves the old one, and a queue that nobody uses and that has stayed empty
 * is deleted. It looks for as long as the process runs, since a process of the version before declares them again.
 */
export class QueueMigration {
  readonly #options: QueueMigrationOptions;
  readonly #stopping = new AbortController();
  readonly #unusedSince = new Map<string, number>();
  #running: Promise<void> | undefined;

  constructor(options: QueueMigrationOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.queue.formerNames.length > 0) this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { connection, queue, isReady, logger, lookEvery = LOOK_EVERY } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (isReady()) {
        try {
          const session = await connection.openSession(`migration to ${queue.name}`);
          try {
            for (const name of queue.formerNames) await this.#migrate(session, { ...queue, name });
          } finally {
            await session.close().catch(() => undefined); // what was not acknowledged goes back
          }
        } catch (err) {
          logger.warn('former queues could not be emptied yet', { queue: queue.name, err });
        }
      }
      // Some of it by chance, so that many processes don't look in step.
      await pause(lookEvery * (0.8 + 0.2 * Math.random()), signal);
    }
  }

  async #migrate(session: BrokerSession, former: WorkQueue): Promise<void> {
    const { connection, queue, logger } = this.#options;
    if (await session.find(former.name)) {
      await session.unbind(former.name, connection.topology.exchange, queue.routingKeys);
    }
    const moved =
      (await this.#move(session, former.name, queue.name)) +
      (await this.#move(session, deadLetterQueueOf(former), deadLetterQueueOf(queue)));
    if (moved > 0)
      logger.info('messages moved from a former queue', { from: former.name, to: queue.name, messages: moved });
    if (await this.#isUnused(session, former)) await this.#delete(session, former);
  }

  async #move(session: BrokerSession, from: string, to: string): Promise<number> {
    const { messages } = await session.take(from);
    let moved = 0;
    for await (const message of messages) {
      await session.move(message, to, withoutBrokerHeaders(message.headers));
      moved++;
      if (this.#stopping.signal.aborted) break;
    }
    return moved;
  }

  /** Whether all of its queues have been empty and without a consumer for long enough. */
  async #isUnused(session: BrokerSession, former: WorkQueue): Promise<boolean> {
    const { margin = MARGIN } = this.#options;
    const states = await this.#states(session, former);
    const isEmpty = states.every(({ messages, consumers }) => messages === 0 && consumers === 0);
    if (!isEmpty || states.length === 0) {
      this.#unusedSince.delete(former.name);
      return false;
    }
    const since = this.#unusedSince.get(former.name) ?? Date.now();
    this.#unusedSince.set(former.name, since);
    return Date.now() - since > Math.max(...former.retryPauses, 0) + margin;
  }

  async #states(session: BrokerSession, former: WorkQueue) {
    const states = [];
    for (const name of queuesOf(former)) {
      const state = await session.find(name);
      if (state !== undefined) states.push(state);
    }
    return states;
  }

  async #delete(session: BrokerSession, former: WorkQueue): Promise<void> {
    for (const name of queuesOf(former)) await session.delete(name);
    this.#unusedSince.delete(former.name);
    this.#options.logger.info('former queue deleted', { queue: former.name });
  }
}
