// What is measured, each beside the floor's counterpart.
import { isDataAlone } from '../generate-load.ts';
import type { BenchAccount, BenchSystem } from './system.ts';
import { accountOf, bearerOf, json, type Load, type Workload } from './workload.ts';
import { writes } from './writes.ts';

const page = `{ myOrders(limit: 20) { data { id status totalAmount items { productName quantity } user { email } payment { status } } } }`;

export function workloads(system: BenchSystem): Workload[] {
  const { stack, admin, floor } = system;
  const { userService, orderService, paymentService, gateway, nginx } = stack.urls;
  const bearer = (connection: number) => bearerOf(accountOf(system, connection));
  const read = (url: string, paths: (account: BenchAccount) => string[]): Load => ({
    url,
    headers: bearer,
    paths: (connection) => paths(accountOf(system, connection)),
  });
  const bare = (paths: (account: BenchAccount) => string[]): Load => ({
    url: floor.express,
    paths: (connection) => paths(accountOf(system, connection)),
  });
  const graphql = (query: string): Load => ({
    url: `${gateway}/graphql`,
    method: 'POST',
    body: JSON.stringify({ query }),
    accepts: isDataAlone,
    headers: (connection) => ({ ...json, ...bearer(connection) }),
  });
  const user = ['user-service'] as const;
  const order = ['order-service'] as const;
  const payment = ['payment-service'] as const;
  const twice = { ratio: 2 };
  return [
    {
      name: 'health',
      of: order,
      goal: twice,
      requests: 4_000,
      floor: bare(() => ['/health']),
      ours: { url: `${orderService}/health` },
    },
    {
      name: 'GET an order',
      of: order,
      goal: twice,
      requests: 2_000,
      floor: bare(({ orderIds }) => orderIds.map((id) => `/orders/${id}`)),
      ours: read(orderService, ({ orderIds }) => orderIds.map((id) => `/api/v1/orders/${id}`)),
    },
    {
      name: 'GET a payment',
      of: payment,
      goal: twice,
      requests: 2_000,
      floor: bare(({ paymentIds }) => paymentIds.map((id) => `/payments/${id}`)),
      ours: read(paymentService, ({ paymentIds }) => paymentIds.map((id) => `/api/v1/payments/${id}`)),
    },
    {
      name: 'GET a user',
      of: user,
      goal: twice,
      requests: 2_000,
      floor: bare(({ id }) => [`/users/${id}`]),
      ours: read(userService, ({ id }) => [`/api/v1/users/${id}`]),
    },
    {
      name: 'GET users/me',
      of: user,
      goal: twice,
      requests: 2_000,
      floor: bare(({ id }) => [`/users/${id}`]),
      ours: read(userService, () => ['/api/v1/users/me']),
    },
    {
      name: '20 orders with items',
      of: order,
      goal: twice,
      requests: 1_000,
      floor: bare(({ id }) => [`/order-list/${id}`]),
      ours: read(orderService, () => ['/api/v1/orders/my-orders?limit=20&total=false']),
    },
    {
      name: '20 payments',
      of: payment,
      goal: twice,
      requests: 1_000,
      floor: bare(({ id }) => [`/payment-list/${id}`]),
      ours: read(paymentService, () => ['/api/v1/payments/my-payments?limit=20&total=false']),
    },
    {
      name: '20 users (admin)',
      of: user,
      goal: twice,
      requests: 1_000,
      floor: bare(() => ['/user-list']),
      ours: {
        url: `${userService}/api/v1/users?limit=20&total=false`,
        headers: () => bearerOf(admin),
      },
    },
    ...writes(system),
    {
      name: 'GraphQL __typename',
      of: ['gateway'],
      goal: { ratio: 1.2 },
      requests: 2_000,
      floor: {
        url: floor.yoga,
        method: 'POST',
        body: JSON.stringify({ query: '{ __typename }' }),
        headers: () => json,
      },
      ours: { ...graphql('{ __typename }'), headers: () => json },
    },
    {
      name: 'GraphQL me',
      of: ['gateway', 'user-service'],
      goal: { microseconds: 450 },
      requests: 1_000,
      ours: graphql('{ me { id email fullName } }'),
    },
    {
      name: 'GraphQL 20 orders, users, payments',
      of: ['gateway', 'user-service', 'order-service', 'payment-service'],
      goal: { microseconds: 1_500 },
      requests: 600,
      ours: graphql(page),
    },
    {
      name: 'GraphQL from the cache of nginx',
      of: ['nginx'],
      goal: undefined,
      requests: 4_000,
      ours: {
        url: `${nginx}/graphql?query=${encodeURIComponent('{ __typename }')}`,
        headers: () => ({ accept: 'application/json' }),
      },
    },
  ];
}
