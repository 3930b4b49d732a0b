import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { asWrittenBy, versions, type Version } from '@shop/testing';
import { aPage, aPayment, aUser, anOrder } from '../test/resources.js';
import { createTestGateway, type TestGateway } from '../test/test-gateway.js';

let gateway: TestGateway;
let token: string;

beforeAll(async () => {
  gateway = await createTestGateway();
  token = gateway.tokens.tokenFor({});
});
beforeEach(() => gateway.reset());
afterAll(() => gateway.stop());

const ENUMS = ['role', 'status', 'method'];

const page = `query {
  orders {
    data {
      id status notes statusReason totalAmount
      user { id role }
      payment { id status method transactionId refunds { id status reason } }
    }
    pageInfo { hasMore }
  }
}`;

/** Every service, in each of three versions beside this gateway: each order in which they can be rolled forward or back. */
const rollouts = versions.flatMap((users) =>
  versions.flatMap((orders) => versions.map((payments): [Version, Version, Version] => [users, orders, payments])),
);

describe('services of other versions than the gateway', () => {
  it.each(rollouts)(
    'users %s, orders %s, payments %s -> a whole page without errors',
    async (users, orders, payments) => {
      const person = aUser();
      const order = anOrder({ userId: person.id });
      const payment = aPayment({ orderId: order.id, userId: person.id });
      const refund = { id: payment.id, amount: 1, status: 'pending', reason: null, createdAt: order.createdAt };
      const serve = (version: Version, rows: unknown[]) => ({ data: asWrittenBy(version, rows, ENUMS), meta: aPage() });
      gateway.users.on('GET /api/v1/users', () => serve(users, [person]));
      gateway.orders.on('GET /api/v1/orders', () => serve(orders, [order]));
      gateway.payments.on('GET /api/v1/payments', () => serve(payments, [payment]));
      gateway.payments.on(`GET /api/v1/payments/${payment.id}/refunds`, () => serve(payments, [refund]));

      const { data, errors } = await gateway.ask(page, { token });

      expect(errors).toBeUndefined();
      const known = <T>(version: Version, value: T): T | null => (version === 'after' ? null : value);
      expect(data.orders.data).toEqual([
        {
          id: order.id,
          status: known(orders, 'pending'),
          notes: null,
          statusReason: null,
          totalAmount: order.totalAmount,
          user: { id: person.id, role: known(users, 'user') },
          payment: {
            id: payment.id,
            status: known(payments, 'pending'),
            method: known(payments, 'card'),
            transactionId: null,
            refunds: [{ id: refund.id, status: known(payments, 'pending'), reason: null }],
          },
        },
      ]);
    },
  );

  it('a status in the history of an order that the gateway does not know -> null there, the rest is whole', async () => {
    const order = anOrder();
    const statusHistory = [
      { status: 'pending', at: order.createdAt, by: 'system', reason: null },
      { status: 'on_hold', at: order.createdAt, by: 'system', reason: null },
    ];
    gateway.orders.on(`GET /api/v1/orders/${order.id}`, () => ({ data: { ...order, statusHistory } }));
    const query = `query ($id: ID!) { order(id: $id) { status statusHistory { status by } } }`;
    const { data, errors } = await gateway.ask(query, { token, variables: { id: order.id } });
    expect(errors).toBeUndefined();
    expect(data.order).toEqual({
      status: 'pending',
      statusHistory: [
        { status: 'pending', by: 'system' },
        { status: null, by: 'system' },
      ],
    });
  });

  it.each([
    ['createPayment', `mutation { createPayment(input: { orderId: "1", amount: 1, currency: "USD" }) { id } }`],
    ['updateOrderStatus', `mutation { updateOrderStatus(id: "1") { id } }`],
  ])('what %s asks for stays required, though what it answers may be null', async (_field, query) => {
    const { errors } = await gateway.ask(query, { token });
    expect(errors).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
  });
});
