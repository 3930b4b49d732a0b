import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestBroker, createTestDatabase, eventually, type TestBroker, timeLimit } from '@shop/testing';
import { startPrivateBroker, type PrivateBroker } from '../../../stack/test-broker.ts';
import { createTestClient } from '../../test/database/test-client.js';
import { createTestTopology, orderCreatedDraft, RecordingLogger } from '../../test/messaging/fixtures.js';
import { RevocationList } from '../auth/index.js';
import { AtomicStore } from '../database/index.js';
import { createMetrics } from '../metrics/index.js';
import { BrokerConnection, type TransientQueue } from '../rabbitmq/index.js';
import { EventBroadcast } from './event-broadcast.js';
import { EventConsumer } from './event-consumer.js';
import { OutboxRelay } from './outbox-relay.js';
import { RevocationStream } from './revocation-stream.js';

/** How long the broker stays frozen or short of memory: longer than a publisher waits for its confirm. */
const FAULT_TIME = Number(process.env.FAULT_SECONDS ?? 7) * 1_000;
const RECOVERY_TIME = 5_000;
const PAUSE_BETWEEN_EVENTS = 25;

/** Also consumes what the work queue is there for, and must not pass for it. */
const broadcastQueue: TransientQueue = {
  name: 'broadcast',
  routingKeys: ['order.created'],
  maxLength: 10_000,
  maxBytes: 1_000_000,
  timeToLive: 60_000,
};
const topology = { ...createTestTopology(), broadcasts: [broadcastQueue] };
const queue = topology.paymentService;

let server: PrivateBroker;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let client: ReturnType<typeof createTestClient>['client'];
let broker: TestBroker;
let service: ReturnType<typeof startService>;

beforeAll(async () => {
  [server, database] = await Promise.all([
    startPrivateBroker(),
    createTestDatabase({ serviceDirectory: path.join(import.meta.dirname, '../../test/database') }),
  ]);
  ({ client } = createTestClient(database.url));
});
afterAll(async () => {
  await client.$disconnect();
  await Promise.all([server.stop(), database.drop()]);
});
beforeEach(async () => {
  broker = await createTestBroker(server);
  service = startService();
  await service.untilWorking(Date.now());
});
afterEach(async () => {
  await service.stop();
});

/** All that a service has of messaging, and an order placed every 25 ms, each of which has to be consumed. */
function startService() {
  const logger = new RecordingLogger();
  const metrics = createMetrics({ service: 'test' });
  const connection = new BrokerConnection({ url: broker.url, name: 'test', topology, logger });
  const relay = new OutboxRelay({ databaseUrl: database.url, connection, source: '/test-service', logger, metrics });
  const store = new AtomicStore({ client, onCommit: () => relay.wake() });
  /** When it was committed, by order. */
  const placed = new Map<string, number>();
  const consumer = new EventConsumer({
    connection,
    queue,
    logger,
    metrics,
    handlers: {
      'order.status_changed': async () => undefined,
      'user.anonymised': async () => undefined,
      'order.created': async ({ subject }, cause) => {
        const write = async (tx: typeof client) => {
          await tx.post.create({ data: { id: randomUUID(), title: subject } });
          return { value: undefined, events: [] };
        };
        await store.save((tx) => write(tx as typeof client), { cause });
      },
    },
  });
  const revocations = new RevocationList({ lifetime: 1_000 });
  const stream = new RevocationStream({ connection, stream: topology.revocations, revocations, logger });
  /** The orders that came by broadcast. */
  const broadcastOrders = new Set<string>();
  const broadcast = new EventBroadcast({
    connection,
    queue: broadcastQueue,
    isWanted: () => true,
    onEvent: ({ subject }) => broadcastOrders.add(subject),
    onBegin: () => undefined,
    logger,
  });
  relay.start();
  consumer.start();
  broadcast.start();
  stream.start();

  const closed = new AbortController();
  const placing = (async () => {
    while (!closed.signal.aborted) {
      const id = randomUUID();
      await store.save(async () => ({ value: undefined, events: [orderCreatedDraft(id)] }));
      placed.set(id, Date.now());
      await delay(PAUSE_BETWEEN_EVENTS);
    }
  })();
  /** How often each order was consumed with an effect. */
  const received = async () => {
    const rows = await client.post.groupBy({ by: ['title'], _count: true });
    return new Map(rows.map(({ title, _count }) => [title, _count]));
  };
  const isReady = () =>
    connection.state() === 'up' && consumer.state() === 'up' && stream.state() === 'up' && relay.state() === 'ok';
  return {
    logger,
    isReady,
    /** Until it is ready and an event that was committed after this moment has been received. */
    untilWorking: (moment: number) =>
      eventually(async () => {
        expect(isReady()).toBe(true);
        const ids = await received();
        expect([...placed].some(([id, time]) => time > moment && ids.has(id))).toBe(true);
      }),
    /** Until an order that was placed after this moment has been broadcast. */
    untilBroadcast: (moment: number) =>
      eventually(() => expect([...placed].some(([id, time]) => time > moment && broadcastOrders.has(id))).toBe(true)),
    /** The orders that were committed since a moment; each was consumed, once. */
    expectAllReceivedOnce: async ({ since = 0 } = {}) => {
      closed.abort();
      await placing;
      await eventually(async () => {
        const counts = await received();
        const wrong = [...placed].filter(([id, time]) => time > since && counts.get(id) !== 1);
        expect(wrong).toEqual([]);
        expect(await client.outbox.count({ where: { publishedAt: null } })).toBe(0);
      });
      expect(placed.size).toBeGreaterThan(10);
    },
    stop: async () => {
      closed.abort();
      await placing;
      await consumer.stop();
      await broadcast.stop();
      await stream.stop();
      await relay.stop();
      await connection.stop();
    },
  };
}

/** Milliseconds until all works again, from the end of a fault on. */
async function recovery(end: number): Promise<number> {
  await service.untilWorking(end);
  return Date.now() - end;
}

const untilNotReady = () => eventually(() => expect(service.isReady()).toBe(false));

describe('while events flow', () => {
  it('an operator closes the connections -> recovered within 5 s, none lost, none twice', async () => {
    // The management API learns of new connections with a delay.
    await eventually(async () => expect(await broker.closeConnections()).toBeGreaterThanOrEqual(2));
    const end = Date.now();
    await untilNotReady();
    expect(await recovery(end)).toBeLessThan(timeLimit(RECOVERY_TIME));
    await service.untilBroadcast(end);
    await service.expectAllReceivedOnce();
  });

  it('the work queue is deleted -> later events flow within 5 s', async () => {
    await broker.request('DELETE', `/queues/{vhost}/${queue.name}`);
    const end = Date.now();
    await untilNotReady();
    expect(await recovery(end)).toBeLessThan(timeLimit(RECOVERY_TIME));
    await service.expectAllReceivedOnce({ since: end });
  });

  it('the work queue is deleted and at once made again, unreported to the consumer -> later events flow within 5 s', async () => {
    const definition = (await broker.request('GET', `/queues/{vhost}/${queue.name}`)) as { arguments: object };
    await broker.request('DELETE', `/queues/{vhost}/${queue.name}`);
    await broker.request('PUT', `/queues/{vhost}/${queue.name}`, {
      durable: true,
      arguments: definition.arguments,
    });
    const end = Date.now();
    expect(await recovery(end)).toBeLessThan(timeLimit(RECOVERY_TIME));
    await service.expectAllReceivedOnce({ since: end });
  });

  it('the exchange is deleted, so that the broker closes the channel -> recovered within 5 s, none lost', async () => {
    await broker.request('DELETE', `/exchanges/{vhost}/${topology.exchange}`);
    const end = Date.now();
    await eventually(() => expect(service.logger.messages('warn')).toContain('broker closed a channel'));
    expect(await recovery(end)).toBeLessThan(timeLimit(RECOVERY_TIME));
    await service.expectAllReceivedOnce();
  });

  it('the broker runs short of memory -> not ready, recovered within 5 s of its end, none lost, none twice', async () => {
    await server.control('set_vm_memory_high_watermark', '0.00001');
    await untilNotReady();
    await delay(FAULT_TIME);
    expect(service.isReady()).toBe(false);
    await server.control('set_vm_memory_high_watermark', '0.6');
    expect(await recovery(Date.now())).toBeLessThan(timeLimit(RECOVERY_TIME));
    await service.expectAllReceivedOnce();
  });

  it('the disk of the broker runs full -> not ready, recovered within 5 s of its end, none lost, none twice', async () => {
    await server.control('set_disk_free_limit', '1000000GB');
    await untilNotReady();
    await delay(FAULT_TIME);
    expect(service.isReady()).toBe(false);
    await server.control('set_disk_free_limit', '50MB');
    expect(await recovery(Date.now())).toBeLessThan(timeLimit(RECOVERY_TIME));
    await service.expectAllReceivedOnce();
  });

  it('the broker freezes -> not ready, recovered within 5 s of its thaw, none lost, none twice', async () => {
    server.process.pause();
    await delay(FAULT_TIME);
    expect(service.isReady()).toBe(false);
    server.process.resume();
    expect(await recovery(Date.now())).toBeLessThan(timeLimit(RECOVERY_TIME));
    await service.expectAllReceivedOnce();
  });

  it('the broker is killed and started again -> recovered within 5 s of its return, none lost, none twice', async () => {
    await server.process.kill();
    await untilNotReady();
    const started = server.process.start();
    await eventually(async () => expect(await server.isListening()).toBe(true));
    const end = Date.now();
    expect(await recovery(end)).toBeLessThan(timeLimit(RECOVERY_TIME));
    await service.untilBroadcast(end);
    await service.expectAllReceivedOnce();
    await started;
  });
});
