import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { GetMessage } from 'amqplib';
import { eventually, timeLimit } from '@shop/testing';
import { orderCreated, orderData } from '../../test/messaging/fixtures.js';
import { MessagingBench } from '../../test/messaging/messaging-bench.js';
import { parseEvent, type IncomingEventOf } from '../contracts/index.js';
import type { InboundEvent } from '../database/index.js';
import { currentScope } from '../logger/index.js';
import { deadLetterHeaders } from './dead-letter-headers.js';
import { EventConsumer } from './event-consumer.js';

let bench: MessagingBench;

beforeAll(async () => {
  bench = await MessagingBench.open();
});
afterEach(async () => {
  await bench.reset();
  bench.metrics.registry.resetMetrics();
});
afterAll(() => bench.close());

const metric = (name: string) => bench.metrics.registry.getSingleMetricAsString(name);

async function takeDeadLetter(): Promise<GetMessage> {
  return eventually(async () => {
    const found = await bench.channel.get(bench.deadLetterQueue, { noAck: true });
    if (!found) throw new Error('no dead letter');
    return found;
  });
}

describe('event consumer', () => {
  it('an event -> is handled once with its cause, in a scope of its own that continues its trace', async () => {
    const connection = bench.connect();
    const seen: {
      event: IncomingEventOf<'order.created'>;
      cause: InboundEvent;
      scope: ReturnType<typeof currentScope>;
    }[] = [];
    bench.startConsumer(connection, {
      'order.created': async (event, cause) => void seen.push({ event, cause, scope: currentScope() }),
    });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const event = { ...orderCreated({ sequence: 7 }), traceparent };
    bench.send(event);
    await eventually(() => expect(seen).toHaveLength(1));
    expect(seen[0]?.event).toEqual(parseEvent(JSON.stringify(event)));
    expect(seen[0]?.cause).toEqual({
      eventId: event.id,
      type: 'order.created',
      aggregate: `order/${event.subject}`,
      sequence: 7,
    });
    expect(seen[0]?.scope?.requestId).toBe(event.id);
    expect(seen[0]?.scope?.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)\w{16}-01$/);
    await eventually(async () => expect(await bench.waiting(bench.queue.name)).toBe(0));
  });

  it('its handler always fails -> tried five times with growing pauses, then dead-lettered with all that is known', async () => {
    const connection = bench.connect();
    const tries: number[] = [];
    let goodHandledAt = Infinity;
    const bad = orderCreated();
    const good = orderCreated();
    bench.startConsumer(
      connection,
      {
        'order.created': async (event) => {
          if (event.id === good.id) {
            goodHandledAt = Date.now();
            return;
          }
          tries.push(Date.now());
          throw new Error('no luck');
        },
      },
      { prefetch: 1 },
    );
    bench.send(bad, { 'x-tenant': 'blue' });
    bench.send(good);
    const dead = await takeDeadLetter();
    expect(tries).toHaveLength(5);
    const pauses = tries.slice(1).map((time, index) => time - tries[index]!);
    for (const [index, pause] of bench.queue.retryPauses.entries()) {
      expect(pauses[index]).toBeGreaterThanOrEqual(0.8 * pause - 5);
      expect(pauses[index]).toBeLessThan(timeLimit(pause + 2_000));
    }
    expect(goodHandledAt).toBeLessThan(tries[4]!); // not held up
    expect(JSON.parse(dead.content.toString())).toEqual(bad);
    expect(dead.properties.headers).toMatchObject({
      'x-tenant': 'blue',
      [deadLetterHeaders.attempts]: 5,
      [deadLetterHeaders.reason]: 'failed',
      [deadLetterHeaders.error]: 'no luck',
      [deadLetterHeaders.stack]: expect.stringContaining('event-consumer.int.test'),
    });
    expect(bench.logger.messages('error')).toEqual(['event dead-lettered']);
    const labels = `messaging_destination_name="${bench.queue.name}"`;
    expect(await metric('messaging_retries_total')).toContain(`{${labels},service="test"} 4`);
    expect(await metric('messaging_dead_letters_total')).toContain(`{${labels},reason="failed",service="test"} 1`);
  });

  it('its handler fails twice -> the third try ends it', async () => {
    const connection = bench.connect();
    let tries = 0;
    bench.startConsumer(connection, {
      'order.created': async () => {
        if (++tries < 3) throw new Error('not yet');
      },
    });
    bench.send(orderCreated());
    await eventually(() => expect(tries).toBe(3));
    await eventually(async () => expect(await bench.waiting(bench.queue.name)).toBe(0));
    expect(await bench.waiting(bench.deadLetterQueue)).toBe(0);
  });

  it.each([
    ['no JSON', '{'],
    ['no event', '{"hello":"world"}'],
    ['an unknown type', { ...orderCreated(), type: 'order.exploded' }],
    ['a field of the wrong type', { ...orderCreated(), data: { ...orderData(), totalAmount: '19.99' } }],
  ])('a message is %s -> dead-lettered at the first try', async (_, body) => {
    const connection = bench.connect();
    bench.startConsumer(connection, {});
    bench.send(body);
    const dead = await takeDeadLetter();
    expect(dead.properties.headers).toMatchObject({
      [deadLetterHeaders.attempts]: 1,
      [deadLetterHeaders.reason]: 'malformed',
    });
  });

  it('two events of one aggregate -> are handled one after the other, those of others meanwhile', async () => {
    const connection = bench.connect();
    const orderId = randomUUID();
    const inHand: number[] = [];
    let others = 0;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    bench.startConsumer(connection, {
      'order.created': async (event) => {
        if (event.subject !== orderId) {
          others++;
          return;
        }
        inHand.push(event.sequence);
        await held;
      },
    });
    bench.send(orderCreated({ orderId, sequence: 1 }));
    bench.send(orderCreated({ orderId, sequence: 2 }));
    bench.send(orderCreated());
    await eventually(() => expect(others).toBe(1));
    expect(inHand).toEqual([1]);
    release();
    await eventually(() => expect(inHand).toEqual([1, 2]));
  });

  it('its process stops before the handler has ended -> the event comes again', async () => {
    const connection = bench.connect();
    let begun = 0;
    let end = (): void => undefined;
    const first = bench.startConsumer(connection, {
      'order.created': () => {
        begun++;
        return new Promise((resolve) => (end = resolve));
      },
    });
    const event = orderCreated();
    bench.send(event);
    await eventually(() => expect(begun).toBe(1));
    await first.stop({ grace: 0 });
    const handled: string[] = [];
    bench.startConsumer(connection, { 'order.created': async ({ id }) => void handled.push(id) });
    await eventually(() => expect(handled).toEqual([event.id]));
    end();
  });

  it('an event comes three times, and an older one after it -> one effect', async () => {
    const connection = bench.connect();
    const outcomes: string[] = [];
    bench.startConsumer(connection, {
      'order.created': async (event, cause) => {
        const { outcome } = await bench.store().save(
          async (tx) => {
            await tx.post.create({ data: { id: randomUUID(), title: event.subject } });
            return { value: 0, events: [] };
          },
          { cause },
        );
        outcomes.push(outcome);
      },
    });
    const event = orderCreated({ sequence: 5 });
    for (let times = 0; times < 3; times++) bench.send(event);
    await eventually(() => expect(outcomes).toHaveLength(3));
    bench.send({ ...orderCreated({ orderId: event.subject, sequence: 4 }) });
    await eventually(() => expect(outcomes).toEqual(['saved', 'duplicate', 'duplicate', 'stale']));
    expect(await bench.client.post.count({ where: { title: event.subject } })).toBe(1);
    const skipped = await metric('messaging_skipped_events_total');
    expect(skipped).toContain('{event_type="order.created",reason="duplicate",service="test"} 2');
    expect(skipped).toContain('{event_type="order.created",reason="stale",service="test"} 1');
  });

  it('messages wait in its queues, whoever has put them there -> the gauge tells how many', async () => {
    for (let times = 0; times < 3; times++) bench.channel.sendToQueue(bench.deadLetterQueue, Buffer.from('{}'));
    bench.startConsumer(bench.connect(), {});
    const gauge = () => metric('messaging_queue_messages');
    await eventually(async () => {
      expect(await gauge()).toContain(`{messaging_destination_name="${bench.deadLetterQueue}",service="test"} 3`);
      expect(await gauge()).toContain(`{messaging_destination_name="${bench.queue.name}",service="test"} 0`);
    });
  });

  it('handlers and bindings differ -> it does not start', () => {
    const connection = bench.connect();
    const { queue, logger, metrics } = bench;
    const handlers = { 'order.created': async () => undefined };
    expect(() => new EventConsumer({ connection, queue, handlers, logger, metrics })).toThrow(
      'payment-service.v2 is bound to order.created, order.status_changed, user.anonymised, its handlers are for order.created',
    );
  });
});
