import { randomUUID } from 'node:crypto';
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import { createTestBroker, eventually, TIMEOUT, type TestBroker, timeLimit } from '@shop/testing';
import { createTestTopology, RecordingLogger } from '../../test/messaging/fixtures.js';
import { BrokerConnection } from './broker-connection.js';
import type { OutgoingMessage, Publisher } from './publisher.js';
import type { Subscription } from './subscription.js';
import { deadLetterQueueOf } from './topology.js';

const RECOVERY_TIME = 5_000;
const topology = createTestTopology();
const queue = topology.paymentService;

let broker: TestBroker;
const started: { stop(): Promise<unknown> }[] = [];

beforeAll(async () => {
  broker = await createTestBroker();
});
afterAll(() => broker.stop());
afterEach(async () => {
  for (const part of started.splice(0)) await part.stop();
  await emptyQueues();
});

/** Some tests leave messages behind on purpose. */
async function emptyQueues() {
  for (const name of [queue.name, deadLetterQueueOf(queue)]) {
    await broker.request('DELETE', `/queues/{vhost}/${name}/contents`).catch(() => undefined);
  }
}

function createConnection({ url = broker.url, confirmTimeout = 5_000, logger = new RecordingLogger() } = {}) {
  const connection = new BrokerConnection({ url, name: 'test', topology, logger, confirmTimeout });
  started.push(connection);
  return connection;
}

const message = (text: string, changes: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  exchange: topology.exchange,
  routingKey: 'order.created',
  body: Buffer.from(text),
  messageId: randomUUID(),
  type: 'order.created',
  contentType: 'text/plain',
  mandatory: true,
  ...changes,
});

async function up<Part extends { isUp: boolean }>(part: Part): Promise<Part> {
  await eventually(() => expect(part.isUp).toBe(true));
  return part;
}

/** Acknowledges all that comes, and keeps it. */
function collect(connection: BrokerConnection): { received: string[]; subscription: Subscription } {
  const received: string[] = [];
  const subscription = connection.subscribe({
    queue: queue.name,
    prefetch: 10,
    onDelivery: async (delivery) => {
      received.push(delivery.body.toString());
      delivery.acknowledge();
    },
  });
  return { received, subscription };
}

const published = async (publisher: Publisher, text: string) => {
  await eventually(() => publisher.publish(message(text)));
};

describe('broker connection', () => {
  it('a message published before its consumer ever ran -> is delivered when it comes', async () => {
    const connection = createConnection();
    await published(connection.createPublisher('test'), 'early');
    const { received } = collect(connection);
    await eventually(() => expect(received).toEqual(['early']));
    expect(connection.state()).toBe('up');
  });

  it('its connections are closed by an operator -> publishing and consuming go on by themselves', async () => {
    const connection = createConnection();
    const publisher = connection.createPublisher('test');
    const { received } = collect(connection);
    await published(publisher, 'before');
    await eventually(() => expect(received).toEqual(['before']));

    // The management API learns of new connections with a delay.
    await eventually(async () => expect(await broker.closeConnections()).toBeGreaterThanOrEqual(2));
    await eventually(() => expect(connection.state()).toBe('down'));
    await published(publisher, 'after');
    await eventually(() => expect(received).toContain('after'));
    await eventually(() => expect(connection.state()).toBe('up'));
  });

  it('its queue is deleted, so that the broker cancels the consumer -> later messages flow within 5 s', async () => {
    const logger = new RecordingLogger();
    const connection = createConnection({ logger });
    const publisher = connection.createPublisher('test');
    const { received, subscription } = collect(connection);
    await up(subscription);
    await broker.request('DELETE', `/queues/{vhost}/${queue.name}`);
    const deletedAt = Date.now();
    await eventually(() => expect(subscription.isUp).toBe(false));
    await up(subscription);
    await published(publisher, 'later');
    await eventually(() => expect(received).toEqual(['later']));
    expect(Date.now() - deletedAt).toBeLessThan(timeLimit(RECOVERY_TIME));
    expect(logger.entries).toContainEqual({
      level: 'warn',
      message: 'channel is opened again',
      facts: { channel: queue.name, reason: 'consumer cancelled by the broker' },
    });
  });

  it('another user of the broker, so that a password can change -> both at work, and nothing is lost when the first is removed', async () => {
    const users = ['before', 'after'].map((name) => `${name}-${randomUUID()}`); // the whole server's
    const password = randomUUID();
    for (const user of users) {
      await broker.request('PUT', `/users/${user}`, { password, tags: '' });
      await broker.request('PUT', `/permissions/{vhost}/${user}`, { configure: '.*', write: '.*', read: '.*' });
    }
    const [before, after] = users.map((username) =>
      createConnection({ url: Object.assign(new URL(broker.url), { username, password }).href }),
    );
    try {
      const [first, second] = [collect(before!), collect(after!)];
      await Promise.all([up(first.subscription), up(second.subscription)]);
      await published(before!.createPublisher('test'), 'by the first');
      await published(after!.createPublisher('test'), 'by the second');
      await broker.request('DELETE', `/users/${users[0]}`);
      await eventually(() => expect(before!.state()).toBe('down'));
      await published(after!.createPublisher('later'), 'by the second alone');
      await eventually(() =>
        expect(new Set([...first.received, ...second.received])).toEqual(
          new Set(['by the first', 'by the second', 'by the second alone']),
        ),
      );
      expect(after!.state()).toBe('up');
    } finally {
      for (const user of users) await broker.request('DELETE', `/users/${user}`).catch(() => undefined);
    }
  });

  it('no queue takes a message -> returned where it is mandatory, and queues that ought to be there are declared again', async () => {
    const connection = createConnection();
    const publisher = await up(connection.createPublisher('test'));
    await expect(publisher.publish(message('unreceived', { routingKey: 'nobody.listens' }))).rejects.toMatchObject({
      reason: 'returned',
    });
    await up(publisher);
    await publisher.publish(message('unreceived', { routingKey: 'nobody.listens', mandatory: false }));

    await broker.request('DELETE', `/queues/{vhost}/${queue.name}`);
    await expect(publisher.publish(message('lost'))).rejects.toMatchObject({ reason: 'returned' });
    await published(publisher, 'kept');
    const { received } = collect(connection);
    await eventually(() => expect(received).toEqual(['kept']));
  });

  it('the broker closes a channel because of an error -> the publisher works again on the next one', async () => {
    const connection = createConnection();
    const publisher = await up(connection.createPublisher('test'));
    const { received } = collect(connection);
    await expect(publisher.publish(message('wrong', { exchange: 'no-such-exchange' }))).rejects.toMatchObject({
      reason: 'unavailable',
    });
    await published(publisher, 'right');
    await eventually(() => expect(received).toEqual(['right']));
  });

  it("the broker closes a consumer's channel because of an error -> what was in hand comes again, and all that follows, within 5 s", async () => {
    const connection = createConnection();
    const publisher = await up(connection.createPublisher('test'));
    const received = new Set<string>(); // what was in hand comes again, be it acknowledged or not
    let mistakes = 0;
    let mistakenAt = Infinity;
    const subscription = connection.subscribe({
      queue: queue.name,
      prefetch: 1,
      onDelivery: async (delivery) => {
        if (delivery.body.toString() === 'first') {
          delivery.acknowledge();
          delivery.acknowledge(); // unknown by now, for which the broker closes the channel
          mistakes++;
          mistakenAt = Math.min(mistakenAt, Date.now());
          return;
        }
        received.add(delivery.body.toString());
        delivery.acknowledge();
      },
    });
    await up(subscription);
    for (const text of ['first', 'second', 'third']) await publisher.publish(message(text));
    await eventually(() => expect([...received].toSorted()).toEqual(['second', 'third']));
    expect(Date.now() - mistakenAt).toBeLessThan(timeLimit(RECOVERY_TIME));
    expect(mistakes).toBeGreaterThanOrEqual(1);
    await subscription.stop({ grace: 1_000 });
  });

  it('the broker stops answering -> publishing fails in time, nothing more is sent, and it recovers with the broker', async () => {
    const proxy = await startProxy();
    const connection = createConnection({ url: proxy.url, confirmTimeout: 200 });
    const publisher = await up(connection.createPublisher('test'));
    const { received } = collect(connection);
    await published(publisher, 'before');

    proxy.freeze();
    await expect(publisher.publish(message('meanwhile'))).rejects.toMatchObject({ reason: 'timeout' });
    expect(connection.state()).toBe('down');
    await expect(publisher.publish(message('not sent'))).rejects.toMatchObject({ reason: 'unavailable' });

    proxy.thaw();
    await published(publisher, 'after');
    await eventually(() => expect(received).toEqual(['before', 'meanwhile', 'after']));
    await eventually(() => expect(connection.state()).toBe('up'));
  });

  it('there is no broker -> it is down, publishing fails at once, stopping takes no time, and nothing throws', async () => {
    const logger = new RecordingLogger();
    const connection = createConnection({ url: 'amqp://guest:guest@127.0.0.1:1', logger });
    const publisher = connection.createPublisher('test');
    const { subscription } = collect(connection);
    await eventually(() => expect(logger.messages('warn')).toContain('broker connection failed'));
    expect(connection.state()).toBe('down');
    await expect(publisher.publish(message('never'))).rejects.toMatchObject({ reason: 'unavailable' });
    const before = Date.now();
    await subscription.stop({ grace: 2 * TIMEOUT });
    await publisher.stop();
    await connection.stop();
    expect(Date.now() - before).toBeLessThan(timeLimit(1_000));
  });

  it('it is stopped -> finishes the message in hand, and the others stay in the queue', async () => {
    const connection = createConnection();
    const publisher = connection.createPublisher('test');
    const finished: string[] = [];
    let finish = (): void => undefined;
    const subscription = connection.subscribe({
      queue: queue.name,
      prefetch: 1,
      onDelivery: async (delivery) => {
        await new Promise<void>((resolve) => (finish = resolve));
        delivery.acknowledge();
        finished.push(delivery.body.toString());
      },
    });
    await published(publisher, 'in hand');
    await eventually(() => expect(finish.name).not.toBe('finish'));
    await publisher.publish(message('waiting'));
    const stopped = subscription.stop({ grace: 5_000 });
    finish();
    await stopped;
    expect(finished).toEqual(['in hand']);

    const { received } = collect(connection);
    await eventually(() => expect(received).toEqual(['waiting']));
  });

  it('a message crashes its consumer over and over -> the broker puts it into the dead-letter queue', async () => {
    const connection = createConnection();
    await published(connection.createPublisher('test'), 'poison');
    const model = await connect(broker.url);
    started.push({ stop: () => model.close() });
    const channel = await model.createChannel();
    let deliveries = 0;
    await channel.consume(queue.name, (delivery) => {
      deliveries++;
      if (delivery) channel.reject(delivery, true); // counts like a lost consumer, in every version
    });
    const dead = await eventually(async () => {
      const found = await channel.get(deadLetterQueueOf(queue), { noAck: true });
      if (!found) throw new Error('not dead-lettered yet');
      return found;
    });
    expect(dead.content.toString()).toBe('poison');
    expect(dead.properties.headers?.['x-death']?.[0]?.reason).toBe('delivery_limit');
    expect(deliveries).toBe(21);
  });

  it('an earlier stream has another age -> it is left as it is, and the rest works', async () => {
    const logger = new RecordingLogger();
    const older = { ...topology, streams: [{ ...topology.revocations, maxAgeSeconds: 60 }] };
    const connection = new BrokerConnection({ url: broker.url, name: 'test', topology: older, logger });
    started.push(connection);
    await up(createConnection().createPublisher('test'));
    await published(connection.createPublisher('test'), 'fine');
    expect(logger.messages('warn')).toContain('stream exists with other arguments and is left as it is');
  });
});

/** Stands between the connection and the broker, and can stop passing anything on. */
async function startProxy(): Promise<{ url: string; freeze: () => void; thaw: () => void }> {
  const target = new URL(broker.url);
  const pairs: [Socket, Socket][] = [];
  const sockets = () => pairs.flat();
  const server: Server = createServer((client) => {
    const upstream = connectTo(Number(target.port), target.hostname);
    const pair: [Socket, Socket] = [client, upstream];
    pairs.push(pair);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('proxy has no port');
  started.push({
    stop: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets()) socket.destroy();
        server.close(() => resolve());
      }),
  });
  const url = new URL(broker.url);
  url.port = String(address.port);
  return {
    url: url.href,
    freeze: () => {
      for (const socket of sockets()) socket.unpipe().pause();
    },
    thaw: () => {
      for (const [client, upstream] of pairs) client.pipe(upstream).pipe(client);
    },
  };
}
