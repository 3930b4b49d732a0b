import type { Metrics } from '../metrics/index.js';
import { pause, type BrokerConnection, type QueueInspector } from '../rabbitmq/index.js';
import { messagingMetrics, type MessagingMetrics } from './messaging-metrics.js';

const LOOK_EVERY = 1_000;

export interface QueueDepthsOptions {
  connection: BrokerConnection;
  queues: readonly string[];
  metrics: Metrics;
  /** Notified after each look; undefined where the broker doesn't tell. */
  onLook: (queue: string, waiting: number | undefined) => void;
}

/** Keeps the gauge of how many messages wait in some queues. While the broker doesn't tell there is no metric, not an old one. */
export class QueueDepths {
  readonly #options: QueueDepthsOptions;
  readonly #metrics: MessagingMetrics;
  readonly #stopping = new AbortController();
  #inspector: QueueInspector | undefined;
  #running: Promise<void> | undefined;

  constructor(options: QueueDepthsOptions) {
    this.#options = options;
    this.#metrics = messagingMetrics(options.metrics);
  }

  start(): void {
    const { connection, queues } = this.#options;
    this.#inspector = connection.createInspector(`depths of ${queues.join(', ')}`);
    this.#running = this.#run(this.#inspector);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#inspector?.stop();
  }

  async #run(inspector: QueueInspector): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      for (const queue of this.#options.queues) {
        const count = await inspector.messageCount(queue);
        if (count === undefined) this.#metrics.queueDepth.remove(queue);
        else this.#metrics.queueDepth.set({ messaging_destination_name: queue }, count);
        this.#options.onLook(queue, count);
      }
      // Some of it by chance, so that many processes don't ask in step.
      await pause(LOOK_EVERY * (0.8 + 0.2 * Math.random()), signal);
    }
  }
}
