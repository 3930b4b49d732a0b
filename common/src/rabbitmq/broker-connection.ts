import type { Logger } from '../logger/index.js';
import { BrokerSession } from './broker-session.js';
import { pingConsumer, Heartbeat, pingPublisher } from './heartbeat.js';
import { Publisher } from './publisher.js';
import { QueueInspector } from './queue-inspector.js';
import { RecoveringConnection } from './recovering-connection.js';
import { Subscription, type SubscribeOptions } from './subscription.js';
import type { Topology } from './topology.js';

interface BrokerConnectionOptions {
  /** amqp://user:password@host:port/vhost */
  url: string;
  /** Shown by the broker's management page, e.g. the service's name. */
  name: string;
  /** Declared after every connect, before anything is published or consumed. */
  topology: Topology;
  logger: Logger;
  /** How long a publisher waits for the broker's confirm, in milliseconds. Default 5,000. */
  confirmTimeout?: number;
}

/**
 * The broker, as one process uses it: two connections, since a broker under memory pressure stops reading from those
 * that publish. Both are made in the background and recover by themselves; nothing here throws because the broker is down.
 */
export class BrokerConnection {
  readonly topology: Topology;
  readonly #url: string;
  readonly #name: string;
  readonly #logger: Logger;
  readonly #confirmTimeout: number;
  readonly #publishing: RecoveringConnection;
  readonly #consuming: RecoveringConnection;
  readonly #heartbeats: readonly Heartbeat[];

  constructor({ url, name, topology, logger, confirmTimeout = 5_000 }: BrokerConnectionOptions) {
    this.topology = topology;
    this.#url = url;
    this.#name = name;
    this.#logger = logger;
    this.#confirmTimeout = confirmTimeout;
    this.#publishing = new RecoveringConnection({ url, name: `${name} publishing`, topology, logger });
    this.#consuming = new RecoveringConnection({ url, name: `${name} consuming`, topology, logger });
    this.#heartbeats = [
      new Heartbeat({ connection: this.#publishing, beat: pingPublisher, name: `${name} publishing`, logger }),
      new Heartbeat({ connection: this.#consuming, beat: pingConsumer, name: `${name} consuming`, logger }),
    ];
  }

  /**
   * `up`: both connections stand, the broker answers and takes messages, and every publisher and subscription is at work.
   * `blocked`: an alarm of the broker (memory, disk, file descriptors) keeps it from taking messages; it still delivers.
   */
  state(): 'up' | 'blocked' | 'down' {
    const connections = [this.#publishing, this.#consuming];
    if (connections.every(({ isUp }) => isUp)) return 'up';
    return connections.every(({ isUp, isBlocked }) => isUp || isBlocked) ? 'blocked' : 'down';
  }

  /** A publisher with a channel of its own; its owner stops it. */
  createPublisher(purpose: string): Publisher {
    return new Publisher({
      connection: this.#publishing,
      name: `${this.#name} ${purpose}`,
      logger: this.#logger,
      confirmTimeout: this.#confirmTimeout,
    });
  }

  /** Consumes a queue from now on; the owner stops it. */
  subscribe(options: SubscribeOptions): Subscription {
    const { broadcastExchange: exchange } = this.topology;
    return new Subscription({ ...options, exchange, connection: this.#consuming, logger: this.#logger });
  }

  /** Looks at queues; its owner stops it. */
  createInspector(purpose: string): QueueInspector {
    return new QueueInspector({
      connection: this.#consuming,
      name: `${this.#name} ${purpose}`,
      logger: this.#logger,
    });
  }

  /** One more connection, for a job that ends; its owner closes it. Rejects where the broker can't be reached. */
  openSession(purpose: string): Promise<BrokerSession> {
    return BrokerSession.open({ url: this.#url, name: `${this.#name} ${purpose}` });
  }

  /** Closes both connections and what still uses them; relays and consumers are stopped before, so that they end their work. */
  async stop(): Promise<void> {
    await Promise.all(this.#heartbeats.map((heartbeat) => heartbeat.stop()));
    await Promise.all([this.#publishing.stop(), this.#consuming.stop()]);
  }
}
