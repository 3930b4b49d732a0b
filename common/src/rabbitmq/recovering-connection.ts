import { EventEmitter, once } from 'node:events';
import { connect, type ChannelModel, type RecoveringChannelModel } from 'amqplib';
import type { Logger } from '../logger/index.js';
import { groupWrites } from './group-writes.js';
import { tlsOptionsOf } from './tls-options.js';
import { declareTopology, type Topology } from './topology.js';
import { settlesWithin } from './waiting.js';

const HEARTBEAT_SECONDS = 10;
const HANDSHAKE_TIMEOUT = 3_000;
const RECOVERY = { initialDelay: 100, factor: 2, maxDelay: 2_000, jitter: 0.5 };
const CLOSE_TIMEOUT = 2_000;

interface OwnedChannel {
  readonly isOpen: boolean;
  stop(): Promise<void>;
}

/** One connection to the broker, made in the background and made again indefinitely, until it is stopped. */
export class RecoveringConnection {
  readonly #topology: Topology;
  readonly #logger: Logger;
  readonly #changes = new EventEmitter<{ connect: [] }>();
  readonly #channels = new Set<OwnedChannel>();
  readonly #recovering: Promise<RecoveringChannelModel>;
  #model: ChannelModel | undefined;
  #declared: Promise<void> | undefined;
  #blocked = false;

  constructor({ url, name, topology, logger }: { url: string; name: string; topology: Topology; logger: Logger }) {
    this.#topology = topology;
    this.#logger = logger;
    this.#changes.setMaxListeners(0); // one for each channel that waits
    const address = new URL(url);
    address.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS));
    this.#recovering = this.#start(address.href, name);
  }

  /** Connected, not blocked by an alarm (memory, disk) of the broker, and every channel open. */
  get isUp(): boolean {
    if (this.#model === undefined || this.#blocked) return false;
    return [...this.#channels].every((channel) => channel.isOpen);
  }

  /** The broker takes no messages at present; what is sent to it waits in its socket. */
  get isBlocked(): boolean {
    return this.#blocked;
  }

  /** The connection as soon as there is one on which the topology is declared. Rejects once the signal aborts. */
  async ready(signal: AbortSignal): Promise<ChannelModel> {
    for (;;) {
      signal.throwIfAborted();
      const model = this.#model;
      if (model === undefined) {
        await once(this.#changes, 'connect', { signal });
        continue;
      }
      this.#declared ??= declareTopology(model, this.#topology, this.#logger);
      try {
        await this.#declared;
        return model;
      } catch (error) {
        this.#declared = undefined;
        throw error;
      }
    }
  }

  /** A queue seems to be gone: declare everything again before the next channel opens. */
  invalidateTopology(): void {
    this.#declared = undefined;
  }

  addChannel(channel: OwnedChannel): void {
    this.#channels.add(channel);
  }

  removeChannel(channel: OwnedChannel): void {
    this.#channels.delete(channel);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#channels].map((channel) => channel.stop()));
    const closing = this.#recovering.then((recovering) => recovering.close());
    if (!(await settlesWithin(closing, CLOSE_TIMEOUT))) this.#logger.warn('broker connection did not close in time');
  }

  async #start(url: string, name: string): Promise<RecoveringChannelModel> {
    const recovering = await connect(url, {
      ...tlsOptionsOf(url),
      noDelay: true,
      timeout: HANDSHAKE_TIMEOUT,
      clientProperties: { connection_name: name },
      recovery: { ...RECOVERY, waitForConnect: false, setup: (model: ChannelModel) => this.#checkAlive(model) },
    });
    recovering.on('connect', (model) => {
      this.#model = model;
      this.#declared = undefined;
      this.#logger.info('broker connected', { connection: name });
      this.#changes.emit('connect');
    });
    recovering.on('disconnect', (err) => {
      this.#model = undefined;
      this.#blocked = false;
      this.#logger.warn('broker disconnected', { connection: name, err });
    });
    recovering.on('connect-failed', (err) => {
      this.#logger.warn('broker connection failed', { connection: name, err });
    });
    recovering.on('blocked', (reason) => {
      this.#blocked = true;
      this.#logger.warn('broker blocks publishers', { connection: name, reason });
    });
    recovering.on('unblocked', () => {
      this.#blocked = false;
      this.#logger.info('broker takes messages again', { connection: name });
    });
    recovering.on('error', () => undefined); // each is followed by 'disconnect', which carries it
    return recovering;
  }

  /**
   * amqplib does not notice a connection that the broker closes while it opens. Opening a channel shows it, and can
   * fail for no other reason: after any other failure amqplib would wait for the broker's goodbye, if need be indefinitely.
   */
  async #checkAlive(model: ChannelModel): Promise<void> {
    const closed = new AbortController();
    model.once('close', () => {
      closed.abort(new Error('broker closed the connection at once'));
    });
    model.on('error', () => undefined);
    await model.createChannel();
    groupWrites(model);
    closed.signal.throwIfAborted();
  }
}
