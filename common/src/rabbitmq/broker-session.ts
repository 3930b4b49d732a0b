import { connect, type Channel, type ChannelModel, type ConfirmChannel, type GetMessage } from 'amqplib';
import { PublishFailed, type OutgoingMessage } from './publisher.js';
import { tlsOptionsOf } from './tls-options.js';
import { settlesWithin } from './waiting.js';

const ANSWER_TIMEOUT = 5_000;
const NOT_FOUND = 404;

/** A message out of a queue; it goes back there when the session ends, unless it is acknowledged. */
export interface TakenMessage {
  readonly body: Buffer;
  readonly messageId: string | undefined;
  readonly type: string | undefined;
  readonly contentType: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
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
    const channel = this.#adopt(await inTime(this.#model.createChannel()));
    try {
      const { messageCount } = await inTime(channel.checkQueue(queue));
      return { count: messageCount, messages: this.#take(channel, queue, messageCount) };
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#channels.splice(this.#channels.indexOf(channel), 1); // the broker has closed it
      return { count: 0, messages: this.#take(channel, queue, 0) };
    }
  }

  /** Undefined where there is no such queue. Messages in hand are not counted. */
  async find(queue: string): Promise<{ messages: number; consumers: number } | undefined> {
    const channel = this.#adopt(await inTime(this.#model.createChannel()));
    try {
      const { messageCount, consumerCount } = await inTime(channel.checkQueue(queue));
      return { messages: messageCount, consumers: consumerCount };
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#channels.splice(this.#channels.indexOf(channel), 1); // the broker has closed it
      return undefined;
    }
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

  /** Resolves when the broker has taken responsibility for the message. Throws PublishFailed. */
  async publish({ exchange, routingKey, body, ...properties }: OutgoingMessage): Promise<void> {
    const channel = (this.#publishing ??= this.#adopt(await inTime(this.#model.createConfirmChannel())));
    const outcome = { isReturned: false };
    const onReturn = () => {
      outcome.isReturned = true;
    };
    channel.once('return', onReturn);
    const confirmed = new Promise<void>((resolve, reject) => {
      channel.publish(exchange, routingKey, body, { ...properties, persistent: true }, (error: unknown) => {
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
  }

  /** Returns once every acknowledgement has reached the broker. */
  async close(): Promise<void> {
    for (const channel of this.#channels) await inTime(channel.close());
    await inTime(this.#model.close());
  }

  async *#take(channel: Channel, queue: string, limit: number): AsyncGenerator<TakenMessage, undefined> {
    for (let taken = 0; taken < limit; taken++) {
      const message = await inTime(channel.get(queue));
      if (message === false) return undefined;
      yield toTakenMessage(channel, message);
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

function toTakenMessage(channel: Channel, message: GetMessage): TakenMessage {
  const { content, properties } = message;
  return {
    body: content,
    messageId: textOrUndefined(properties.messageId),
    type: textOrUndefined(properties.type),
    contentType: textOrUndefined(properties.contentType),
    headers: properties.headers ?? {},
    acknowledge: () => channel.ack(message),
  };
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  if (!(await settlesWithin(answer, ANSWER_TIMEOUT))) throw new Error('the broker does not answer');
  return answer;
}

const isNotFound = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === NOT_FOUND;

/** Node's own error is without words where a name stands for several addresses. */
const reasonOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);

const textOrUndefined = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
