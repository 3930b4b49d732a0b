import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import supertest from 'supertest';
import type { OrderStatus, PaymentResource } from '@shop/common/contracts';
import { ADDED_VALUE, asWrittenBy, eventually, repeatAndShuffle, versions } from '@shop/testing';
import { expectLedgerToBalance } from '../../test/ledger.js';
import {
  buildOrder,
  deliver,
  orderCreatedEvent,
  placeOrder,
  placePaidOrder,
  statusChangedEvent,
} from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

let test: TestService;
let alice: TestCaller;

beforeAll(async () => {
  test = await startTestService();
});
afterAll(async () => {
  try {
    await expectLedgerToBalance(test);
  } finally {
    await test.stop();
  }
});
beforeEach(() => {
  alice = test.caller();
});

const paymentsOf = (orderId: string) =>
  test.query<{ id: string; status: string }>('SELECT id, status FROM payments WHERE order_id = $1', [orderId]);

const eventTypesOf = async (orderId: string): Promise<string[]> => {
  const rows = await test.query<{ type: string }>(
    "SELECT type FROM outbox WHERE data ->> 'orderId' = $1 ORDER BY position",
    [orderId],
  );
  return rows.map(({ type }) => type);
};

describe('order.created', () => {
  it('three times -> one pending payment by card, reported once', async () => {
    const order = buildOrder({ userId: alice.id });
    const event = orderCreatedEvent(order);
    await deliver(test, event, event, event);
    const { body } = await alice.get(`/order/${order.id}`).expect(200);
    expect(body.data).toMatchObject({
      orderId: order.id,
      userId: alice.id,
      amount: 44.98,
      refundedAmount: 0,
      currency: 'USD',
      status: 'pending',
      method: 'card',
    });
    expect((await alice.get('/my-payments').expect(200)).body.meta.total).toBe(1);
    expect(await eventTypesOf(order.id)).toEqual(['payment.created']);
  });

  it('after somebody opened a payment by hand -> no second one', async () => {
    const order = buildOrder({ userId: alice.id });
    test.orderService.orders.set(order.id, order);
    const draft = { orderId: order.id, amount: 44.98, currency: 'USD', method: 'bank_transfer' };
    const { body } = await alice.post('', draft).expect(201);
    const event = orderCreatedEvent(order);
    await deliver(test, event);
    expect(await paymentsOf(order.id)).toMatchObject([{ id: body.data.id }]);
  });

  it('is published with its change and reaches the exchange', async () => {
    const { order } = await placeOrder(test, alice);
    await eventually(async () => {
      const [row] = await test.query("SELECT published_at FROM outbox WHERE data ->> 'orderId' = $1", [order.id]);
      expect(row?.published_at).not.toBeNull();
    });
  });
});

describe('order-service of another version', () => {
  it.each(versions)('%s -> a new order gets its payment, a cancelled one loses it', async (version) => {
    const order = buildOrder({ userId: alice.id });
    const rewrite = <T extends object>(event: T) => asWrittenBy(version, event, ['previousStatus']) as T;
    await deliver(test, rewrite(orderCreatedEvent(order)));
    expect(await paymentsOf(order.id)).toMatchObject([{ status: 'pending' }]);
    await deliver(test, rewrite(statusChangedEvent(order, 'cancelled')));
    expect(await paymentsOf(order.id)).toMatchObject([{ status: 'cancelled' }]);
  });

  it.each([
    ['XQA', 0, 500, '500'],
    ['XQB', 3, 1.234, '1234'],
    ['XQC', 2, 20, '2000'],
  ])(
    'in a currency that only it knows, %s with %d decimals -> %d is paid and refunded, by the decimals of the event',
    async (currency, currencyDecimals, totalAmount, minorUnits) => {
      const order = { ...buildOrder({ userId: alice.id, currency, totalAmount }), currencyDecimals };
      await deliver(test, orderCreatedEvent(order));
      const { body } = await alice.get(`/order/${order.id}`).expect(200);
      expect(body.data).toMatchObject({ amount: totalAmount, currency });
      expect(
        await test.query('SELECT amount, currency_decimals FROM payments WHERE order_id = $1', [order.id]),
      ).toEqual([{ amount: minorUnits, currency_decimals: currencyDecimals }]);
      await alice.post(`/${body.data.id}/process`, {}).expect(200);
      await deliver(test, statusChangedEvent(order, 'cancelled'));
      await eventually(async () => {
        const { body: refunded } = await alice.get(`/order/${order.id}`).expect(200);
        expect(refunded.data).toMatchObject({ status: 'refunded', refundedAmount: totalAmount });
      });
    },
  );

  it('with a status that is not known here -> the payment stays as it is, and can be paid; no further one is opened', async () => {
    const { order, payment } = await placeOrder(test, alice);
    const event = statusChangedEvent(order, 'confirmed');
    await deliver(test, { ...event, data: { ...event.data, status: ADDED_VALUE as OrderStatus } });
    await alice.post(`/${payment.id}/process`, {}).expect(200);

    const unknown = buildOrder({ userId: alice.id });
    test.orderService.orders.set(unknown.id, { ...unknown, status: ADDED_VALUE as OrderStatus });
    await alice.post('', { orderId: unknown.id, amount: 44.98, currency: 'USD', method: 'card' }).expect(409);
  });
});

describe('order.status_changed', () => {
  it('cancelled, three times -> the pending payment is cancelled once, and can not be processed', async () => {
    const { order, payment } = await placeOrder(test, alice);
    const event = statusChangedEvent(order, 'cancelled');
    await deliver(test, event, event, event);
    expect((await alice.get(`/${payment.id}`).expect(200)).body.data.status).toBe('cancelled');
    expect(await eventTypesOf(order.id)).toEqual(['payment.created', 'payment.cancelled']);
    const { body } = await alice.post(`/${payment.id}/process`, {}).expect(409);
    expect(body.error.message).toBe('Payment is cancelled and can not be processed');
  });

  it('cancelled before created -> no payment is opened, and none can be', async () => {
    const order = buildOrder({ userId: alice.id });
    test.orderService.orders.set(order.id, order);
    const events = [statusChangedEvent(order, 'cancelled'), orderCreatedEvent(order)] as const;
    await deliver(test, ...events);
    expect(await paymentsOf(order.id)).toEqual([]);
    await alice.get(`/order/${order.id}`).expect(404);
    await alice.post('', { orderId: order.id, amount: 44.98, currency: 'USD', method: 'card' }).expect(409);
  });

  it('confirmed before created -> the order has its payment all the same', async () => {
    const order = buildOrder({ userId: alice.id });
    const events = [statusChangedEvent(order, 'confirmed'), orderCreatedEvent(order)] as const;
    await deliver(test, ...events);
    expect(await paymentsOf(order.id)).toMatchObject([{ status: 'pending' }]);
  });

  it('an older one after a newer one -> changes nothing', async () => {
    const { order, payment } = await placeOrder(test, alice);
    const events = [statusChangedEvent(order, 'cancelled', 3), statusChangedEvent(order, 'confirmed', 2)] as const;
    await deliver(test, ...events);
    expect(await test.query('SELECT status FROM payable_orders WHERE id = $1', [order.id])).toEqual([
      { status: 'cancelled' },
    ]);
    expect((await alice.get(`/${payment.id}`).expect(200)).body.data.status).toBe('cancelled');
  });

  it('cancelled because the payment was refunded -> nothing more to refund', async () => {
    const { order, payment } = await placePaidOrder(test, alice);
    await test.caller('admin').post(`/${payment.id}/refund`, {}).expect(200);
    const event = statusChangedEvent({ ...order, status: 'confirmed' }, 'cancelled', 3);
    await deliver(test, event);
    expect((await alice.get(`/${payment.id}/refunds`).expect(200)).body.data).toHaveLength(1);
  });

  it('cancelled while further payments are opened and processed -> no money is kept', async () => {
    const placed = await Promise.all(Array.from({ length: 10 }, () => placeOrder(test, alice)));
    await Promise.all([
      ...placed.map(({ payment }) => alice.post(`/${payment.id}/process`, {}).then(({ status }) => status)),
      test.publish(...placed.map(({ order }) => statusChangedEvent(order, 'cancelled'))),
    ]);
    await eventually(async () => {
      const { body } = await alice.get('/my-payments').expect(200);
      const statuses = body.data.map(({ status }: PaymentResource) => status);
      expect(statuses).toHaveLength(10);
      for (const status of statuses) expect(['cancelled', 'refunded']).toContain(status);
    });
  });
});

describe('orders that come together', () => {
  const openedFor = async (orderIds: readonly string[]): Promise<string[]> =>
    (
      await test.query<{ orderId: string }>('SELECT order_id AS "orderId" FROM payments WHERE order_id = ANY($1)', [
        orderIds,
      ])
    ).map(({ orderId }) => orderId);

  it('one of them is what the database refuses -> the others have their payment; it has its own once that is over', async () => {
    const orders = Array.from({ length: 60 }, () => buildOrder({ userId: alice.id }));
    const poison = orders[31]!;
    await test.query(`ALTER TABLE payments ADD CONSTRAINT poison CHECK (order_id <> '${poison.id}') NOT VALID`);
    await test.publish(...orders.map(orderCreatedEvent));
    const ids = orders.map(({ id }) => id);
    const others = ids.filter((id) => id !== poison.id).sort();
    await eventually(async () => expect((await openedFor(ids)).sort()).toEqual(others));
    await test.query('ALTER TABLE payments DROP CONSTRAINT poison');
    await eventually(async () => expect((await openedFor(ids)).sort()).toEqual([...ids].sort()));
    for (const id of ids) expect(await eventTypesOf(id)).toEqual(['payment.created']);
  });

  it('connections are cut again and again meanwhile, and each comes twice -> each has one payment, reported once', async () => {
    const events = Array.from({ length: 100 }, () => orderCreatedEvent(buildOrder({ userId: alice.id })));
    const ids = events.map(({ subject }) => subject);
    let isOver = false;
    const cut = async () => {
      for (let times = 0; times < 20 && !isOver; times++) {
        await test.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%INSERT INTO payments%'`,
        );
      }
    };
    const cutting = cut();
    await test.publish(...events, ...events);
    await eventually(async () => expect((await openedFor(ids)).sort()).toEqual([...ids].sort()));
    isOver = true;
    await cutting;
    for (const id of ids) expect(await eventTypesOf(id)).toEqual(['payment.created']);
  });
});

describe('hundreds of events of many orders', () => {
  const outcomes: OrderStatus[][] = [
    [],
    ['confirmed'],
    ['confirmed', 'processing', 'shipped', 'delivered'],
    ['cancelled'],
    ['confirmed', 'cancelled'],
    ['confirmed', 'processing', 'cancelled'],
  ];

  /** One order of each outcome, paid or not yet, and all that order-service has to describe them. */
  const ordersOfAllOutcomes = () =>
    Promise.all(
      [true, false].flatMap((isPaid) =>
        outcomes.map(async (statuses) => {
          const order = isPaid ? (await placePaidOrder(test, alice)).order : buildOrder({ userId: alice.id });
          const previous = (index: number) => ({ ...order, status: statuses[index - 1] ?? order.status });
          const changes = statuses.map((status, index) => statusChangedEvent(previous(index), status, index + 2));
          return { order, outcome: `${isPaid} ${statuses.join(' ')}`, events: [orderCreatedEvent(order), ...changes] };
        }),
      ),
    );

  /** What was made of an order. A payment that is cancelled is as good as none. */
  const endOf = async (orderId: string) => {
    const [end] = await test.query<{ status: string; live: string[]; refunds: string[] }>(
      `SELECT status, array(
           SELECT status || ' ' || refunded_amount FROM payments
           WHERE order_id = payable_orders.id AND status NOT IN ('failed', 'cancelled')
         ) AS live, array(
           SELECT refunds.status || ' ' || refunds.amount FROM refunds JOIN payments ON payments.id = payment_id
           WHERE order_id = payable_orders.id
         ) AS refunds
       FROM payable_orders WHERE id = $1`,
      [orderId],
    );
    return end;
  };

  it('each delivered one to four times and shuffled -> the same end as once and in order', async () => {
    const inOrder = await ordersOfAllOutcomes();
    const shuffled: Awaited<ReturnType<typeof ordersOfAllOutcomes>> = [];
    // Not all at once: what a busy machine can't carry out soon is refused.
    for (let round = 0; round < 8; round++) shuffled.push(...(await ordersOfAllOutcomes()));
    const deliveries = repeatAndShuffle(
      shuffled.flatMap(({ events }) => events),
      { times: 4, seed: 1 },
    );
    expect(deliveries.length).toBeGreaterThan(500);
    await test.publish(...inOrder.flatMap(({ events }) => events), ...deliveries);
    const all = [...inOrder, ...shuffled];
    // An order's events are handled one after another: behind this one, all of them are.
    const last = all.map(({ order }) => ({ ...orderCreatedEvent(order), sequence: 0 }));
    await test.publish(...last);
    await eventually(async () => {
      const ids = last.map(({ id }) => id);
      expect(await test.query('SELECT FROM inbox WHERE event_id = ANY($1)', [ids])).toHaveLength(ids.length);
      expect(await test.query("SELECT FROM refunds WHERE status = 'pending'")).toEqual([]);
    });
    const ends = new Map(
      await Promise.all(inOrder.map(async ({ outcome, order }) => [outcome, await endOf(order.id)] as const)),
    );
    expect([...ends.values()].filter((end) => end?.refunds.length === 1)).toHaveLength(3);
    for (const { order, outcome } of shuffled)
      expect([outcome, await endOf(order.id)]).toEqual([outcome, ends.get(outcome)]);
    const reported = await test.query(
      'SELECT subject, sequence FROM outbox GROUP BY subject, sequence HAVING count(*) > 1',
    );
    expect(reported).toEqual([]);
  });
});

describe('the broker is down', () => {
  it('the service starts, pays and says so; what it has to tell waits', async () => {
    const { order, payment } = await placeOrder(test, alice);
    const cutOff = await test.startAnother({ brokerUrl: 'amqp://guest:guest@127.0.0.1:1' });
    try {
      await alice.at(cutOff.url).get(`/order/${order.id}`).expect(200);
      await alice.at(cutOff.url).post(`/${payment.id}/process`, {}).expect(200);
      const { body } = await supertest(cutOff.url).get('/ready').expect(200);
      expect(body).toMatchObject({ status: 'degraded', dependencies: { database: 'up', broker: 'down' } });
    } finally {
      await cutOff.stop();
    }
    expect(await eventTypesOf(order.id)).toEqual(['payment.created', 'payment.processing', 'payment.success']);
  });

  it('with a broker -> ready', async () => {
    await eventually(async () => {
      const { body } = await supertest(test.url).get('/ready').expect(200);
      expect(body).toMatchObject({ service: 'payment-service', status: 'ok' });
    });
    const { body } = await supertest(test.url).get('/health').expect(200);
    expect(body).toMatchObject({ status: 'healthy', service: 'payment-service', version: '1.0.0' });
  });

  it('no database -> it does not start', async () => {
    await expect(test.startAnother({ databaseUrl: 'postgresql://127.0.0.1:1/none' })).rejects.toThrow();
  });
});
