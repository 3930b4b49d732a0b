import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestBroker, eventually, type TestBroker } from '@shop/testing';
import { createTestTopology, orderCreated, RecordingLogger } from '../../test/messaging/fixtures.js';
import { BrokerConnection, destinationsOf, type Topology, type TransientQueue } from '../rabbitmq/index.js';
import { EventBroadcast } from './event-broadcast.js';

const topology = createTestTopology();
const queue: TransientQueue = {
  name: 'test',
  routingKeys: ['order.created'],
  maxLength: 3,
  maxBytes: 1_000_000,
  timeToLive: 60_000,
};

let broker: TestBroker;
const started: { stop(): Promise<unknown> }[] = [];

beforeAll(async () => {
  broker = await createTestBroker();
});
afterAll(() => broker.stop());
afterEach(async () => {
  for (const part of started.splice(0).reverse()) await part.stop();
});

const connect = (logger = new RecordingLogger(), declared: Topology = topology): BrokerConnection => {
  const connection = new BrokerConnection({ url: broker.url, name: 'test', topology: declared, logger });
  started.push(connection);
  return connection;
};

/** A process that consumes events. */
async function listen() {
  const logger = new RecordingLogger();
  const connection = connect(logger);
  const received: string[] = [];
  const listener = { received, begins: 0, asked: 0, isWanted: true, logger, connection };
  const broadcast = new EventBroadcast({
    connection,
    queue,
    isWanted: () => {
      listener.asked++;
      return listener.isWanted;
    },
    onEvent: ({ id }) => void received.push(id),
    onBegin: () => listener.begins++,
    logger,
  });
  broadcast.start();
  started.push(broadcast);
  await eventually(() => expect(listener.begins).toBe(1));
  const want = (isWanted: boolean) => (listener.isWanted = isWanted);
  return { ...listener, begins: () => listener.begins, asked: () => listener.asked, want, broadcast };
}

function createSender() {
  const publisher = connect().createPublisher('test');
  started.push(publisher);
  return async (event: object): Promise<void> => {
    const { id, type } = { id: undefined, type: undefined, ...event };
    await eventually(() =>
      publisher.publish({
        exchange: topology.broadcastExchange,
        routingKey: 'order.created',
        body: Buffer.from(JSON.stringify(event)),
        messageId: id,
        type,
        contentType: 'application/cloudevents+json',
        mandatory: false,
      }),
    );
  };
}

interface Queue {
  name: string;
  exclusive: boolean;
  auto_delete: boolean;
  durable: boolean;
  arguments: Record<string, unknown>;
}
const transientQueues = async (): Promise<Queue[]> =>
  ((await broker.request('GET', '/queues/{vhost}?disable_stats=true&enable_queue_totals=true')) as Queue[]).filter(
    ({ name }) => name.startsWith('test.'),
  );

describe('an event that is broadcast', () => {
  it('several processes listen -> each consumes it, in a bounded queue that vanishes with it', async () => {
    const [first, second] = [await listen(), await listen()];
    const send = createSender();
    const [one, two] = [orderCreated(), orderCreated()];

    await send(one);
    await send(two);

    await eventually(() => expect([first.received, second.received]).toEqual(Array(2).fill([one.id, two.id])));
    const queues = await transientQueues();
    expect(queues).toHaveLength(2);
    expect(new Set(queues.map(({ name }) => name)).size).toBe(2);
    for (const found of queues) {
      expect(found).toMatchObject({
        exclusive: true,
        auto_delete: true,
        durable: false,
        arguments: { 'x-max-length': 3, 'x-message-ttl': 60_000 },
      });
    }
    await first.broadcast.stop();
    await eventually(async () => expect(await transientQueues()).toHaveLength(1));
  });

  it('it is malformed -> skipped and logged, and the next is received', async () => {
    const { received, logger } = await listen();
    const send = createSender();
    const good = orderCreated();

    await send({ ...orderCreated(), data: {} });
    await send(good);

    await eventually(() => expect(received).toEqual([good.id]));
    expect(logger.messages('error')).toEqual(['malformed event skipped']);
  });
});

describe('an event that goes to all', () => {
  it('no service has a queue for it, then one has, then none again -> published where it is due, and received once each time', async () => {
    const { received } = await listen();
    const forNone = { ...topology, workQueues: [], broadcasts: [queue] };
    const forService = { ...topology, broadcasts: [queue] };
    const sent: string[] = [];
    for (const [declared, exchanges] of [
      [forNone, 1],
      [forService, 2],
      [forNone, 1],
    ] as const) {
      const publisher = connect(new RecordingLogger(), declared).createPublisher('test');
      started.push(publisher);
      const event = orderCreated();
      const destinations = destinationsOf(declared, event.type);
      expect(destinations).toHaveLength(exchanges);
      for (const { exchange } of destinations) {
        await eventually(() =>
          publisher.publish({
            exchange,
            routingKey: event.type,
            body: Buffer.from(JSON.stringify(event)),
            messageId: event.id,
            type: event.type,
            contentType: 'application/cloudevents+json',
            mandatory: false,
          }),
        );
      }
      sent.push(event.id);
      await eventually(() => expect(received).toEqual(sent));
    }
  });
});

describe('nobody waits for events', () => {
  it('a malformed one comes -> it is not even read; once somebody does, the next is', async () => {
    const { received, logger, asked, want } = await listen();
    const send = createSender();
    const next = orderCreated();

    want(false);
    await send({ ...orderCreated(), data: {} });
    await send(orderCreated());
    await eventually(() => expect(asked()).toBe(2));
    want(true);
    await send(next);

    await eventually(() => expect(received).toEqual([next.id]));
    expect(logger.messages('error')).toEqual([]);
  });
});

describe('a listener whose queue is gone', () => {
  it('its connections are closed -> a notice that it may have missed something, and consumes what follows', async () => {
    const { received, begins } = await listen();
    const send = createSender();

    // The management API learns of new connections with a delay.
    await eventually(async () => expect(await broker.closeConnections()).toBeGreaterThanOrEqual(2));

    await eventually(() => expect(begins()).toBe(2));
    const event = orderCreated();
    await send(event);
    await eventually(() => expect(received).toEqual([event.id]));
  });
});
