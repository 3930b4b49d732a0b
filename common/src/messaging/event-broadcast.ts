import { MalformedEvent, parseEvent, type IncomingEvent } from '../contracts/index.js';
import type { Logger } from '../logger/index.js';
import type { BrokerConnection, Delivery, Subscription, TransientQueue } from '../rabbitmq/index.js';

interface EventBroadcastOptions {
  connection: BrokerConnection;
  queue: TransientQueue;
  /** Whether anybody waits for events at this moment; while nobody does they aren't even read. */
  isWanted: () => boolean;
  /** Must not throw. An event may come more than once, and after a later one. */
  onEvent: (event: IncomingEvent) => void;
  /** Events come from now on; whatever was published before may have been missed. Notified after every connect. */
  onBegin: () => void;
  logger: Logger;
}

const PREFETCH = 200;

/**
 * Consumes events as they happen, each process all of them: for what follows the present and keeps nothing. There is no
 * inbox, no other try and no dead letter; whoever can't do with a gap looks for itself in `onBegin`.
 */
export class EventBroadcast {
  readonly #options: EventBroadcastOptions;
  #subscription: Subscription | undefined;

  constructor(options: EventBroadcastOptions) {
    this.#options = options;
  }

  start(): void {
    const { connection, queue, onBegin } = this.#options;
    this.#subscription = connection.subscribe({
      queue,
      prefetch: PREFETCH,
      onDelivery: (delivery) => this.#process(delivery),
      onSubscribed: onBegin,
    });
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop({ grace: 0 });
  }

  async #process(delivery: Delivery): Promise<void> {
    delivery.acknowledge();
    if (!this.#options.isWanted()) return;
    try {
      this.#options.onEvent(parseEvent(delivery.body));
    } catch (error) {
      if (!(error instanceof MalformedEvent)) throw error;
      this.#options.logger.error('malformed event skipped', { messageId: delivery.messageId, err: error });
    }
  }
}
