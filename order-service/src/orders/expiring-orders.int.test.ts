import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as newId } from 'uuid';
import type { OrderResource } from '@shop/common/contracts';
import { createLogger } from '@shop/common/logger';
import { createTopology } from '@shop/common/messaging';
import { BrokerConnection, type Publisher } from '@shop/common/rabbitmq';
import { eventually } from '@shop/testing';
import { orderBody, placeOrderIn } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

const PAYMENT_WINDOW = 1_000;

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

const statusEventsOf = (id: string) =>
  test.query<{ sequence: number; data: object }>(
    "SELECT sequence, data FROM outbox WHERE subject = $1 AND type = 'order.status_changed' ORDER BY position",
    [id],
  );

/** What payment-service describes an order's payment. */
const publish = async (
  orderId: string,
  type: 'payment.success' | 'payment.expired',
  status = type === 'payment.success' ? 'success' : 'cancelled',
): Promise<string> => {
  const [id, paymentId, time] = [newId(), newId(), new Date().toISOString()];
  const data = {
    ...{ id: paymentId, orderId, userId: alice.id, amount: 44.98, refundedAmount: 0, currency: 'USD' },
    ...{ status, method: 'card', transactionId: 'tx', provider: 'simulated', description: null },
    ...{ failureReason: null, paidAt: status === 'success' ? time : null, createdAt: time, updatedAt: time },
  };
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

/** Waits until an event was handled. */
const handled = (...eventIds: string[]) =>
  eventually(async () => {
    expect(await test.query('SELECT FROM inbox WHERE event_id = ANY($1)', [eventIds])).toHaveLength(eventIds.length);
  });

const afterWindow = ({ payableUntil }: OrderResource) =>
  eventually(() => expect(Date.now()).toBeGreaterThan(Date.parse(payableUntil) + 1_500));

describe('an order whose time to be paid is over', () => {
  it('nothing is known of its payment, as while the broker is down -> it waits', async () => {
    const order = await place();
    await afterWindow(order);
    expect((await get(order.id)).status).toBe('pending');
    expect(await statusEventsOf(order.id)).toEqual([]);
  });

  it('it was paid, and that is learned of late -> confirmed', async () => {
    const order = await place();
    await afterWindow(order);
    await handled(await publish(order.id, 'payment.success'));
    expect(await get(order.id)).toMatchObject({ status: 'confirmed', statusReason: null });
  });

  it('this service was down meanwhile, and its backlog says that it was paid -> confirmed', async () => {
    const order = await place();
    await test.restart({ paymentWindow: PAYMENT_WINDOW });
    await afterWindow(order);
    expect((await get(order.id)).status).toBe('pending');
    await handled(await publish(order.id, 'payment.success'));
    expect((await get(order.id)).status).toBe('confirmed');
  });

  it('payment-service says that it has expired -> cancelled by the system, and reported as an event', async () => {
    const { id } = await place();
    await handled(await publish(id, 'payment.expired'));
    const order = await get(id);
    expect(order).toMatchObject({ status: 'cancelled', statusReason: 'expired' });
    expect(order.statusHistory[1]).toEqual({
      status: 'cancelled',
      by: 'system',
      reason: 'expired',
      at: expect.any(String),
    });
    const data = { status: 'cancelled', previousStatus: 'pending', reason: 'expired', statusReason: 'expired' };
    expect(await statusEventsOf(id)).toMatchObject([{ sequence: 2, data }]);
  });

  it('it has expired after its payment was declined -> the same', async () => {
    const { id } = await place();
    await handled(await publish(id, 'payment.expired', 'failed'));
    expect(await get(id)).toMatchObject({ status: 'cancelled', statusReason: 'expired' });
  });

  it.each(['confirmed', 'processing', 'shipped', 'delivered', 'cancelled'] as const)(
    'it is %s by then -> stays so',
    async (status) => {
      const id = await placeOrderIn(status, { owner: alice, admin });
      const before = await get(id);
      await handled(await publish(id, 'payment.expired'));
      expect(await get(id)).toEqual(before);
    },
  );

  it('at the very moment its owner cancels -> cancelled once', async () => {
    const orders = await Promise.all(Array.from({ length: 20 }, place));
    const eventIds = await Promise.all(
      orders.map(async ({ id }) => {
        const [eventId] = await Promise.all([
          publish(id, 'payment.expired'),
          alice.patch(`/${id}/status`, { status: 'cancelled' }).expect(200),
        ]);
        return eventId;
      }),
    );
    await handled(...eventIds);
    for (const { id } of orders) {
      expect((await get(id)).status).toBe('cancelled');
      expect(await statusEventsOf(id)).toHaveLength(1);
    }
  });
});

describe('clocks', () => {
  it('an order is placed -> its time to be paid goes by the clock of the database', async () => {
    const { id } = await place();
    const [row] = await test.query(
      `SELECT abs(extract(epoch FROM now() - created_at)) < 10 AS is_now,
         extract(epoch FROM payable_until - created_at)::float8 AS seconds FROM orders WHERE id = $1`,
      [id],
    );
    expect(row).toEqual({ is_now: true, seconds: PAYMENT_WINDOW / 1_000 });
  });
});
