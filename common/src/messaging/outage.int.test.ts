import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, startTcpProxy, type TcpProxy, timeLimit } from '@shop/testing';
import { createTestClient } from '../../test/database/test-client.js';
import { orderCreated } from '../../test/messaging/fixtures.js';
import { MessagingBench } from '../../test/messaging/messaging-bench.js';
import { AtomicStore } from '../database/index.js';
import type { EventHandler } from './event-consumer.js';

let bench: MessagingBench;
let proxy: TcpProxy;
let client: ReturnType<typeof createTestClient>['client'];

beforeAll(async () => {
  bench = await MessagingBench.open();
  proxy = await startTcpProxy(bench.database.url);
});
beforeEach(() => {
  ({ client } = createTestClient(proxy.url));
});
afterEach(async () => {
  proxy.mend();
  await bench.reset();
  await client.$disconnect();
});
afterAll(async () => {
  await proxy.stop();
  await bench.close();
});

/** Writes through the proxy; counts how often it was tried. */
function createHandler() {
  const tries = { count: 0 };
  const handler: EventHandler<'order.created'> = async (event, cause) => {
    tries.count++;
    const store = new AtomicStore({ client, onCommit: () => undefined });
    await store.save(
      async (tx) => {
        await tx.post.create({ data: { id: event.subject, title: 'from an event' } });
        return { value: undefined, events: [] };
      },
      { cause },
    );
  };
  return { tries, handler };
}

const posts = () => bench.client.post.count();

describe("a consumer's database can't be reached", () => {
  it('-> no event uses up its tries, the consumer says so, and all are handled within 5 s of its return', async () => {
    const { tries, handler } = createHandler();
    const consumer = bench.startConsumer(bench.connect(), { 'order.created': handler });
    bench.send(orderCreated());
    await eventually(async () => expect(await posts()).toBe(1));
    expect(consumer.state()).toBe('up');

    proxy.cut();
    for (let sent = 0; sent < 100; sent++) bench.send(orderCreated());
    await eventually(() => expect(consumer.state()).toBe('down'));
    const before = tries.count;
    expect(before).toBeLessThanOrEqual(21); // those in hand at first, and the one before
    await eventually(() => expect(tries.count).toBeGreaterThan(before + 5)); // longer than five tries would take
    await eventually(async () => expect(await bench.waiting(bench.queue.name)).toBe(80)); // bounded by the prefetch
    expect(await bench.waiting(bench.deadLetterQueue)).toBe(0);

    proxy.mend();
    await eventually(async () => expect(await posts()).toBe(101), { timeout: timeLimit(5_000) });
    expect(consumer.state()).toBe('up');
    expect(bench.logger.messages('warn')).not.toContain('event handling failed');
  });

  it('-> stopping does not wait for it, and the events stay in the queue', async () => {
    const { tries, handler } = createHandler();
    const consumer = bench.startConsumer(bench.connect(), { 'order.created': handler });
    proxy.cut();
    for (let sent = 0; sent < 5; sent++) bench.send(orderCreated());
    await eventually(() => expect(tries.count).toBeGreaterThan(5));
    const before = Date.now();
    await consumer.stop();
    expect(Date.now() - before).toBeLessThan(timeLimit(2_500));
    await eventually(async () => expect(await bench.waiting(bench.queue.name)).toBe(5));
  });

  it('for longer than the broker lets a message go unacknowledged -> it goes to the end of its queue, as it was', async () => {
    const { tries, handler } = createHandler();
    bench.startConsumer(bench.connect(), { 'order.created': handler }, { holdLimit: 50 });
    proxy.cut();
    const event = orderCreated();
    bench.send(event, { 'x-tenant': 'blue', 'x-attempts': 4 }); // one more try is left
    await eventually(() => expect(tries.count).toBeGreaterThan(8));
    proxy.mend();
    await eventually(async () => expect(await posts()).toBe(1));
    await eventually(async () => expect(await bench.waiting(bench.queue.name)).toBe(0));
    expect(await bench.waiting(bench.deadLetterQueue)).toBe(0);
  });

  it('and an event fails for another reason afterwards -> its tries are counted from the first', async () => {
    const { handler } = createHandler();
    let failures = 0;
    const consumer = bench.startConsumer(bench.connect(), {
      'order.created': async (event, cause) => {
        await handler(event, cause);
        failures++;
        throw new Error('no luck');
      },
    });
    proxy.cut();
    bench.send(orderCreated());
    await eventually(() => expect(consumer.state()).toBe('down'));
    proxy.mend();
    await eventually(async () => expect(await bench.waiting(bench.deadLetterQueue)).toBe(1));
    expect(failures).toBe(5);
  });
});
