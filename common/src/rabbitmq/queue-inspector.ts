import type { Channel } from 'amqplib';
import type { Logger } from '../logger/index.js';
import { RecoveringChannel } from './recovering-channel.js';
import type { RecoveringConnection } from './recovering-connection.js';
import { settlesWithin } from './waiting.js';

const ANSWER_TIMEOUT = 2_000;

/**
 * Asks how full queues are, on a channel of its own. What it finds missing is declared again, and a broker that doesn't
 * answer within two seconds shows in the connection's state, also where there is nothing to publish or to consume.
 */
export class QueueInspector {
  readonly #channel: RecoveringChannel<Channel>;

  constructor({ connection, name, logger }: { connection: RecoveringConnection; name: string; logger: Logger }) {
    this.#channel = new RecoveringChannel({
      connection,
      name,
      logger,
      open: (model) => model.createChannel(),
      setUp: () => Promise.resolve(),
    });
  }

  /** How many messages wait in the queue; undefined while that is unknown. */
  async messageCount(queue: string): Promise<number | undefined> {
    const channel = this.#channel.current;
    if (channel === undefined) return undefined;
    let count: number | undefined;
    const answer = channel.checkQueue(queue).then(({ messageCount }) => (count = messageCount));
    const isAnswered = await settlesWithin(answer, ANSWER_TIMEOUT);
    if (!isAnswered && this.#channel.current === channel) this.#channel.reset('no answer in time');
    return count;
  }

  stop(): Promise<void> {
    return this.#channel.stop();
  }
}
