import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import supertest from 'supertest';
import { v7 as newId } from 'uuid';
import { eventSchemas, type DomainEvent, type PaymentStatus } from '@shop/common/contracts';
import { createLogger } from '@shop/common/logger';
import { createTopology } from '@shop/common/messaging';
import { BrokerConnection, type Publisher } from '@shop/common/rabbitmq';
import { asWrittenBy, createTestPool, eventually, repeatAndShuffle, versions } from '@shop/testing';
import { orderBody, placeOrderIn } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

let test: TestService;
let admin: TestCaller;
/** The payment service's side of the broker. */
let broker: BrokerConnection;
let publisher: Publisher;
const received: DomainEvent[] = [];

beforeAll(async () => {
  test = await startTestService();
  admin = test.caller('admin');
  const topology = createTopology({ accessTokenLifetime: test.config.accessTokenLifetime });
  const logger = createLogger({ service: 'test', level: 'error' });
  broker = new BrokerConnection({ url: test.config.brokerUrl, name: 'test', topology, logger });
  publisher = broker.createPublisher('test');
  broker.subscribe({
    queue: topology.paymentService.name,
    prefetch: 50,
    onDelivery: async (delivery) => {
      received.push(z.union(Object.values(eventSchemas)).parse(JSON.parse(delivery.body.toString())));
      delivery.acknowledge();
    },
  });
  await eventually(() => expect(broker.state()).toBe('up'));
});
afterAll(async () => {
  await broker.stop();
  await test.stop();
});

interface PaymentFacts {
  id?: string;
  paymentId?: string;
  sequence?: number;
  orderId: string;
  status: PaymentStatus;
}

const paymentEvent = (type: 'payment.success' | 'payment.refunded', facts: PaymentFacts) => {
  const { id = newId(), paymentId = newId(), sequence = 3, orderId, status } = facts;
  const time = new Date().toISOString();
  const data = {
    ...{ id: paymentId, orderId, userId: newId(), amount: 44.98, refundedAmount: 0, currency: 'USD', status },
    ...{ method: 'card', transactionId: 'tx', provider: 'simulated', description: null, failureReason: null },
    ...{ paidAt: time, createdAt: time, updatedAt: time },
  };
  return { specversion: '1.0', id, source: '/payment-service', type, subject: paymentId, time, sequence, data };
};

const publish = async (event: { id: string; type: string }): Promise<void> => {
  await publisher.publish({
    exchange: broker.topology.exchange,
    routingKey: event.type,
    body: Buffer.from(JSON.stringify(event)),
    messageId: event.id,
    type: event.type,
    contentType: 'application/cloudevents+json',
    mandatory: true,
  });
};
const paid = (orderId: string, facts: Partial<PaymentFacts> = {}) =>
  paymentEvent('payment.success', { orderId, status: 'success', ...facts });
const refunded = (orderId: string, facts: Partial<PaymentFacts> = {}) =>
  paymentEvent('payment.refunded', { orderId, status: 'refunded', sequence: 5, ...facts });

/** Publishes an event, and resolves when all its deliveries were handled: those of one payment are, one after another. */
async function deliver(event: ReturnType<typeof paymentEvent>, times = 1): Promise<void> {
  const last = paid(newId(), { paymentId: event.subject, sequence: 100 });
  for (let time = 0; time < times; time++) await publish(event);
  await publish(last);
  await eventually(async () => expect(await inboxOf([last.id])).toHaveLength(1));
}
const statusOf = async (id: string): Promise<string> => {
  const rows = await test.query<{ status: string }>('SELECT status FROM orders WHERE id = $1', [id]);
  return rows[0]!.status;
};
const changesOf = (id: string) =>
  test.query<{ data: object; sequence: number }>(
    `SELECT data, sequence FROM outbox WHERE subject = $1 AND type = 'order.status_changed' ORDER BY position`,
    [id],
  );
const inboxOf = (ids: readonly string[]) => test.query('SELECT event_id FROM inbox WHERE event_id = ANY ($1)', [ids]);

describe('twenty orders that are paid at once', () => {
  const placeOrders = () =>
    Promise.all(Array.from({ length: 20 }, () => placeOrderIn('pending', { owner: test.caller(), admin })));
  const areConfirmed = (ids: readonly string[]) =>
    eventually(async () => {
      for (const id of ids) expect(await statusOf(id)).toBe('confirmed');
    });

  it('one that the database refuses to change -> the others are confirmed, each once; that one when it can be', async () => {
    const [first = '', ...others] = await placeOrders();
    await test.query(
      `ALTER TABLE orders ADD CONSTRAINT poison CHECK (id <> '${first}' OR status <> 'confirmed') NOT VALID`,
    );
    await Promise.all([first, ...others].map((id) => publish(paid(id))));
    await areConfirmed(others);
    expect(await statusOf(first)).toBe('pending');
    await test.query('ALTER TABLE orders DROP CONSTRAINT poison');
    await areConfirmed([first]);
    for (const id of [first, ...others]) {
      expect(await changesOf(id)).toMatchObject([{ data: { id, status: 'confirmed', previousStatus: 'pending' } }]);
    }
  });

  it('one is locked by somebody -> the others are confirmed meanwhile, that one afterwards', async () => {
    const [first = '', ...others] = await placeOrders();
    const somebody = createTestPool(test.config.databaseUrl);
    const client = await somebody.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM orders WHERE id = $1 FOR UPDATE', [first]);
    await publish(paid(first));
    await Promise.all(others.map((id) => publish(paid(id))));
    await areConfirmed(others);
    expect(await statusOf(first)).toBe('pending');
    await client.query('ROLLBACK');
    client.release();
    await areConfirmed([first]);
    expect(await changesOf(first)).toHaveLength(1);
    await somebody.end();
  });
});

describe('payment-service of another version', () => {
  it.each(versions)('%s -> a paid order is confirmed, one that is refunded is cancelled', async (version) => {
    const alice = test.caller();
    const [paidOrder, refundedOrder, otherOrder] = await Promise.all(
      Array.from({ length: 3 }, () => placeOrderIn('pending', { owner: alice, admin })),
    );
    const of = (event: ReturnType<typeof paymentEvent>, enums: string[]) => ({
      ...(asWrittenBy(version, event, enums) as object),
      id: event.id,
      type: event.type,
    });
    await publish(of(paid(paidOrder!), ['status', 'method']));
    await publish(of(refunded(refundedOrder!), ['method']));
    const unknown = refunded(otherOrder!, { status: 'partially_refunded' });
    await publish(of(unknown, ['status']));
    await eventually(async () => {
      expect(await statusOf(paidOrder!)).toBe('confirmed');
      expect(await statusOf(refundedOrder!)).toBe('cancelled');
    });
    // Where it isn't known in what way it is refunded, that is taken neither for "in full" nor "in part", nor for an error.
    const isKnown = version !== 'after';
    await eventually(async () => expect(await statusOf(otherOrder!)).toBe(isKnown ? 'confirmed' : 'pending'));
    await eventually(async () => {
      const { text } = await supertest(test.url).get('/metrics').expect(200);
      expect(text).toMatch(/messaging_queue_messages\{[^}]*dead-letter[^}]*\} 0\n/);
    });
  });
});

describe('a payment succeeded', () => {
  it('a pending order, the event delivered three times -> confirmed once, by the system', async () => {
    const alice = test.caller();
    const id = await placeOrderIn('pending', { owner: alice, admin });
    const event = paid(id);
    await deliver(event, 3);

    const { body } = await alice.get(`/${id}`).expect(200);
    expect(body.data).toMatchObject({ status: 'confirmed', statusReason: null });
    expect(body.data.statusHistory).toEqual([
      { status: 'pending', at: body.data.createdAt, by: alice.id, reason: null },
      { status: 'confirmed', at: body.data.updatedAt, by: 'system', reason: null },
    ]);
    const changes = await changesOf(id);
    expect(changes).toMatchObject([{ sequence: 2, data: { status: 'confirmed', previousStatus: 'pending' } }]);
    expect(await inboxOf([event.id])).toHaveLength(1);
  });

  it('an order cancelled meanwhile -> stays cancelled', async () => {
    const id = await placeOrderIn('cancelled', { owner: test.caller(), admin });
    const event = paid(id);
    await deliver(event);
    expect(await statusOf(id)).toBe('cancelled');
    expect(await changesOf(id)).toHaveLength(1);
    expect(await inboxOf([event.id])).toHaveLength(1);
  });

  it('an order that is unknown, deleted or on its way -> nothing happens, and nothing gets stuck', async () => {
    const shipped = await placeOrderIn('shipped', { owner: test.caller(), admin });
    const deleted = await placeOrderIn('cancelled', { owner: test.caller(), admin });
    await admin.delete(`/${deleted}`).expect(200);
    const events = [paid(shipped), paid(deleted), paid(newId())];
    for (const event of events) await deliver(event);
    expect([await statusOf(shipped), await statusOf(deleted)]).toEqual(['shipped', 'cancelled']);
    expect(await inboxOf(events.map(({ id }) => id))).toHaveLength(3);
  });

  it('while its owner cancels the order -> one of the two, reported once', async () => {
    for (let round = 0; round < 5; round++) {
      const alice = test.caller();
      const id = await placeOrderIn('pending', { owner: alice, admin });
      const [, answer] = await Promise.all([deliver(paid(id)), alice.patch(`/${id}/status`, { status: 'cancelled' })]);
      expect([200, 409]).toContain(answer.status);
      const { body } = await alice.get(`/${id}`).expect(200);
      const steps = body.data.statusHistory.map(({ status }: { status: string }) => status);
      const ways =
        answer.status === 409
          ? [['pending', 'confirmed']]
          : [
              ['pending', 'cancelled'],
              ['pending', 'confirmed', 'cancelled'],
            ];
      expect(ways).toContainEqual(steps);
      expect(await changesOf(id)).toHaveLength(steps.length - 1);
    }
  });
});

describe('a payment was refunded', () => {
  it.each(['pending', 'confirmed', 'processing'] as const)(
    'a %s order, three times -> cancelled once',
    async (from) => {
      const alice = test.caller();
      const id = await placeOrderIn(from, { owner: alice, admin });
      const before = (await changesOf(id)).length;
      const event = refunded(id);
      await deliver(event, 3);
      const { body } = await alice.get(`/${id}`).expect(200);
      expect(body.data).toMatchObject({ status: 'cancelled', statusReason: 'refunded' });
      expect(body.data.statusHistory.at(-1)).toMatchObject({ by: 'system', reason: 'refunded' });
      expect((await changesOf(id)).slice(before)).toMatchObject([
        { data: { previousStatus: from, reason: 'refunded' } },
      ]);
    },
  );

  it.each(['shipped', 'delivered'] as const)('a %s order -> stays', async (from) => {
    const id = await placeOrderIn(from, { owner: test.caller(), admin });
    await deliver(refunded(id));
    expect(await statusOf(id)).toBe(from);
  });

  it('in part only -> the order stays', async () => {
    const id = await placeOrderIn('confirmed', { owner: test.caller(), admin });
    await deliver(refunded(id, { status: 'partially_refunded' }));
    expect(await statusOf(id)).toBe('confirmed');
  });

  it("in part, learned of before the payment's success -> confirmed by it, once: what is refunded in part is paid", async () => {
    const id = await placeOrderIn('pending', { owner: test.caller(), admin });
    const paymentId = newId();
    await deliver(refunded(id, { paymentId, sequence: 4, status: 'partially_refunded' }));
    expect(await statusOf(id)).toBe('confirmed');
    await deliver(paid(id, { paymentId, sequence: 3 }));
    expect(await statusOf(id)).toBe('confirmed');
    expect(await changesOf(id)).toHaveLength(1);
  });

  it("learned of before the payment's success -> cancelled all the same, the success comes too late", async () => {
    const id = await placeOrderIn('pending', { owner: test.caller(), admin });
    const paymentId = newId();
    await deliver(refunded(id, { paymentId, sequence: 4 }));
    await deliver(paid(id, { paymentId, sequence: 3 }));
    expect(await statusOf(id)).toBe('cancelled');
    expect(await changesOf(id)).toHaveLength(1);
  });
});

describe('what others receive', () => {
  it('an order placed and cancelled -> both events, in their order, with the whole resource', async () => {
    const alice = test.caller();
    const { body } = await alice.post(orderBody()).expect(201);
    const { id } = body.data;
    const cancelled = await alice
      .patch(`/${id}/status`, { status: 'cancelled', reason: 'Changed my mind' })
      .expect(200);
    const { statusHistory: _, ...before } = body.data;
    const { statusHistory: __, ...after } = cancelled.body.data;

    const events = await eventually(() => {
      const ofOrder = received.filter(({ subject }) => subject === id);
      expect(ofOrder).toHaveLength(2);
      return ofOrder;
    });
    expect(events).toMatchObject([
      { type: 'order.created', source: '/order-service', sequence: 1, data: before },
      {
        type: 'order.status_changed',
        source: '/order-service',
        sequence: 2,
        data: { ...after, previousStatus: 'pending', reason: 'Changed my mind' },
      },
    ]);
  });
});

describe('hundreds of events of many payments', () => {
  type Outcome = (orderId: string, paymentId: string) => ReturnType<typeof paymentEvent>[];
  const success: Outcome = (orderId, paymentId) => [paid(orderId, { paymentId })];
  const partly: Outcome = (orderId, paymentId) => [
    ...success(orderId, paymentId),
    refunded(orderId, { paymentId, status: 'partially_refunded' }),
  ];
  const fully: Outcome = (orderId, paymentId) => [
    ...partly(orderId, paymentId),
    refunded(orderId, { paymentId, sequence: 7 }),
  ];
  const outcomes = { success, partly, fully };
  const starts = ['pending', 'shipped', 'cancelled'] as const;

  /** One order in each state for each outcome of its payment, and all that payment-service has to describe them. */
  const ordersOfAllOutcomes = (owner: TestCaller) =>
    Promise.all(
      starts.flatMap((start) =>
        Object.entries(outcomes).map(async ([outcome, eventsOf]) => {
          const [id, paymentId] = [await placeOrderIn(start, { owner, admin }), newId()];
          return { id, paymentId, outcome: `${start} ${outcome}`, events: eventsOf(id, paymentId) };
        }),
      ),
    );

  const endOf = async (id: string) => {
    const [order] = await test.query<{ status: string; status_reason: string | null }>(
      'SELECT status, status_reason FROM orders WHERE id = $1',
      [id],
    );
    return order;
  };

  it('each delivered one to four times and shuffled -> the same end as once and in order, no status twice', async () => {
    const owner = test.caller();
    const inOrder = await ordersOfAllOutcomes(owner);
    const shuffled = (await Promise.all(Array.from({ length: 8 }, () => ordersOfAllOutcomes(owner)))).flat();
    const deliveries = repeatAndShuffle(
      shuffled.flatMap(({ events }) => events),
      { times: 4, seed: 1 },
    );
    expect(deliveries.length).toBeGreaterThan(300);
    // A payment's events are handled one after another: behind this one, all of them are.
    const last = [...inOrder, ...shuffled].map(({ paymentId }) => paid(newId(), { paymentId, sequence: 100 }));
    for (const event of [...inOrder.flatMap(({ events }) => events), ...deliveries, ...last]) await publish(event);
    await eventually(async () => expect(await inboxOf(last.map(({ id }) => id))).toHaveLength(last.length));

    const ends = new Map(
      await Promise.all(inOrder.map(async ({ outcome, id }) => [outcome, await endOf(id)] as const)),
    );
    expect(ends.get('pending fully')).toEqual({ status: 'cancelled', status_reason: 'refunded' });
    for (const { id, outcome } of shuffled) expect([outcome, await endOf(id)]).toEqual([outcome, ends.get(outcome)]);
    const ids = shuffled.map(({ id }) => id);
    const twice = await test.query(
      `SELECT order_id FROM order_status_history WHERE order_id = ANY($1) GROUP BY order_id, status HAVING count(*) > 1`,
      [ids],
    );
    expect(twice).toEqual([]);
    const reported = await test.query(
      'SELECT subject FROM outbox WHERE subject = ANY($1) GROUP BY subject, sequence HAVING count(*) > 1',
      [ids],
    );
    expect(reported).toEqual([]);
  });
});
