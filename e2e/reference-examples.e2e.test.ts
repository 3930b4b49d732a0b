import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, graphql as sendGraphql, register, rest as callRest, urls } from './support/system.js';

/**
 * The examples of the original system's README, character for character but for the address, which everybody who tries
 * them can register only once.
 */
const examples = {
  register: `mutation {
  register(input: {
    email: "user@example.com"
    password: "password123"
    firstName: "John"
    lastName: "Doe"
  }) {
    token
    user {
      id
      email
      fullName
    }
  }
}
`,
  login: `mutation {
  login(input: {
    email: "user@example.com"
    password: "password123"
  }) {
    token
    user {
      id
      email
    }
  }
}
`,
  createOrder: `mutation {
  createOrder(input: {
    shippingAddress: "123 Main St, City, Country"
    notes: "Please handle with care"
    items: [
      {
        productId: "prod-1"
        productName: "Laptop"
        quantity: 1
        unitPrice: 999.99
      }
    ]
  }) {
    id
    status
    totalAmount
    items {
      productName
      quantity
      unitPrice
    }
  }
}
`,
  orders: `query {
  orders(limit: 10) {
    data {
      id
      status
      totalAmount
      user {
        id
        email
        fullName
      }
      payment {
        id
        status
        amount
      }
    }
    pageInfo {
      total
      hasMore
    }
  }
}
`,
  me: `query {
  me {
    id
    email
    firstName
    lastName
    orders {
      id
      status
      totalAmount
      items {
        productName
        quantity
      }
    }
  }
}
`,
};

describe.each([
  ['nginx, as recommended', urls.nginx],
  ['the gateway and the services themselves', undefined],
])('through %s', (_, origin) => {
  const email = `${randomUUID()}@example.com`;
  const asMe = (document: string): string => document.replace('user@example.com', email);
  const graphql = (document: string, token?: string) => sendGraphql(document, token, undefined, origin);
  const rest: typeof callRest = (method, path, options) =>
    callRest(method, path, { ...options, ...(origin && { origin }) });

  describe('the examples of the original README, in their order', () => {
    let token: string;
    let userId: string;

    beforeAll(async () => {
      const { body } = await graphql(asMe(examples.register));
      token = body.data.register.token;
      userId = body.data.register.user.id;
      expect(body).toEqual({
        data: { register: { token: expect.any(String), user: { id: userId, email, fullName: 'John Doe' } } },
      });
    });

    it('log in -> a token of the same user', async () => {
      const { body } = await graphql(asMe(examples.login));
      expect(body).toEqual({ data: { login: { token: expect.any(String), user: { id: userId, email } } } });
    });

    it('create an order, list orders with user and payment, me with orders -> one consistent picture', async () => {
      const created = await graphql(examples.createOrder, token);
      const order = created.body.data.createOrder;
      expect(order).toEqual({
        id: expect.any(String),
        status: 'pending',
        totalAmount: 999.99,
        items: [{ productName: 'Laptop', quantity: 1, unitPrice: 999.99 }],
      });
      await eventually(async () => {
        const { body } = await graphql(examples.orders, token);
        expect(body).toEqual({
          data: {
            orders: {
              data: [
                {
                  id: order.id,
                  status: 'pending',
                  totalAmount: 999.99,
                  user: { id: userId, email, fullName: 'John Doe' },
                  payment: { id: expect.any(String), status: 'pending', amount: 999.99 },
                },
              ],
              pageInfo: { total: 1, hasMore: false },
            },
          },
        });
      });
      const { body } = await graphql(examples.me, token);
      expect(body.data.me).toEqual({
        id: userId,
        email,
        firstName: 'John',
        lastName: 'Doe',
        orders: [
          { id: order.id, status: 'pending', totalAmount: 999.99, items: [{ productName: 'Laptop', quantity: 1 }] },
        ],
      });
    });

    it('the same documents without a login -> refused with UNAUTHORIZED', async () => {
      for (const document of [examples.createOrder, examples.orders, examples.me]) {
        const { body } = await graphql(document);
        expect(body.errors[0].extensions.code).toBe('UNAUTHORIZED');
      }
    });
  });

  describe("the REST rows of the original README's tables", () => {
    it('users -> register, log in, list, get, me, update, delete', async () => {
      const { id, email: address, password, token } = await register();
      expect((await rest('POST', '/users/login', { body: { email: address, password } })).status).toBe(200);
      expect((await rest('GET', '/users', { token })).body.data).toHaveLength(1);
      expect((await rest('GET', `/users/${id}`, { token })).body.data.email).toBe(address);
      expect((await rest('GET', '/users/me', { token })).body.data.id).toBe(id);
      const updated = await rest('PUT', `/users/${id}`, { token, body: { firstName: 'Jane' } });
      expect(updated.body.data.fullName).toBe('Jane Doe');
      expect(await rest('DELETE', `/users/${id}`, { token })).toMatchObject({ status: 200, body: { data: null } });
    });

    it('orders -> create, list, my orders, get, cancel', async () => {
      const { token } = await register();
      const body = {
        shippingAddress: 'Street 1',
        items: [{ productId: 'p', productName: 'P', quantity: 2, unitPrice: 5 }],
      };
      const created = await rest('POST', '/orders', { token, body });
      expect(created).toMatchObject({ status: 201, body: { data: { totalAmount: 10, currency: 'USD' } } });
      const { id } = created.body.data;
      for (const path of ['/orders', '/orders/my-orders'] as const) {
        expect((await rest('GET', path, { token })).body.data.map((order: { id: string }) => order.id)).toEqual([id]);
      }
      expect((await rest('GET', `/orders/${id}`, { token })).body.data.statusHistory).toHaveLength(1);
      const cancelled = await rest('PATCH', `/orders/${id}/status`, { token, body: { status: 'cancelled' } });
      expect(cancelled).toMatchObject({ status: 200, body: { data: { status: 'cancelled' } } });
    });

    it('every service and the gateway -> healthy', async () => {
      for (const base of [urls.nginx, urls.gateway, urls.userService, urls.orderService, urls.paymentService]) {
        const response = await fetch(`${base}/health`);
        expect(await response.json()).toMatchObject({ status: 'healthy', version: expect.any(String) });
      }
    });
  });
});
