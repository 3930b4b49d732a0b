import { once } from 'node:events';
import type { Channel, ChannelModel } from 'amqplib';
import type { Logger } from '../logger/index.js';
import type { RecoveringConnection } from './recovering-connection.js';
import { backOff, pause, settlesWithin } from './waiting.js';

const REOPEN_PAUSE = { first: 50, most: 1_000 };
const CLOSE_TIMEOUT = 2_000;
const ANSWER_TIMEOUT = 2_000;

interface RecoveringChannelOptions<C extends Channel> {
  connection: RecoveringConnection;
  name: string;
  logger: Logger;
  open: (model: ChannelModel) => Promise<C>;
  /** Makes a new channel ready for use: prefetch, consumer, listeners. `lost` aborts as soon as the channel is of no more use. */
  setUp?: (channel: C, lost: AbortSignal) => Promise<void>;
}

/** A channel that is opened and set up again, indefinitely, after whatever ended it: its connection, an error of its own, a reset. */
export class RecoveringChannel<C extends Channel> {
  readonly #options: RecoveringChannelOptions<C>;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #isStopping = false;
  #current: C | undefined;
  #giveUp: (() => void) | undefined;

  constructor(options: RecoveringChannelOptions<C>) {
    this.#options = options;
    options.connection.addChannel(this);
    this.#running = this.#keepOpen();
  }

  /** The channel while it is open and set up. */
  get current(): C | undefined {
    return this.#current;
  }

  get isOpen(): boolean {
    return this.#current !== undefined;
  }

  /** Gives the channel up, unless it is no longer the one that is meant, and opens another, after declaring what may have gone. */
  reset(reason: string, meant?: C): void {
    if (meant !== undefined && meant !== this.#current) return;
    this.#options.logger.warn('channel is opened again', { channel: this.#options.name, reason });
    this.#options.connection.invalidateTopology();
    this.#giveUp?.();
  }

  /**
   * What the broker answers; undefined while there is no channel, and where the answer does not come within 2 s: then another
   * channel is opened.
   */
  async ask<Answer>(question: (channel: C) => Promise<Answer>): Promise<Answer | undefined> {
    const channel = this.#current;
    if (channel === undefined) return undefined;
    let answer: Answer | undefined;
    // amqplib throws where the channel is just closing.
    const asking = (async () => (answer = await question(channel)))();
    const isAnswered = await settlesWithin(asking, ANSWER_TIMEOUT);
    if (!isAnswered && !this.#options.connection.isBlocked) this.reset('no answer in time', channel);
    return answer;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#options.connection.removeChannel(this);
    const closing = (async () => {
      await this.#current?.close();
      this.#stopped.abort();
      await this.#running;
    })();
    if (!(await settlesWithin(closing, CLOSE_TIMEOUT))) {
      this.#options.logger.warn('channel did not close in time', { channel: this.#options.name });
    }
    this.#stopped.abort();
  }

  async #keepOpen(): Promise<void> {
    const { connection, name, logger } = this.#options;
    const stopped = this.#stopped.signal;
    for (let attempt = 0; this.#isWanted(); attempt++) {
      try {
        const channel = await this.#options.open(await connection.ready(stopped));
        const lost = this.#watch(channel);
        try {
          await this.#options.setUp?.(channel, lost);
          this.#current = channel;
          attempt = 0;
          if (!lost.aborted) await once(lost, 'abort');
        } finally {
          this.#giveUp?.();
          // Not awaited: amqplib never settles a close whose answer is cut off by the connection's end.
          void channel.close().catch(() => undefined);
        }
      } catch (error) {
        if (this.#isWanted()) logger.warn('channel could not be opened', { channel: name, err: error });
      }
      await pause(backOff(attempt, REOPEN_PAUSE), stopped);
    }
  }

  #isWanted(): boolean {
    return !this.#isStopping;
  }

  #watch(channel: C): AbortSignal {
    const { connection, name, logger } = this.#options;
    const lost = new AbortController();
    const giveUp = () => {
      if (this.#current === channel) this.#current = undefined;
      lost.abort();
    };
    this.#giveUp = giveUp;
    // Before amqplib's own listener, which fails every unconfirmed message as if the broker had refused it.
    channel.prependOnceListener('close', giveUp);
    channel.on('error', (err) => {
      logger.warn('broker closed a channel', { channel: name, err });
      connection.invalidateTopology(); // most often a queue or the exchange is missing
    });
    channel.on('handler-error', (err, event) => {
      logger.error('channel listener failed', { channel: name, event, err });
    });
    return AbortSignal.any([lost.signal, this.#stopped.signal]);
  }
}
