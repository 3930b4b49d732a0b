import type { Channel } from 'amqplib';
import type { Logger } from '../logger/index.js';
import { RecoveringChannel } from './recovering-channel.js';
import type { RecoveringConnection } from './recovering-connection.js';

/**
 * Asks how full queues are, on a channel of its own. What it finds missing is declared again, and a broker that doesn't
 * answer within two seconds shows in the connection's state, also where there is nothing to publish or to consume.
 */
export class QueueInspector {
  readonly #channel: RecoveringChannel<Channel>;

  constructor(options: { connection: RecoveringConnection; name: string; logger: Logger }) {
    this.#channel = new RecoveringChannel({ ...options, open: (model) => model.createChannel() });
  }

  /** How many messages wait in the queue; undefined while that is unknown. */
  async messageCount(queue: string): Promise<number | undefined> {
    return (await this.#channel.ask((channel) => channel.checkQueue(queue)))?.messageCount;
  }

  stop(): Promise<void> {
    return this.#channel.stop();
  }
}
