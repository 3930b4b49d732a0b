import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as newId } from 'uuid';
import type { OrderResource } from '@shop/common/contracts';
import { AtomicStore, createDatabaseAdapter } from '@shop/common/database';
import { createLogger } from '@shop/common/logger';
import { createTopology } from '@shop/common/messaging';
import { BrokerConnection, type Publisher } from '@shop/common/rabbitmq';
import { eventually } from '@shop/common/testing';
import { orderBody, placeOrderIn } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';
import { startOrderService } from '../container.js';
import { createDatabase } from '../database.js';
import { OrderRepository } from './order.repository.js';

const PAYMENT_WINDOW = 1_000;
/** A tight bound would measure the machine; the contract asks for a few seconds. */
const FEW_SECONDS = 5_000;

let test: TestService;
let alice: TestCaller;
let admin: TestCaller;
/** The payment service's side of the broker. */
let broker: BrokerConnection;
let publisher: Publisher;

beforeAll(async () => {
  test = await startTestService({ paymentWindow: PAYMENT_WINDOW });
  const topology = createTopology({ accessTokenLifetime: test.config.accessTokenLifetime });
  const logger = createLogger({ service: 'test', level: 'error' });
  broker = new BrokerConnection({ url: test.config.brokerUrl, name: 'test', topology, logger });
  publisher = broker.createPublisher('test');
  await eventually(() => expect(broker.state()).toBe('up'));
});
afterAll(async () => {
  await broker.stop();
  await test.stop();
});
beforeEach(() => {
  [alice, admin] = [test.caller(), test.caller('admin')];
});

const place = async (): Promise<OrderResource> => {
  const { body } = await alice.post(orderBody()).expect(201);
  return (body as { data: OrderResource }).data;
};

const get = async (id: string) => (await admin.get(`/${id}`).expect(200)).body.data;

const ended = (id: string) =>
  eventually(async () => {
    const order = await get(id);
    expect(order.status).not.toBe('pending');
    return order;
  });

const statusEventsOf = (id: string) =>
  test.query<{ sequence: number; data: object }>(
    "SELECT sequence, data FROM outbox WHERE subject = $1 AND type = 'order.status_changed' ORDER BY position",
    [id],
  );

/** payment.success, as the payment service tells it. */
const publishPaid = async (orderId: string): Promise<string> => {
  const [id, paymentId, time] = [newId(), newId(), new Date().toISOString()];
  const data = {
    ...{ id: paymentId, orderId, userId: alice.id, amount: 44.98, refundedAmount: 0, currency: 'USD' },
    ...{ status: 'success', method: 'card', transactionId: 'tx', provider: 'simulated', description: null },
    ...{ failureReason: null, paidAt: time, createdAt: time, updatedAt: time },
  };
  const type = 'payment.success';
  const event = {
    specversion: '1.0',
    id,
    source: '/payment-service',
    type,
    subject: paymentId,
    time,
    sequence: 3,
    data,
  };
  await publisher.publish({
    exchange: broker.topology.exchange,
    routingKey: type,
    body: Buffer.from(JSON.stringify(event)),
    messageId: id,
    type,
    contentType: 'application/cloudevents+json',
    mandatory: true,
  });
  return id;
};

describe('an order that nobody pays', () => {
  it('at the end of its window -> cancelled by the system, within seconds, and told as an event', async () => {
    const { id, payableUntil } = await place();
    const order = await ended(id);
    expect(order).toMatchObject({ status: 'cancelled', statusReason: 'expired' });
    const [, change] = order.statusHistory;
    expect(change).toEqual({ status: 'cancelled', by: 'system', reason: 'expired', at: expect.any(String) });
    const late = Date.parse(change.at) - Date.parse(payableUntil);
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(FEW_SECONDS);
    const data = { status: 'cancelled', previousStatus: 'pending', reason: 'expired', statusReason: 'expired' };
    expect(await statusEventsOf(id)).toMatchObject([{ sequence: 2, data }]);
  });

  it('what is not pending any more, or still has time -> stays', async () => {
    const confirmed = await placeOrderIn('confirmed', { owner: alice, admin });
    const patient = await place();
    await test.query("UPDATE orders SET payable_until = now() + interval '1 hour' WHERE id = $1", [patient.id]);
    const { id } = await place();
    await ended(id); // everything that was due before it has been looked at
    expect((await get(confirmed)).status).toBe('confirmed');
    expect((await get(patient.id)).status).toBe('pending');
  });

  it('40 of them, three processes -> each is cancelled once', async () => {
    const orders = await Promise.all(Array.from({ length: 40 }, place));
    const others = await Promise.all([startOrderService(test.config), startOrderService(test.config)]);
    for (const { id } of orders) {
      expect(await ended(id)).toMatchObject({ status: 'cancelled', statusReason: 'expired' });
      expect(await statusEventsOf(id)).toHaveLength(1);
    }
    await Promise.all(others.map((other) => other.stop()));
  });
});

describe('expired orders that can not be cancelled', () => {
  it('more of them than are looked at together -> they hold up nobody, and follow as soon as they can', async () => {
    await test.query(`
      CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fault'; END $$;
      CREATE TRIGGER fault BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.notes = 'stuck') EXECUTE FUNCTION fault()`);
    const stuck: OrderResource[] = [];
    for (let count = 0; count < 12; count++) {
      const { body } = await alice.post(orderBody({ notes: 'stuck' })).expect(201);
      stuck.push((body as { data: OrderResource }).data);
    }
    const { id } = await place();
    const cancelled = (orderId: string) =>
      eventually(async () => expect((await get(orderId)).status).toBe('cancelled'), { timeout: 30_000 });
    await cancelled(id);
    for (const order of stuck) expect((await get(order.id)).status).toBe('pending');
    await test.query('DROP FUNCTION fault CASCADE');
    for (const order of stuck) await cancelled(order.id);
  }, 90_000);
});

describe('the end of the window races', () => {
  it('with the payment -> one of the two wins, and the event tells which', async () => {
    const orders = await Promise.all(Array.from({ length: 40 }, place));
    // Paid from well before to well after the moment at which they expire.
    const eventIds = await Promise.all(
      orders.map(async ({ id, payableUntil }, index) => {
        const until = Date.parse(payableUntil) - 800 + index * 60;
        await eventually(() => expect(Date.now()).toBeGreaterThanOrEqual(until));
        return publishPaid(id);
      }),
    );
    await eventually(async () => {
      expect(await test.query('SELECT FROM inbox WHERE event_id = ANY($1)', [eventIds])).toHaveLength(40);
    });
    const winners = new Set<string>();
    for (const { id } of orders) {
      const order = await ended(id);
      winners.add(order.status);
      const events = await statusEventsOf(id);
      expect(events).toHaveLength(1);
      expect(events[0]).toMatchObject({ data: { status: order.status } });
      expect(order.statusReason).toBe(order.status === 'cancelled' ? 'expired' : null);
    }
    expect(winners).toEqual(new Set(['confirmed', 'cancelled']));
  });

  it('with a payment that comes between the search and the look at what it found -> not cancelled', async () => {
    const patient = await startOrderService({ ...test.config, paymentWindow: 3_600_000 });
    const { body } = await alice.at(`http://127.0.0.1:${patient.port}`).post(orderBody()).expect(201);
    await patient.stop();
    const { id, payableUntil } = (body as { data: OrderResource }).data;
    const later = new Date(Date.parse(payableUntil) + 1_000);
    const adapter = createDatabaseAdapter({ url: test.config.databaseUrl, poolSize: 2, applicationName: 'test' });
    const database = createDatabase(adapter);
    const search = database.$queryRaw.bind(database);
    const searchAndPay = async (query: Parameters<typeof search>[0]) => {
      const found = await search(query);
      await admin.patch(`/${id}/status`, { status: 'confirmed' }).expect(200);
      return found;
    };
    const paidMeanwhile = Object.create(database, { $queryRaw: { value: searchAndPay } }) as typeof database;
    const store = new AtomicStore({ client: database, onCommit: () => undefined });

    const idsOfUnpaid = async (client: typeof database) =>
      (await new OrderRepository({ database: client, store }).listUnpaid(later, { limit: 100, except: [] })).map(
        (order) => order.id,
      );
    expect(await idsOfUnpaid(database)).toContain(id);
    expect(await idsOfUnpaid(paidMeanwhile)).not.toContain(id);
    await database.$disconnect();
  });

  it('with its owner who cancels -> cancelled once', async () => {
    const orders = await Promise.all(Array.from({ length: 20 }, place));
    await Promise.all(
      orders.map(async ({ id, payableUntil }, index) => {
        const until = Date.parse(payableUntil) - 100 + index * 40;
        await eventually(() => expect(Date.now()).toBeGreaterThanOrEqual(until));
        await alice.patch(`/${id}/status`, { status: 'cancelled' }).expect(200);
      }),
    );
    for (const { id } of orders) {
      expect((await ended(id)).status).toBe('cancelled');
      expect(await statusEventsOf(id)).toHaveLength(1);
    }
  });
});
