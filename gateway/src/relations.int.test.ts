import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TOO_LARGE_TOGETHER } from '@shop/common/contracts';
import { InvalidInput, ServiceUnavailable } from '@shop/common/errors';
import { aPage, aPayment, aUser, anOrder } from '../test/resources.js';
import { codes, createTestGateway, type TestGateway } from '../test/test-gateway.js';

let gateway: TestGateway;
let token: string;

beforeAll(async () => {
  gateway = await createTestGateway();
  token = gateway.tokens.tokenFor({});
});
beforeEach(() => gateway.reset());
afterAll(() => gateway.stop());

const ordersWithUserAndPayment = `query {
  orders(limit: 50) {
    data { id status totalAmount user { id email fullName } payment { id status amount } }
    pageInfo { total hasMore }
  }
}`;

/** Orders of two users, each with a payment, served as the services do. */
function serveOrders(count: number) {
  const people = [aUser(), aUser({ email: 'grace@example.com' })];
  const orders = Array.from({ length: count }, (_, index) => anOrder({ userId: people[index % 2]!.id }));
  const payments = orders.map(({ id, userId }) => aPayment({ orderId: id, userId }));
  gateway.orders.on('GET /api/v1/orders', () => ({ data: orders, meta: aPage({ total: count, limit: 50 }) }));
  gateway.users.on('GET /api/v1/users', ({ query }) => ({
    data: people.filter(({ id }) => query.get('ids')!.split(',').includes(id)),
    meta: aPage(),
  }));
  gateway.payments.on('GET /api/v1/payments', ({ query }) => ({
    data: payments.filter(({ orderId }) => query.get('orderIds')!.split(',').includes(orderId)).reverse(),
    meta: aPage(),
  }));
  return { people, orders, payments };
}

describe('relations', () => {
  it('a page of 50 orders with user and payment -> 3 calls, one to each service', async () => {
    const { people, orders, payments } = serveOrders(50);

    const { data, errors } = await gateway.ask(ordersWithUserAndPayment, { token });

    expect(errors).toBeUndefined();
    expect(gateway.calls()).toHaveLength(3);
    expect(data.orders.data).toHaveLength(50);
    expect(data.orders.pageInfo).toEqual({ total: 50, hasMore: false });
    for (const [index, order] of data.orders.data.entries()) {
      expect(order.id).toBe(orders[index]!.id);
      expect(order.user.id).toBe(people[index % 2]!.id);
      expect(order.payment.id).toBe(payments[index]!.id);
    }
    expect(gateway.users.calls[0]!.query.get('ids')!.split(',')).toHaveLength(2);
    expect(gateway.payments.calls[0]!.query.get('orderIds')!.split(',')).toHaveLength(50);
  });

  it('orders that are too large for one answer -> asked for in parts, and each payment has its own', async () => {
    const orders = Array.from({ length: 10 }, () => anOrder());
    const payments = orders.map(({ id, userId }) => aPayment({ orderId: id, userId }));
    gateway.payments.on('GET /api/v1/payments', () => ({ data: payments, meta: aPage() }));
    gateway.orders.on('GET /api/v1/orders', ({ query }) => {
      const ids = query.get('ids')!.split(',');
      if (ids.length > 4) throw new InvalidInput([{ field: 'ids', message: TOO_LARGE_TOGETHER }]);
      return { data: orders.filter(({ id }) => ids.includes(id)), meta: aPage() };
    });

    const { data, errors } = await gateway.ask('{ payments { data { order { id } } } }', { token });

    expect(errors).toBeUndefined();
    expect(data.payments.data).toEqual(orders.map(({ id }) => ({ order: { id } })));
    expect(gateway.orders.calls.map(({ query }) => query.get('ids')!.split(',').length)).toEqual([
      10, 5, 3, 2, 5, 3, 2,
    ]);
  });

  it('payments with order, user and the order of that user -> one call a service and level', async () => {
    const user = aUser();
    const orders = Array.from({ length: 20 }, () => anOrder({ userId: user.id }));
    const payments = orders.map(({ id }) => aPayment({ orderId: id, userId: user.id }));
    gateway.payments.on('GET /api/v1/payments', () => ({ data: payments, meta: aPage() }));
    gateway.orders.on('GET /api/v1/orders', () => ({ data: orders, meta: aPage() }));
    gateway.users.on('GET /api/v1/users', () => ({ data: [user], meta: aPage() }));

    const { data, errors } = await gateway.ask(
      '{ payments { data { id order { id } user { id orders(limit: 20) { id } } } } }',
      { token },
    );

    expect(errors).toBeUndefined();
    expect(data.payments.data[7]).toEqual({
      id: payments[7]!.id,
      order: { id: orders[7]!.id },
      user: { id: user.id, orders: orders.map(({ id }) => ({ id })) },
    });
    expect(gateway.payments.calls).toHaveLength(1);
    expect(gateway.users.calls).toHaveLength(1);
    expect(gateway.orders.calls.map(({ query }) => [...query.keys()])).toEqual([['ids'], ['userIds', 'perUser']]);
    expect(gateway.orders.calls[1]!.query.get('perUser')).toBe('20');
  });

  it('what is not there any more -> null, and no error', async () => {
    const order = anOrder();
    gateway.orders.on('GET /api/v1/orders', () => ({ data: [order], meta: aPage() }));
    gateway.users.on('GET /api/v1/users', () => ({ data: [], meta: aPage() }));
    gateway.payments.on('GET /api/v1/payments', () => ({ data: [], meta: aPage() }));

    const { data, errors } = await gateway.ask(ordersWithUserAndPayment, { token });

    expect(errors).toBeUndefined();
    expect(data.orders.data[0]).toMatchObject({ id: order.id, user: null, payment: null });
  });

  it('a service is down -> it is asked once, its relations are null with SERVICE_UNAVAILABLE, and the page survives', async () => {
    const { orders } = serveOrders(3);
    gateway.payments.on('GET /api/v1/payments', () => {
      throw new ServiceUnavailable();
    });

    const answer = await gateway.ask(ordersWithUserAndPayment, { token });

    expect(answer.status).toBe(200);
    expect(answer.data.orders.data.map(({ id }: { id: string }) => id)).toEqual(orders.map(({ id }) => id));
    expect(answer.data.orders.data[0].user.email).toBe('ada@example.com');
    expect(answer.data.orders.data[0].payment).toBeNull();
    expect(codes(answer)).toEqual(['SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE']);
    expect(answer.errors?.[0]?.path).toEqual(['orders', 'data', 0, 'payment']);
    expect(gateway.payments.calls).toHaveLength(1);
    expect(gateway.log.map(({ level }) => level)).toEqual(['error']);
  });

  it('the refunds of a payment -> its own list', async () => {
    const payment = aPayment({ status: 'partially_refunded' });
    const refund = { id: randomUUID(), amount: 5, status: 'succeeded', reason: null, createdAt: payment.createdAt };
    gateway.payments.on(`GET /api/v1/payments/${payment.id}`, () => ({ data: payment }));
    gateway.payments.on(`GET /api/v1/payments/${payment.id}/refunds`, () => ({ data: [refund] }));

    const { data } = await gateway.ask(`{ payment(id: "${payment.id}") { refunds { id amount status reason } } }`, {
      token,
    });

    expect(data.payment.refunds).toEqual([{ id: refund.id, amount: 5, status: 'succeeded', reason: null }]);
  });

  it('two mutations in one request -> the second sees what the first changed', async () => {
    const order = anOrder();
    let payment = aPayment({ orderId: order.id });
    gateway.payments.on('GET /api/v1/payments', () => ({ data: [payment], meta: aPage() }));
    gateway.orders.on(`PATCH /api/v1/orders/${order.id}/status`, ({ body }) => {
      const cancelled = (body as { status: string }).status === 'cancelled';
      if (cancelled) payment = { ...payment, status: 'cancelled' };
      return { data: order };
    });

    const { data } = await gateway.ask(
      `mutation {
        first: updateOrderStatus(id: "${order.id}", status: confirmed) { payment { status } }
        second: updateOrderStatus(id: "${order.id}", status: cancelled) { payment { status } }
      }`,
      { token },
    );

    expect([data.first.payment.status, data.second.payment.status]).toEqual(['pending', 'cancelled']);
  });
});

describe('lists', () => {
  it.each([
    ['selected', 'counted', '{ orders { pageInfo { total } } }'],
    [
      'selected in fragments',
      'counted',
      '{ orders { ...P } } fragment P on OrderConnection { pageInfo { ...T } } fragment T on PageInfo { n: total }',
    ],
    ['skipped', 'not counted', '{ orders { pageInfo { hasMore total @skip(if: true) } } }'],
    ['not selected', 'not counted', '{ orders { data { id } } }'],
  ])('total %s -> %s', async (_, counted, query) => {
    gateway.orders.on('GET /api/v1/orders', () => ({ data: [], meta: aPage({ total: 0 }) }));

    const { errors } = await gateway.ask(query, { token });

    expect(errors).toBeUndefined();
    expect(gateway.orders.calls[0]!.query.get('total')).toBe(String(counted === 'counted'));
  });

  it.each([
    ['users', 'users', '/api/v1/users', ''],
    ['orders', 'orders', '/api/v1/orders', ', status: shipped'],
    ['myOrders', 'orders', '/api/v1/orders/my-orders', ', status: shipped'],
    ['payments', 'payments', '/api/v1/payments', ', status: success'],
    ['myPayments', 'payments', '/api/v1/payments/my-payments', ''],
  ] as const)('%s -> limit, cursor and filter reach the service', async (field, service, path, filter) => {
    const meta = aPage({ limit: 5, offset: null, hasMore: true, nextCursor: 'c2' });
    gateway[service].on(`GET ${path}`, () => ({ data: [], meta }));

    const { data, errors } = await gateway.ask(
      `{ ${field}(limit: 5, after: "c1"${filter}) { data { id } pageInfo { limit offset hasMore nextCursor } } }`,
      { token },
    );

    expect(errors).toBeUndefined();
    expect(data[field]).toEqual({ data: [], pageInfo: { limit: 5, offset: null, hasMore: true, nextCursor: 'c2' } });
    const { query } = gateway[service].calls[0]!;
    expect([query.get('limit'), query.get('cursor'), query.has('offset')]).toEqual(['5', 'c1', false]);
    expect(query.get('status')).toBe(filter === '' ? null : filter.split(': ')[1]);
  });

  it('the service refuses or is down -> an error, never an empty list', async () => {
    gateway.orders.on('GET /api/v1/orders', () => {
      throw new InvalidInput([{ field: 'limit', message: 'must be from 1 to 100' }]);
    });
    gateway.payments.on('GET /api/v1/payments', () => {
      throw new ServiceUnavailable();
    });

    const refused = await gateway.ask('{ orders(limit: 101) { data { id } } }', { token });
    const down = await gateway.ask('{ payments { data { id } } }', { token });

    expect(refused.data).toBeNull();
    expect(refused.errors?.[0]?.extensions).toEqual({
      code: 'INVALID_INPUT',
      details: 'limit: must be from 1 to 100',
      fields: [{ field: 'limit', message: 'must be from 1 to 100' }],
    });
    expect(down.data).toBeNull();
    expect(codes(down)).toEqual(['SERVICE_UNAVAILABLE']);
  });
});
