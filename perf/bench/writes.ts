// Workloads that write: orders, payments, logins.
import { setTimeout as delay } from 'node:timers/promises';
import bcrypt from 'bcrypt';
import { z } from 'zod';
import { dataOf, examplePassword, laptop } from '../../stack/demo/shop.ts';
import { connections } from './measure.ts';
import { bcryptCost, processes, type BenchSystem } from './system.ts';
import { accountOf, bearerOf, json, visitorOf, type Workload } from './workload.ts';

const orders = 500;
const payments = 300;
const poll = 200; // each question is itself work for the database that is measured
const hashes = 200;
const timeout = 60_000;

const basket = JSON.stringify({
  shippingAddress: '123 Main St, City, Country',
  items: [{ productId: 'prod-1', productName: 'Laptop', quantity: 1, unitPrice: 999.99 }],
});

/** Asks a database until it counts this many. */
async function until(database: BenchSystem['databases']['order'], count: number, query: string, values: unknown[]) {
  const deadline = Date.now() + timeout;
  for (;;) {
    const { rows } = await database.query<{ count: number }>(query, values);
    if (rows[0]?.count === count) return;
    if (Date.now() > deadline) throw new Error(`${rows[0]?.count} of ${count} after a minute: ${query}`);
    await delay(poll);
  }
}

/** No order waits for its payment. */
async function paymentsAreOpen({ databases: { order, payment } }: BenchSystem): Promise<void> {
  await until(order, 0, 'SELECT count(*)::integer AS count FROM outbox WHERE published_at IS NULL', []);
  const { rows } = await order.query<{ id: string }>(
    `SELECT id FROM orders WHERE status = 'pending' ORDER BY created_at DESC LIMIT ${orders}`,
  );
  const ids = rows.map(({ id }) => id);
  await until(payment, ids.length, 'SELECT count(*)::integer AS count FROM payments WHERE order_id = ANY($1)', [ids]);
}

/** Microseconds of processor time of one hash. */
async function hashTime(): Promise<number> {
  const hash = await bcrypt.hash(examplePassword, bcryptCost);
  const before = process.cpuUsage();
  for (let i = 0; i < hashes; i++) await bcrypt.compare(examplePassword, hash);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / hashes;
}

const tokens = z.object({ data: z.object({ refreshToken: z.string() }) });

export function writes(system: BenchSystem): Workload[] {
  const { stack, floor, shop, databases } = system;
  const { userService, orderService, paymentService } = stack.urls;
  const place: Workload = {
    name: 'POST an order',
    of: ['order-service'],
    goal: { ratio: 2.5 },
    requests: orders,
    // Each order is placed against the limit of those that are unpaid: nobody has hundreds of them within the hour.
    async prepare() {
      await databases.order.query(
        `UPDATE orders SET created_at = created_at - interval '1 day' WHERE status = 'pending' AND created_at > now() - interval '1 day'`,
      );
    },
    floor: {
      url: floor.express,
      method: 'POST',
      body: basket,
      headers: () => json,
      paths: (connection) => [`/orders/${accountOf(system, connection).id}`],
    },
    ours: {
      url: `${orderService}/api/v1/orders`,
      method: 'POST',
      body: basket,
      headers: (connection) => ({ ...json, ...bearerOf(accountOf(system, connection)) }),
    },
    settled: paymentsAreOpen,
  };

  const toPay: { id: string; orderId: string; token: string }[] = [];
  let paid: string[] = [];
  const pay: Workload = {
    name: 'process a payment, until its order is confirmed',
    of: processes,
    goal: { microseconds: 6_250 },
    requests: payments,
    async prepare() {
      const owners = new Map<string, string>();
      for (let made = 0; made < payments; made += system.accounts.length) {
        const placed = system.accounts
          .slice(0, payments - made)
          .map(async (account) => owners.set((await shop.placeOrder(account, [laptop])).id, account.token));
        await Promise.all(placed);
      }
      const ids = [...owners.keys()];
      await until(
        databases.payment,
        ids.length,
        'SELECT count(*)::integer AS count FROM payments WHERE order_id = ANY($1)',
        [ids],
      );
      const { rows } = await databases.payment.query<{ id: string; orderId: string }>(
        'SELECT id, order_id AS "orderId" FROM payments WHERE order_id = ANY($1)',
        [ids],
      );
      toPay.splice(0, Infinity, ...rows.map((row) => ({ ...row, token: owners.get(row.orderId) ?? '' })));
      paid = ids;
    },
    ours: {
      url: paymentService,
      method: 'POST',
      next: () => {
        const { id, token } = toPay.pop() ?? { id: 'none', token: '' };
        return { path: `/api/v1/payments/${id}/process`, body: '{}', headers: { ...json, ...bearerOf({ token }) } };
      },
    },
    settled: () =>
      until(
        databases.order,
        paid.length,
        `SELECT count(*)::integer AS count FROM orders WHERE id = ANY($1) AND status = 'confirmed'`,
        [paid],
      ),
  };

  const credentials = (connection: number) =>
    JSON.stringify({ email: visitorOf(system, connection).email, password: examplePassword });
  const login: Workload = {
    name: 'login, beside its hash',
    beside: hashTime,
    of: ['user-service'],
    goal: { ratio: 3 },
    requests: 500,
    // A hundred and first login would end the oldest, which is work for all services.
    async prepare() {
      await databases.user.query(
        'UPDATE sessions SET ended_at = now(), end_reason = $2 WHERE user_id = ANY($1) AND ended_at IS NULL',
        [system.visitors.map(({ id }) => id), 'logout'],
      );
    },
    floor: {
      url: `${floor.express}/login`,
      method: 'POST',
      headers: () => json,
      next: (connection) => ({ body: credentials(connection) }),
    },
    ours: {
      url: `${userService}/api/v1/users/login`,
      method: 'POST',
      headers: () => json,
      next: (connection) => ({ body: credentials(connection) }),
    },
  };

  const refreshTokens: string[] = [];
  const refresh: Workload = {
    name: 'refresh',
    of: ['user-service'],
    goal: { ratio: 3 },
    requests: 1_000,
    async prepare() {
      for (let connection = 0; connection < connections; connection++) {
        const body = { email: visitorOf(system, connection).email, password: examplePassword };
        const session = dataOf(await shop.as().users.POST('/api/v1/users/login', { body }));
        refreshTokens[connection] = session.refreshToken;
      }
    },
    floor: {
      url: floor.express,
      method: 'POST',
      headers: () => json,
      paths: (connection) => [`/refresh/${visitorOf(system, connection).id}`],
    },
    ours: {
      url: `${userService}/api/v1/users/refresh`,
      method: 'POST',
      headers: () => json,
      next: (connection) => ({ body: JSON.stringify({ refreshToken: refreshTokens[connection] }) }),
      onAnswer: (connection, _status, body) => {
        const answer = tokens.safeParse(JSON.parse(body));
        if (answer.success) refreshTokens[connection] = answer.data.data.refreshToken;
      },
    },
  };

  const untilOpen: Workload = {
    ...place,
    name: 'POST an order, until its payment is open',
    of: processes,
    goal: { microseconds: 1_500 },
  };
  delete untilOpen.floor;
  return [place, untilOpen, pay, login, refresh];
}
