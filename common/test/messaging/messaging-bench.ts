import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { connect, type Channel, type ChannelModel } from 'amqplib';
import { Client } from 'pg';
import { createTestBroker, createTestDatabase, eventually, type TestBroker, type TestDatabase } from '@shop/testing';
import type { RevocationList } from '../../src/auth/index.js';
import type { EventDraft } from '../../src/contracts/index.js';
import { AtomicStore } from '../../src/database/index.js';
import {
  countSkippedEvents,
  EventConsumer,
  type EventConsumerOptions,
  OutboxRelay,
  RevocationStream,
  type EventHandlers,
} from '../../src/messaging/index.js';
import { createMetrics, type Metrics } from '../../src/metrics/index.js';
import { BrokerConnection, deadLetterQueueOf } from '../../src/rabbitmq/index.js';
import type { Tracing } from '../../src/tracing/index.js';
import { createTestClient } from '../database/test-client.js';
import { createTestTopology, RecordingLogger } from './fixtures.js';

type TestClient = ReturnType<typeof createTestClient>['client'];

const ignore = async () => undefined;

interface Part {
  start(): void;
  stop(): Promise<unknown>;
}

/** A broker and a database of a test file's own, and the parts of messaging that a test starts on them. */
export class MessagingBench {
  readonly topology = createTestTopology();
  readonly queue = this.topology.paymentService;
  readonly deadLetterQueue = deadLetterQueueOf(this.queue);
  readonly metrics = createMetrics({ service: 'test' });
  logger = new RecordingLogger();
  readonly #started: { stop(): Promise<unknown> }[] = [];

  private constructor(
    readonly broker: TestBroker,
    readonly database: TestDatabase,
    readonly client: TestClient,
    readonly sql: Client,
    readonly model: ChannelModel,
    /** Sees the broker as an operator does. */
    readonly channel: Channel,
  ) {}

  static async open(): Promise<MessagingBench> {
    const [broker, database] = await Promise.all([
      createTestBroker(),
      createTestDatabase({ serviceDirectory: path.join(import.meta.dirname, '../database') }),
    ]);
    const { client } = createTestClient(database.url, { poolSize: 5 });
    const sql = new Client({ connectionString: database.url });
    await sql.connect();
    const model = await connect(broker.url);
    const bench = new MessagingBench(broker, database, client, sql, model, await model.createChannel());
    const publisher = bench.connect().createPublisher('declares the queues');
    await eventually(() => {
      if (!publisher.isUp) throw new Error('broker is not up');
    });
    await bench.reset();
    return bench;
  }

  async close(): Promise<void> {
    await this.model.close();
    await Promise.all([this.client.$disconnect(), this.sql.end()]);
    await Promise.all([this.broker.stop(), this.database.drop()]);
  }

  /** Stops what the test has started, the last first, and empties queues and tables. */
  async reset(): Promise<void> {
    for (const part of this.#started.splice(0).reverse()) await part.stop();
    for (const name of [this.queue.name, this.deadLetterQueue]) await this.channel.purgeQueue(name);
    await this.sql.query('TRUNCATE outbox, inbox, applied_sequences, posts CASCADE');
  }

  connect(url = this.broker.url): BrokerConnection {
    this.logger = new RecordingLogger();
    const connection = new BrokerConnection({ url, name: 'test', topology: this.topology, logger: this.logger });
    this.#started.push(connection);
    return connection;
  }

  startConsumer(
    connection: BrokerConnection,
    handlers: EventHandlers,
    options: Partial<EventConsumerOptions> = {},
  ): EventConsumer {
    const { queue, logger, metrics } = this;
    const all = { 'order.created': ignore, 'order.status_changed': ignore, 'user.anonymised': ignore, ...handlers };
    return this.#start(
      new EventConsumer({
        connection,
        queue,
        handlers: all,
        logger,
        metrics,
        ...options,
      }),
    );
  }

  async stopConsumers(): Promise<void> {
    const consumers = this.#started.filter((part) => part instanceof EventConsumer);
    await Promise.all(consumers.map((consumer) => consumer.stop()));
  }

  startRelay(
    connection: BrokerConnection,
    {
      source = '/test-service',
      databaseUrl = this.database.url,
      metrics = this.metrics,
      tracing,
    }: { source?: string; databaseUrl?: string; metrics?: Metrics; tracing?: Tracing } = {},
  ): OutboxRelay {
    const { logger } = this;
    return this.#start(new OutboxRelay({ databaseUrl, connection, source, logger, metrics, tracing }));
  }

  startReader(connection: BrokerConnection, revocations: RevocationList): RevocationStream {
    const { logger, topology } = this;
    return this.#start(new RevocationStream({ connection, stream: topology.revocations, revocations, logger }));
  }

  /** Puts a message on the exchange that no outbox has seen. */
  send(body: unknown, headers: Record<string, unknown> = {}): void {
    const content = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const properties = { persistent: true, headers, type: 'order.created', messageId: randomUUID() };
    this.channel.publish(this.topology.exchange, 'order.created', content, properties);
  }

  store(onCommit: () => void = () => undefined): AtomicStore<TestClient> {
    return new AtomicStore({ client: this.client, onCommit, onSkip: countSkippedEvents(this.metrics) });
  }

  /** Commits events; `relay` is woken as a service would. */
  async emit(events: EventDraft[], relay?: OutboxRelay): Promise<void> {
    await this.store(() => relay?.wake()).save(async () => ({ value: undefined, events }));
  }

  unpublished(): Promise<number> {
    return this.client.outbox.count({ where: { publishedAt: null } });
  }

  async waiting(queueName: string): Promise<number> {
    return (await this.channel.checkQueue(queueName)).messageCount;
  }

  /** The session that holds the relays' lock. */
  async activeRelay(): Promise<{ pid: number; source: string }> {
    const { rows } = await this.sql.query<{ pid: number; source: string }>(
      `SELECT pid, replace(application_name, 'outbox relay of ', '') AS source FROM pg_locks JOIN pg_stat_activity USING (pid)
       WHERE locktype = 'advisory' AND granted AND datname = current_database()`,
    );
    const [active, ...others] = rows;
    if (active === undefined || others.length > 0) throw new Error(`${rows.length} active relays`);
    return active;
  }

  #start<P extends Part>(part: P): P {
    part.start();
    this.#started.push(part);
    return part;
  }
}
