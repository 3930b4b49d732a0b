// What is measured, each beside the floor's counterpart.
import type { LoadOptions } from '../generate-load.ts';
import type { BenchAccount, BenchSystem, ProcessName } from './system.ts';

export interface Workload {
  name: string;
  /** The processes whose time is compared with the floor's. */
  of: readonly ProcessName[];
  /** At most this many times the floor's, or microseconds of all Node processes where there is no floor. */
  goal: { ratio: number } | { microseconds: number } | undefined;
  requests: number;
  floor?: Load;
  ours: Load;
  /** Resolves once what the requests have begun, in the background, is done. */
  settled?: (system: BenchSystem) => Promise<void>;
}

type Load = Omit<LoadOptions, 'connections' | 'requests'>;

const json = { 'content-type': 'application/json' };
const basket = JSON.stringify({
  shippingAddress: '123 Main St, City, Country',
  items: [{ productId: 'prod-1', productName: 'Laptop', quantity: 1, unitPrice: 999.99 }],
});
const page = `{ myOrders(limit: 20) { data { id status totalAmount items { productName quantity } user { email } payment { status } } } }`;

export function workloads({ stack, accounts, admin, floor }: BenchSystem): Workload[] {
  const { userService, orderService, paymentService, gateway, nginx } = stack.urls;
  const accountOf = (connection: number): BenchAccount => {
    const account = accounts[connection % accounts.length];
    if (account === undefined) throw new Error('there are no accounts');
    return account;
  };
  const bearer = (connection: number) => ({ authorization: `Bearer ${accountOf(connection).token}` });
  const read = (url: string, paths: (account: BenchAccount) => string[]): Load => ({
    url,
    headers: bearer,
    paths: (connection) => paths(accountOf(connection)),
  });
  const bare = (paths: (account: BenchAccount) => string[]): Load => ({
    url: floor.express,
    paths: (connection) => paths(accountOf(connection)),
  });
  const graphql = (query: string): Load => ({
    url: `${gateway}/graphql`,
    method: 'POST',
    body: JSON.stringify({ query }),
    accepts: (answer) => !answer.includes('"errors"'),
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
        headers: () => ({ authorization: `Bearer ${admin.token}` }),
      },
    },
    {
      name: 'POST an order',
      of: order,
      goal: { ratio: 2.5 },
      requests: 500,
      floor: { ...bare(({ id }) => [`/orders/${id}`]), method: 'POST', body: basket, headers: () => json },
      ours: {
        url: `${orderService}/api/v1/orders`,
        method: 'POST',
        body: basket,
        headers: (connection) => ({ ...json, ...bearer(connection) }),
      },
      settled: paymentsAreOpen,
    },
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
      requests: 300,
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

/** Every order has its payment: no event waits, and none is under way. */
async function paymentsAreOpen({ shop, accounts, admin }: BenchSystem): Promise<void> {
  const [account] = accounts;
  if (account === undefined) return;
  const order = await shop.placeOrder(account, [{ productId: 'p', productName: 'Last', quantity: 1, unitPrice: 1 }]);
  await shop.paymentOf(admin, order.id);
}
