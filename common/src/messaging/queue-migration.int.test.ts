import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@shop/testing';
import { orderCreated, RecordingLogger } from '../../test/messaging/fixtures.js';
import { MessagingBench } from '../../test/messaging/messaging-bench.js';
import { deadLetterQueueOf, queuesOf, retryQueueOf, type WorkQueue } from '../rabbitmq/index.js';
import { attemptsOf, deadLetterHeaders } from './dead-letter-headers.js';
import { QueueMigration } from './queue-migration.js';

/** Of the test's table of queues. */
const FIRST_PAUSE = 20;

let bench: MessagingBench;
let former: WorkQueue;
let started: QueueMigration[];

beforeAll(async () => {
  bench = await MessagingBench.open();
});
afterEach(async () => {
  await Promise.all(started.map((migration) => migration.stop()));
  await bench.reset();
});
afterAll(() => bench.close());

/** The queues as the version before declared them: bound, and without a limit in bytes. */
async function declareFormer(): Promise<void> {
  former = { ...bench.queue, name: bench.queue.formerNames[0] ?? '', formerNames: [] };
  started = [];
  const quorum = { 'x-queue-type': 'quorum', 'x-max-length': 1_000_000, 'x-overflow': 'reject-publish' };
  const { channel, topology } = bench;
  await channel.assertQueue(deadLetterQueueOf(former), { arguments: quorum });
  await channel.assertQueue(former.name, { arguments: quorum });
  for (const pause of former.retryPauses) {
    await channel.assertQueue(retryQueueOf(former, pause), {
      arguments: {
        ...quorum,
        'x-message-ttl': pause,
        'x-dead-letter-exchange': '',
        'x-dead-letter-routing-key': former.name,
        'x-dead-letter-strategy': 'at-least-once',
      },
    });
  }
  for (const key of former.routingKeys) await channel.bindQueue(former.name, topology.exchange, key);
}

function startMigration({ margin = 200 } = {}): QueueMigration {
  const migration = new QueueMigration({
    connection: bench.connect(),
    queue: bench.queue,
    isReady: () => true,
    logger: new RecordingLogger(),
    lookEvery: 50,
    margin,
  });
  started.push(migration);
  migration.start();
  return migration;
}

const exists = async (): Promise<string[]> => {
  const queues = (await bench.broker.request('GET', '/queues/{vhost}')) as { name: string }[];
  return queues.map(({ name }) => name).filter((name) => queuesOf(former).includes(name));
};

function put(queue: string, count: number, headers = {}): string[] {
  return Array.from({ length: count }, () => {
    const event = orderCreated();
    const properties = { persistent: true, headers, type: event.type, messageId: event.id };
    bench.channel.sendToQueue(queue, Buffer.from(JSON.stringify(event)), properties);
    return event.subject;
  });
}

describe('a service whose queues have got new names', () => {
  it('-> handles all that was left under the old ones, dead letters are moved, and the old queues are deleted', async () => {
    await declareFormer();
    const left = [
      ...put(former.name, 100),
      ...put(retryQueueOf(former, FIRST_PAUSE), 20, { [deadLetterHeaders.attempts]: 1 }),
    ];
    put(deadLetterQueueOf(former), 10, { [deadLetterHeaders.attempts]: 5, [deadLetterHeaders.reason]: 'failed' });
    const handled = new Set<string>();
    const connection = bench.connect();
    bench.startConsumer(connection, { 'order.created': async ({ subject }) => void handled.add(subject) });
    startMigration();
    startMigration(); // as a second process does
    await eventually(() => expect([...handled].toSorted()).toEqual(left.toSorted()));
    await eventually(async () => expect(await bench.waiting(bench.deadLetterQueue)).toBe(10));
    const dead = await bench.channel.get(bench.deadLetterQueue);
    expect(dead && attemptsOf(dead.properties.headers ?? {})).toBe(5);
    if (dead) bench.channel.nack(dead);
    await eventually(async () => expect(await exists()).toEqual([]));
  });

  it('while a process of the version before still runs -> both handle events, none is lost, and its queues stay', async () => {
    await declareFormer();
    const handled = new Set<string>();
    const note = (body: Buffer) => handled.add((JSON.parse(body.toString()) as { subject: string }).subject);
    const old = await bench.model.createChannel();
    await old.consume(former.name, (message) => {
      if (message === null) return;
      note(message.content);
      old.ack(message);
    });
    bench.startConsumer(bench.connect(), { 'order.created': async ({ subject }) => void handled.add(subject) });
    const sent = [...put(former.name, 50)];
    startMigration();
    for (let count = 0; count < 50; count++) {
      const event = orderCreated();
      sent.push(event.subject);
      bench.send(event);
    }
    await eventually(() => expect([...handled].toSorted()).toEqual(sent.toSorted()));
    await eventually(async () => {
      const bindings = (await bench.broker.request('GET', `/queues/{vhost}/${former.name}/bindings`)) as {
        source: string;
      }[];
      expect(bindings.filter(({ source }) => source !== '')).toEqual([]);
    });
    expect(await exists()).toContain(former.name);
    await old.close();
    await eventually(async () => expect(await exists()).toEqual([]));
  });
});
