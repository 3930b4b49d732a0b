import type { ConfirmChannel } from 'amqplib';
import type { Logger } from '../logger/index.js';
import { RecoveringChannel } from './recovering-channel.js';
import type { RecoveringConnection } from './recovering-connection.js';
import { pause } from './waiting.js';

const BEAT_EVERY = 1_000;

/** Something that the broker answers, and that changes nothing. */
type Beat = (channel: ConfirmChannel) => Promise<unknown>;

export const pingConsumer: Beat = (channel) => channel.prefetch(1);

/** RabbitMQ describes an alarm (memory, disk) only those that publish: this is a message for no queue, which it drops. */
export const pingPublisher: Beat = (channel) =>
  new Promise((resolve) => {
    channel.publish('', 'heartbeat', Buffer.alloc(0), {}, resolve);
  });

/**
 * Shows in its connection's state within 3 s that the broker no longer answers there, also where there is nothing to do:
 * AMQP's own heartbeat takes 20 s.
 */
export class Heartbeat {
  readonly #connection: RecoveringConnection;
  readonly #beat: Beat;
  readonly #channel: RecoveringChannel<ConfirmChannel>;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: { connection: RecoveringConnection; beat: Beat; name: string; logger: Logger }) {
    this.#connection = options.connection;
    this.#beat = options.beat;
    this.#channel = new RecoveringChannel({ ...options, open: (model) => model.createConfirmChannel() });
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#channel.stop();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      // Some of it by chance, so that many processes don't ask in step.
      await pause(BEAT_EVERY * (0.8 + 0.2 * Math.random()), signal);
      if (!this.#connection.isBlocked) await this.#channel.ask(this.#beat);
    }
  }
}
