import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@shop/testing';
import { orderCreated, orderCreatedDraft } from '../../test/messaging/fixtures.js';
import { MessagingBench } from '../../test/messaging/messaging-bench.js';

let bench: MessagingBench;

beforeAll(async () => {
  bench = await MessagingBench.open();
});
afterEach(async () => {
  await bench.broker.request('DELETE', '/policies/{vhost}/small').catch(() => undefined); // most tests set none
  await bench.reset();
});
afterAll(() => bench.close());

interface QueueDefinition {
  name: string;
  type: string;
  arguments: Record<string, unknown>;
}

const definitions = async () => (await bench.broker.request('GET', '/queues/{vhost}')) as QueueDefinition[];

/** As if the queue were full at so few bytes; a policy can only lower what its arguments say. */
async function limitBytes(queue: string, bytes: number): Promise<void> {
  await bench.broker.request('PUT', '/policies/{vhost}/small', {
    pattern: `^${queue.replaceAll('.', '\\.')}$`,
    definition: { 'max-length-bytes': bytes },
    'apply-to': 'queues',
  });
  await eventually(async () => {
    const state = (await bench.broker.request('GET', `/queues/{vhost}/${queue}`)) as { policy?: string };
    expect(state.policy).toBe('small');
  });
}

const refused = async (destination: string): Promise<number> => {
  const metric = await bench.metrics.registry.getSingleMetric('messaging_refused_total')?.get();
  return metric?.values.find(({ labels }) => labels.messaging_destination_name === destination)?.value ?? 0;
};

describe('every queue', () => {
  it('-> is bounded by bytes, all together by less than 3 GB; none of work or dead letters drops a message', async () => {
    const queues = await eventually(async () => {
      const found = await definitions();
      expect(found.length).toBeGreaterThanOrEqual(13); // two of work, each with four of delay and one of dead letters, and the stream
      return found;
    });
    const bytes = queues.map((queue) => Number(queue.arguments['x-max-length-bytes']));
    expect(bytes.every((limit) => limit > 0)).toBe(true);
    expect(bytes.reduce((sum, limit) => sum + limit, 0)).toBeLessThan(3_000_000_000);
    for (const queue of queues.filter(({ type }) => type === 'quorum')) {
      expect(queue.arguments['x-overflow']).toBe('reject-publish');
    }
  });
});

describe('a full queue', () => {
  it('of work -> its events stay in the outbox, the relay says so, and they flow when there is room', async () => {
    await limitBytes(bench.queue.name, 2_000);
    const connection = bench.connect();
    const relay = bench.startRelay(connection);
    const emit = (count: number) =>
      bench.emit(
        Array.from({ length: count }, () => orderCreatedDraft()),
        relay,
      );
    await emit(10); // more than fits: the broker takes what is on its way when it notices
    await eventually(async () => expect(await bench.waiting(bench.queue.name)).toBeGreaterThan(2));
    await emit(20);
    await eventually(async () => expect(await refused('microservices.events:order.created')).toBeGreaterThan(0));
    expect(await bench.unpublished()).toBeGreaterThanOrEqual(20);

    const handled = new Set<string>();
    bench.startConsumer(connection, { 'order.created': async ({ subject }) => void handled.add(subject) });
    await eventually(() => expect(handled.size).toBe(30));
    await eventually(async () => expect(await bench.unpublished()).toBe(0));
  });

  it('of dead letters -> what fails for good stays in the hands of its consumer, and is moved when there is room', async () => {
    await limitBytes(bench.deadLetterQueue, 1);
    bench.startConsumer(bench.connect(), {});
    let sent = 0;
    await eventually(async () => {
      bench.send('no event'); // the broker takes what is on its way when it notices that the queue is full
      sent += 1;
      expect(await refused(bench.deadLetterQueue)).toBeGreaterThan(0);
    });
    const [event] = [orderCreated()];
    bench.send(event); // others are handled meanwhile
    await eventually(async () => expect(await bench.waiting(bench.queue.name)).toBe(0));
    expect(await bench.waiting(bench.deadLetterQueue)).toBeLessThan(sent);
    await bench.broker.request('DELETE', '/policies/{vhost}/small');
    await eventually(async () => expect(await bench.waiting(bench.deadLetterQueue)).toBe(sent));
  });
});
