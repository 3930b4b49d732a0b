import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, TIMEOUT } from '@shop/testing';
import { createTestClient } from '../../test/database/test-client.js';
import { orderCreated, orderCreatedDraft, orderData } from '../../test/messaging/fixtures.js';
import { MessagingBench } from '../../test/messaging/messaging-bench.js';
import type { EventOf } from '../contracts/index.js';
import { AtomicStore } from '../database/index.js';
import { countSkippedEvents } from './messaging-metrics.js';

const ORDERS = 2_000;
const EVENTS_OF_AN_ORDER = 5;
/** The same one gives the same numbers of deliveries, in the same order. */
const SEED = process.env.SEED ?? '1';

let bench: MessagingBench;
let client: ReturnType<typeof createTestClient>['client'];

beforeAll(async () => {
  bench = await MessagingBench.open();
  ({ client } = createTestClient(bench.database.url));
});
afterAll(async () => {
  await bench.reset();
  await client.$disconnect();
  await bench.close();
});

/** A number below `limit` that looks drawn by chance. */
const chance = (what: string, limit: number): number =>
  createHash('sha1').update(`${SEED} ${what}`).digest().readUInt32BE() % limit;

/** Each 1 to 5 times, shuffled. */
function deliveriesOf(events: readonly EventOf<'order.created'>[]): EventOf<'order.created'>[] {
  return events
    .flatMap((event, index) => Array.from({ length: 1 + chance(`times ${index}`, 5) }, () => event))
    .map((event, index) => ({ event, place: chance(`place ${index}`, 2 ** 32) }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ event }) => event);
}

async function deliver(events: readonly EventOf<'order.created'>[]): Promise<void> {
  for (const event of events) {
    const body = Buffer.from(JSON.stringify(event));
    if (!bench.channel.publish(bench.topology.exchange, event.type, body)) await once(bench.channel, 'drain');
  }
}

describe('10,000 events, each delivered 1 to 5 times and shuffled', () => {
  it('-> the same final state as delivered once and in order', async () => {
    const orderIds = Array.from({ length: ORDERS }, () => randomUUID());
    const events = Array.from({ length: EVENTS_OF_AN_ORDER }, (_, index) => index + 1).flatMap((sequence) =>
      orderIds.map((orderId) => ({
        ...orderCreated({ orderId, sequence }),
        data: { ...orderData({ id: orderId }), totalAmount: sequence },
      })),
    );
    const deliveries = deliveriesOf(events);
    expect(events).toHaveLength(10_000);
    expect(new Set(deliveries).size).toBe(10_000);

    let handled = 0;
    const store = new AtomicStore({
      client,
      onCommit: () => undefined,
      onSkip: countSkippedEvents(bench.metrics),
    });
    bench.startConsumer(
      bench.connect(),
      {
        'order.created': async ({ subject, sequence, data }, cause) => {
          await store.save(
            async (tx) => {
              await tx.$executeRaw`INSERT INTO posts (id, title, views) VALUES (${subject}::uuid, ${`as of ${data.totalAmount}`}, ${sequence})
                ON CONFLICT (id) DO UPDATE SET title = excluded.title, views = excluded.views`;
              return { value: undefined, events: [orderCreatedDraft(subject, sequence)] };
            },
            { cause },
          );
          handled++;
        },
      },
      { prefetch: 50 },
    );
    await deliver(deliveries);
    await eventually(() => expect(handled).toBe(deliveries.length), { timeout: 4 * TIMEOUT });

    const inOrder = orderIds.map((id) => ({ id, title: 'as of 5', views: 5 }));
    const byId = (one: { id: string }, other: { id: string }) => (one.id < other.id ? -1 : 1);
    const posts = await client.post.findMany({ select: { id: true, title: true, views: true } });
    expect(posts.toSorted(byId)).toEqual(inOrder.toSorted(byId));
    expect(await client.appliedSequence.count({ where: { sequence: 5 } })).toBe(ORDERS);
    expect(await client.inbox.count()).toBe(10_000);

    // Each effect was had once, and an order's only forwards.
    const reported = await client.outbox.findMany({
      orderBy: { position: 'asc' },
      select: { subject: true, sequence: true },
    });
    const last = new Map<string, number>();
    for (const { subject, sequence } of reported) {
      expect(sequence).toBeGreaterThan(last.get(subject) ?? 0);
      last.set(subject, sequence);
    }
    expect(reported.length).toBeLessThan(10_000); // some came too late, or the shuffling did nothing
    expect(await bench.waiting(bench.deadLetterQueue)).toBe(0);
  });
});
