import type { ConfirmChannel } from 'amqplib';
import type { Logger } from '../logger/index.js';
import { InFlight } from '../process/index.js';
import { RecoveringChannel } from './recovering-channel.js';
import type { RecoveringConnection } from './recovering-connection.js';

export interface OutgoingMessage {
  /** Empty: straight to the queue that the routing key names. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  /** The same for every try, so that the receiver can tell a repetition. */
  readonly messageId: string | undefined;
  readonly type: string | undefined;
  readonly contentType: string | undefined;
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  /** Milliseconds that it may wait in its queue. */
  readonly expiration?: number | undefined;
  /** Fail where no queue takes the message; otherwise it is dropped then. */
  readonly mandatory: boolean;
}

/**
 * The message was not confirmed. `unavailable`: not even sent, or its channel was lost. `timeout`: no answer.
 * `returned`: no queue takes it. `refused`: the queue is full. After `unavailable` and `timeout` it may have arrived all the same.
 */
export class PublishFailed extends Error {
  override readonly name = 'PublishFailed';
  readonly reason: 'unavailable' | 'timeout' | 'returned' | 'refused';

  constructor(reason: PublishFailed['reason'], options?: ErrorOptions) {
    super(`message not confirmed: ${reason}`, options);
    this.reason = reason;
  }
}

interface Pending {
  readonly correlationId: string;
  readonly settle: (failure?: PublishFailed) => void;
  isReturned: boolean;
  isSettled: boolean;
}

/**
 * Publishes with confirms on a channel of its own, messages of one publisher in the order of the calls. How many are in
 * flight is bounded by the caller; none is written while the broker is known not to read.
 */
export class Publisher {
  readonly #connection: RecoveringConnection;
  readonly #channel: RecoveringChannel<ConfirmChannel>;
  readonly #confirmTimeout: number;
  readonly #pending = new InFlight<Pending>();
  #published = 0;

  constructor({
    connection,
    name,
    logger,
    confirmTimeout,
  }: {
    connection: RecoveringConnection;
    name: string;
    logger: Logger;
    confirmTimeout: number;
  }) {
    this.#connection = connection;
    this.#confirmTimeout = confirmTimeout;
    this.#channel = new RecoveringChannel({
      connection,
      name,
      logger,
      open: (model) => model.createConfirmChannel(),
      setUp: (channel, lost) => {
        lost.addEventListener('abort', () => {
          for (const { settle } of this.#pending) settle(new PublishFailed('unavailable'));
        });
        channel.on('return', ({ properties }) => {
          const returned = [...this.#pending].find(({ correlationId }) => correlationId === properties.correlationId);
          if (returned !== undefined) returned.isReturned = true;
        });
        return Promise.resolve();
      },
    });
  }

  get isUp(): boolean {
    return this.#channel.isOpen && !this.#connection.isBlocked;
  }

  /** Resolves when the broker has taken responsibility for the message. Throws PublishFailed. */
  publish(message: OutgoingMessage): Promise<void> {
    const channel = this.#channel.current;
    if (channel === undefined || this.#connection.isBlocked) return Promise.reject(new PublishFailed('unavailable'));
    const { exchange, routingKey, body, headers, ...properties } = message;
    // Distinguishes a returned message from another try of the same one.
    const correlationId = String(++this.#published);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        pending.settle(new PublishFailed('timeout'));
        // Confirms that are still to come belong to the old channel: what the broker holds of us stays bounded.
        this.#channel.reset('no confirm in time', channel);
      }, this.#confirmTimeout);
      const pending: Pending = {
        correlationId,
        isReturned: false,
        isSettled: false,
        settle: (failure) => {
          clearTimeout(timer);
          pending.isSettled = true;
          remove();
          if (failure === undefined) resolve();
          else reject(failure);
        },
      };
      const remove = this.#pending.add(pending);
      try {
        channel.publish(
          exchange,
          routingKey,
          body,
          { ...properties, headers: { ...headers }, persistent: true, correlationId },
          (error: unknown) => {
            if (pending.isSettled) return;
            if (pending.isReturned) {
              pending.settle(new PublishFailed('returned'));
              this.#channel.reset('no queue for a message', channel);
            } else if (error) pending.settle(new PublishFailed('refused', { cause: error }));
            else pending.settle();
          },
        );
      } catch (error) {
        pending.settle(new PublishFailed('unavailable', { cause: error }));
        this.#channel.reset('channel takes no messages', channel);
      }
    });
  }

  stop(): Promise<void> {
    return this.#channel.stop();
  }
}
