import { beforeAll, describe, expect, it } from '@jest/globals';
import { timeLimit } from '@shop/testing';
import { eventually, graphql, loginAsAdmin, placeOrder, register, rest, type Account } from './support/system.js';

describe("somebody else's things", () => {
  let owner: Account;
  let other: Account;
  let orderId: string;
  let paymentId: string;

  beforeAll(async () => {
    [owner, other] = await Promise.all([register(), register()]);
    ({ orderId, paymentId } = await placeOrder(owner.token));
  });

  const path = (template: string) =>
    template.replace('USER', owner.id).replace('ORDER', orderId).replace('PAYMENT', paymentId) as '/users';

  it.each([
    ['GET', '/users/USER', undefined],
    ['PUT', '/users/USER', { firstName: 'Mallory' }],
    ['DELETE', '/users/USER', undefined],
    ['GET', '/orders/ORDER', undefined],
    ['PATCH', '/orders/ORDER/status', { status: 'cancelled' }],
    ['GET', '/payments/PAYMENT', undefined],
    ['GET', '/payments/order/ORDER', undefined],
    ['POST', '/payments/PAYMENT/process', {}],
    ['GET', '/payments/PAYMENT/refunds', undefined],
    ['POST', '/payments', { orderId: 'ORDER', amount: 999.99, currency: 'USD', method: 'card' }],
  ])('%s %s -> as if it were not there', async (method, template, body) => {
    const filled = JSON.parse(JSON.stringify(body ?? null).replace('ORDER', orderId)) as object | null;
    const { status, body: answer } = await rest(method, path(template), {
      token: other.token,
      body: filled ?? undefined,
    });
    expect([status, answer.error.code]).toEqual([404, 'NOT_FOUND']);
  });

  it.each([
    ['DELETE', '/orders/ORDER'],
    ['POST', '/payments/PAYMENT/refund'],
  ])('%s %s -> for admins only, whoever owns it', async (method, template) => {
    for (const { token } of [owner, other]) {
      expect((await rest(method, path(template), { token })).status).toBe(403);
    }
  });

  it.each(['/users', '/orders', '/orders/my-orders', '/payments', '/payments/my-payments'] as const)(
    'GET %s -> not in the list, however it is asked',
    async (list) => {
      const ids = [owner.id, orderId, paymentId].join(',');
      const queries = list.includes('my-') ? [''] : ['', `?ids=${ids}`];
      for (const query of queries) {
        const { status, body } = await rest('GET', `${list}${query}`, { token: other.token });
        expect(status).toBe(200);
        const foreign = body.data.filter(({ id }: { id: string }) => id !== other.id);
        expect(foreign).toEqual([]);
      }
      expect((await rest('GET', `/orders?userIds=${owner.id}`, { token: other.token })).body.data).toEqual([]);
      expect((await rest('GET', `/payments?orderIds=${orderId}`, { token: other.token })).body.data).toEqual([]);
    },
  );

  it('over GraphQL -> null with NOT_FOUND, and nothing through a relation', async () => {
    const query = `query ($order: ID!, $payment: ID!, $user: ID!) {
      order(id: $order) { id }
      payment(id: $payment) { id }
      paymentByOrder(orderId: $order) { id }
      user(id: $user) { id }
    }`;
    const { body } = await graphql(query, other.token, { order: orderId, payment: paymentId, user: owner.id });
    expect(body.data).toEqual({ order: null, payment: null, paymentByOrder: null, user: null });
    expect(body.errors.map((error: { extensions: { code: string } }) => error.extensions.code)).toEqual(
      Array(4).fill('NOT_FOUND'),
    );
  });

  it('for an admin -> all there, each with its user', async () => {
    const admin = await loginAsAdmin();
    const query = `query ($id: ID!) { order(id: $id) { user { id } payment { id user { id } } } }`;
    const { body } = await graphql(query, admin.token, { id: orderId });
    expect(body.data.order).toEqual({ user: { id: owner.id }, payment: { id: paymentId, user: { id: owner.id } } });
  });

  it('a field of a request -> never says whose it becomes', async () => {
    const order = { shippingAddress: 'x', items: [{ productId: 'p', productName: 'P', quantity: 1, unitPrice: 1 }] };
    const { body } = await rest('POST', '/orders', { token: other.token, body: { ...order, userId: owner.id } });
    expect(body.data.userId).toBe(other.id);
  });
});

describe('a user who is deactivated', () => {
  it('with a valid token -> refused by every service and the gateway within two seconds', async () => {
    const [user, admin] = await Promise.all([register(), loginAsAdmin()]);
    await rest('PUT', `/users/${user.id}`, { token: admin.token, body: { isActive: false } });
    const since = Date.now();
    await eventually(async () => {
      const statuses = await Promise.all(
        (['/users/me', '/orders', '/payments'] as const).map(async (list) => (await rest('GET', list, user)).status),
      );
      const { body } = await graphql('{ me { id } }', user.token);
      expect([...statuses, body.errors?.[0].extensions.code]).toEqual([401, 401, 401, 'UNAUTHORIZED']);
    });
    expect(Date.now() - since).toBeLessThan(timeLimit(2_000));
    const login = await rest('POST', '/users/login', { body: user });
    expect(login.status).toBe(403);
  });
});
