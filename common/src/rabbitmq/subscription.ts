import type { Channel, ConsumeMessage } from 'amqplib';
import type { Logger } from '../logger/index.js';
import { InFlight } from '../process/index.js';
import { Acknowledgements } from './acknowledgements.js';
import { readMessage, type ReceivedMessage } from './message.js';
import { RecoveringChannel } from './recovering-channel.js';
import type { RecoveringConnection } from './recovering-connection.js';
import { declareTransientQueue, type TransientQueue } from './topology.js';
import { settlesWithin } from './waiting.js';

/** A message on its way to a consumer, which stays responsible for it until `acknowledge`. */
export interface Delivery extends ReceivedMessage {
  readonly routingKey: string;
  /** Aborts when the channel is lost: the broker will deliver the message again. */
  readonly lost: AbortSignal;
  /** Without effect once it is lost. */
  acknowledge(): void;
}

export interface SubscribeOptions {
  /** The name of a declared queue; or a transient one, which is made for this subscription alone. */
  queue: string | TransientQueue;
  /** How many deliveries may be unacknowledged at a time. */
  prefetch: number;
  /** Arguments of the consumer, such as a stream's offset. */
  arguments?: Readonly<Record<string, unknown>>;
  /** Must not reject: what can go wrong with a message is its business. */
  onDelivery: (delivery: Delivery) => Promise<void>;
  /** Notified each time that it begins to consume; what a transient queue would have held before is not to be had any more. */
  onSubscribed?: () => void;
}

const CANCEL_TIMEOUT = 2_000;

/** Consumes a queue on a channel of its own, and subscribes again whatever ended it: connection, channel, cancelled by the broker. */
export class Subscription {
  readonly #channel: RecoveringChannel<Channel>;
  readonly #options: SubscribeOptions;
  readonly #exchange: string;
  readonly #queueName: string;
  readonly #logger: Logger;
  readonly #handling = new InFlight<Promise<void>>();
  #consumerTag = '';
  #acknowledgements: Acknowledgements | undefined;
  #deliveries = 0;
  /** At the last look that found messages waiting and none in hand. */
  #deliveriesThen: number | undefined;

  /** `exchange`: where a transient queue gets its messages from. */
  constructor(options: SubscribeOptions & { connection: RecoveringConnection; exchange: string; logger: Logger }) {
    this.#options = options;
    this.#exchange = options.exchange;
    this.#queueName = typeof options.queue === 'string' ? options.queue : options.queue.name;
    this.#logger = options.logger;
    this.#channel = new RecoveringChannel({
      connection: options.connection,
      name: this.#queueName,
      logger: options.logger,
      open: (model) => model.createChannel(),
      setUp: (channel, lost) => this.#consume(channel, lost),
    });
  }

  get isUp(): boolean {
    return this.#channel.isOpen;
  }

  /**
   * Notified about once a second how many messages wait. When they do twice in a row, none is in hand and none has come in
   * between, the broker has forgotten this consumer without a word, as RabbitMQ does when a queue is deleted and at once
   * made again: subscribes again.
   */
  notice(waiting: number | undefined): void {
    const isStarved = this.isUp && waiting !== undefined && waiting > 0 && this.#handling.size === 0;
    if (isStarved && this.#deliveriesThen === this.#deliveries) {
      this.#deliveriesThen = undefined;
      this.#channel.reset('messages wait and none comes');
    } else this.#deliveriesThen = isStarved ? this.#deliveries : undefined;
  }

  /** Takes no further messages, waits up to `grace` milliseconds for those in hand, and gives the rest back to the broker. */
  async stop({ grace }: { grace: number }): Promise<void> {
    const channel = this.#channel.current;
    if (channel !== undefined) await settlesWithin(channel.cancel(this.#consumerTag), CANCEL_TIMEOUT);
    if (!(await settlesWithin(Promise.all(this.#handling), grace))) {
      this.#logger.warn('messages still in hand at stop', {
        queue: this.#queueName,
        messages: this.#handling.size,
      });
    }
    this.#acknowledgements?.flush();
    await this.#channel.stop();
  }

  async #consume(channel: Channel, lost: AbortSignal): Promise<void> {
    const { queue, prefetch, arguments: consumerArguments, onSubscribed } = this.#options;
    this.#deliveriesThen = undefined;
    await channel.prefetch(prefetch);
    const acknowledgements = new Acknowledgements(channel, lost);
    this.#acknowledgements = acknowledgements;
    const { consumerTag } = await channel.consume(
      typeof queue === 'string' ? queue : await declareTransientQueue(channel, this.#exchange, queue),
      (message) => {
        if (message === null) this.#channel.reset('consumer cancelled by the broker');
        else this.#handle(message, acknowledgements, lost);
      },
      { arguments: { ...consumerArguments } },
    );
    this.#consumerTag = consumerTag;
    onSubscribed?.();
  }

  #handle(message: ConsumeMessage, acknowledgements: Acknowledgements, lost: AbortSignal): void {
    const acknowledge = acknowledgements.expect(message);
    this.#deliveries++;
    const handled = this.#options
      .onDelivery({
        ...readMessage(message),
        routingKey: message.fields.routingKey,
        lost,
        acknowledge,
      })
      .catch((error: unknown) => {
        this.#logger.error('delivery handler failed', { queue: this.#queueName, err: error });
      })
      .finally(() => remove());
    const remove = this.#handling.add(handled);
  }
}
