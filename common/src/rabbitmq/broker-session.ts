import { connect, type Channel, type ChannelModel, type ConfirmChannel } from 'amqplib';
import { readMessage, type ReceivedMessage } from './message.js';
import { PublishFailed } from './publisher.js';
import { tlsOptionsOf } from './tls-options.js';
import { settlesWithin } from './waiting.js';

const ANSWER_TIMEOUT = 5_000;
const NOT_FOUND = 404;

/** A message out of a queue; it goes back there when the session ends, unless it is acknowledged. */
export interface TakenMessage extends ReceivedMessage {
  acknowledge(): void;
}

/**
 * The broker, as a tool uses it that somebody runs and watches: one connection that does not recover. Everything throws
 * when the broker is gone, or doesn't answer for 5 s.
 */
export class BrokerSession {
  readonly #model: ChannelModel;
  readonly #channels: Channel[] = [];
  #publishing: ConfirmChannel | undefined;
  #administering: Channel | undefined;

  private constructor(model: ChannelModel) {
    this.#model = model;
  }

  static async open({ url, name }: { url: string; name: string }): Promise<BrokerSession> {
    const socket = { ...tlsOptionsOf(url), timeout: ANSWER_TIMEOUT, noDelay: true };
    const options = { ...socket, clientProperties: { connection_name: name } };
    const model = await connect(url, options).catch((error: unknown) => {
      throw new Error(`no connection to the broker at ${new URL(url).host}: ${reasonOf(error)}`, { cause: error });
    });
    model.on('error', () => undefined); // whatever is asked next rejects with it
    return new BrokerSession(model);
  }

  /** Takes the messages, the oldest first, that are in the queue at the call; none where there is no such queue. */
  async take(queue: string): Promise<{ count: number; messages: AsyncGenerator<TakenMessage, undefined> }> {
    const found = await this.#open(queue);
    return { count: found?.messages ?? 0, messages: this.#take(queue, found) };
  }

  /** Undefined where there is no such queue. Messages in hand are not counted. */
  async find(queue: string): Promise<{ messages: number; consumers: number } | undefined> {
    return this.#open(queue);
  }

  /** Puts a message into a queue, which confirms it before it leaves the one that it was taken from. Throws PublishFailed. */
  async move(message: TakenMessage, to: string, headers: Readonly<Record<string, unknown>>): Promise<void> {
    const { body, messageId, type, contentType } = message;
    const properties = { messageId, type, contentType, headers, mandatory: true, persistent: true };
    const channel = (this.#publishing ??= this.#adopt(await inTime(this.#model.createConfirmChannel())));
    const outcome = { isReturned: false };
    const onReturn = () => {
      outcome.isReturned = true;
    };
    channel.once('return', onReturn);
    const confirmed = new Promise<void>((resolve, reject) => {
      channel.publish('', to, body, properties, (error: unknown) => {
        if (error) reject(new PublishFailed('refused', { cause: error }));
        else resolve();
      });
    });
    try {
      if (!(await settlesWithin(confirmed, ANSWER_TIMEOUT))) throw new PublishFailed('timeout');
      await confirmed;
    } finally {
      channel.off('return', onReturn);
    }
    if (outcome.isReturned) throw new PublishFailed('returned');
    message.acknowledge();
  }

  /** The queue gets no further messages of that exchange with these routing keys. */
  async unbind(queue: string, exchange: string, routingKeys: readonly string[]): Promise<void> {
    const channel = await this.#administer();
    for (const routingKey of routingKeys) await inTime(channel.unbindQueue(queue, exchange, routingKey));
  }

  /** With all that is in it. */
  async delete(queue: string): Promise<void> {
    const channel = await this.#administer();
    await inTime(channel.deleteQueue(queue));
  }

  /** Returns once every acknowledgement has reached the broker. */
  async close(): Promise<void> {
    for (const channel of this.#channels) await inTime(channel.close());
    await inTime(this.#model.close());
  }

  /** A channel of its own for a queue, and what is known of that; undefined where there is no such queue. */
  async #open(queue: string): Promise<{ channel: Channel; messages: number; consumers: number } | undefined> {
    const channel = this.#adopt(await inTime(this.#model.createChannel()));
    try {
      const { messageCount, consumerCount } = await inTime(channel.checkQueue(queue));
      return { channel, messages: messageCount, consumers: consumerCount };
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#channels.splice(this.#channels.indexOf(channel), 1); // the broker has closed it
      return undefined;
    }
  }

  async *#take(
    queue: string,
    found: { channel: Channel; messages: number } | undefined,
  ): AsyncGenerator<TakenMessage, undefined> {
    if (found === undefined) return undefined;
    for (let taken = 0; taken < found.messages; taken++) {
      const message = await inTime(found.channel.get(queue));
      if (message === false) return undefined;
      yield { ...readMessage(message), acknowledge: () => found.channel.ack(message) };
    }
    return undefined;
  }

  async #administer(): Promise<Channel> {
    return (this.#administering ??= this.#adopt(await inTime(this.#model.createChannel())));
  }

  #adopt<C extends Channel>(channel: C): C {
    channel.on('error', () => undefined); // the call that caused it rejects with the same error
    this.#channels.push(channel);
    return channel;
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  if (!(await settlesWithin(answer, ANSWER_TIMEOUT))) throw new Error('the broker does not answer');
  return answer;
}

const isNotFound = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === NOT_FOUND;

/** Node's own error is without words where a name stands for several addresses. */
const reasonOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);
