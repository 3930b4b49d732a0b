import { randomUUID } from 'node:crypto';
import type { RevocationList } from '../auth/index.js';
import { MalformedEvent, parseEvent } from '../contracts/index.js';
import type { Logger } from '../logger/index.js';
import {
  backOff,
  pause,
  settlesWithin,
  type BrokerConnection,
  type Delivery,
  type Publisher,
  type StreamQueue,
  type Subscription,
} from '../rabbitmq/index.js';

interface RevocationStreamOptions {
  connection: BrokerConnection;
  stream: StreamQueue;
  revocations: RevocationList;
  logger: Logger;
}

const PREFETCH = 200;
const MARKER_TYPE = 'reader.marker';
const MARKER_PAUSE = { first: 50, most: 1_000 };
/** Milliseconds that a process waits for the revocations before it serves without them. */
const TIMEOUT = 2_000;

/**
 * Keeps a process's list of revoked access tokens: reads the stream of revocations from its start, so that a process
 * that starts late knows the earlier ones too, and again after every reconnect, since adding one twice does no harm.
 */
export class RevocationStream {
  readonly #options: RevocationStreamOptions;
  readonly #marker = randomUUID();
  readonly #stopping = new AbortController();
  readonly #read = Promise.withResolvers<undefined>();
  #isReady = false;
  #subscription: Subscription | undefined;
  #publisher: Publisher | undefined;

  constructor(options: RevocationStreamOptions) {
    this.#options = options;
  }

  start(): void {
    const { connection, stream } = this.#options;
    this.#subscription = connection.subscribe({
      queue: stream.name,
      prefetch: PREFETCH,
      arguments: { 'x-stream-offset': 'first' },
      onDelivery: (delivery) => this.#process(delivery),
    });
    this.#publisher = connection.createPublisher(`mark in ${stream.name}`);
    void this.#mark(this.#publisher);
  }

  /** Whether everything was read once that had been revoked before this process started. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /**
   * Waits until it is ready, before its process serves anybody: otherwise that took tokens which were revoked earlier. For
   * 2 s at most, since processes start and serve without a broker.
   */
  async untilReady(): Promise<void> {
    if (await settlesWithin(this.#read.promise, TIMEOUT)) return;
    this.#options.logger.warn('earlier revocations are not known yet');
  }

  state(): 'up' | 'down' {
    return this.#subscription?.isUp === true && this.#isReady ? 'up' : 'down';
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#subscription?.stop({ grace: 0 });
    await this.#publisher?.stop();
  }

  /** A stream doesn't say where it ends: the reader puts a mark of its own there, and is ready when it comes by. */
  async #mark(publisher: Publisher): Promise<void> {
    const { stream, logger } = this.#options;
    const { signal } = this.#stopping;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await publisher.publish({
          exchange: '',
          routingKey: stream.name,
          body: Buffer.alloc(0),
          messageId: this.#marker,
          type: MARKER_TYPE,
          contentType: undefined,
          mandatory: true,
        });
        break;
      } catch (error) {
        logger.debug('mark not published yet', { stream: stream.name, err: error });
        await pause(backOff(attempt, MARKER_PAUSE), signal);
      }
    }
    await publisher.stop();
  }

  async #process(delivery: Delivery): Promise<void> {
    if (delivery.type === MARKER_TYPE) {
      if (delivery.messageId === this.#marker) this.#becomeReady();
    } else {
      this.#add(delivery);
    }
    delivery.acknowledge();
  }

  #becomeReady(): void {
    this.#isReady = true;
    this.#read.resolve(undefined);
  }

  #add({ body, messageId }: Delivery): void {
    try {
      const event = parseEvent(body);
      if (event.type === 'user.access_revoked') this.#options.revocations.add(event.data);
    } catch (error) {
      if (!(error instanceof MalformedEvent)) throw error;
      this.#options.logger.error('malformed revocation skipped', { messageId, err: error });
    }
  }
}
