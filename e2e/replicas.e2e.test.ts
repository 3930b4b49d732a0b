import { randomInt, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { subscribe, timeLimit } from '@shop/testing';
import { sendRequest } from '@shop/testing/api-client';
import amqp from 'amqplib';
import pg from 'pg';
import { startProcess, type RunningProcess, type Workspace } from './support/rolling-service.js';
import { eventually, loginAsAdmin, orderInput, register, rest, settings, urls, type Answer } from './support/system.js';

const workspaces = ['user-service', 'order-service', 'payment-service', 'gateway'] as const;
const origins: Record<Workspace, string[]> = {
  'user-service': [urls.userService],
  'order-service': [urls.orderService],
  'payment-service': [urls.paymentService],
  gateway: [urls.gateway],
};
const processes: RunningProcess[] = [];
const started = Date.now();

/** Three beside the one that runs, of each; those of order-service give an order two seconds to be paid. */
beforeAll(async () => {
  for (const workspace of workspaces) {
    const environment = { ...settings, ORDER_PAYMENT_WINDOW: '2s', DATABASE_MAX_PROCESSES: '4' };
    const more = await Promise.all([1, 2, 3].map(() => startProcess(workspace, environment)));
    processes.push(...more);
    origins[workspace].push(...more.map(({ port }) => `http://127.0.0.1:${port}`));
  }
});
afterAll(() => Promise.all(processes.map((process) => process.stop())));

const api = (workspace: Workspace, index: number, path: string) => `${origins[workspace][index]!}/api/v1/${path}`;
const atEach = <T>(workspace: Workspace, ask: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(origins[workspace].map((_, index) => ask(index)));

async function query<Row extends pg.QueryResultRow>(database: string, sql: string, values: unknown[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: settings[`${database}_DATABASE_URL`] });
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

const until = (check: () => void): Promise<void> => eventually(() => Promise.resolve().then(check));

const paymentOf = (orderId: string, token: string) =>
  eventually(async () => {
    const { status, body } = await rest('GET', `/payments/order/${orderId}`, { token });
    expect(status).toBe(200);
    return body.data;
  });

const place = async (index: number, token: string): Promise<string> => {
  const answer: Answer = await sendRequest(api('order-service', index, 'orders'), { token, body: orderInput });
  expect(answer.status).toBe(201);
  return answer.body.data.id;
};

describe('four processes of each service and of the gateway', () => {
  it('orders at each -> every event is published once, and opens one payment', async () => {
    const { token } = await register();
    const connection = await amqp.connect(settings.RABBITMQ_URL ?? '');
    try {
      const channel = await connection.createChannel();
      const { queue } = await channel.assertQueue('', { exclusive: true });
      await channel.bindQueue(queue, 'microservices.events', '#');
      const subjects: string[] = [];
      await channel.consume(queue, (message) => subjects.push(message?.content.toString() ?? ''), { noAck: true });

      const orders = (await Promise.all([0, 0, 0, 0, 0].map(() => place(0, token)))).concat(
        (await atEach('order-service', (index) => place(index, token))).slice(1),
      );
      await Promise.all(orders.map((orderId) => paymentOf(orderId, token)));

      for (const orderId of orders) {
        const about = () => subjects.filter((text) => text.includes(orderId));
        await until(() => expect(about().length).toBeGreaterThanOrEqual(2));
        const ids = about().map((text) => (JSON.parse(text) as { id: string }).id);
        expect(new Set(ids).size).toBe(ids.length);
      }
      const payments = await query('PAYMENT', 'SELECT 1 FROM payments WHERE order_id = ANY($1)', [orders]);
      expect(payments).toHaveLength(orders.length);
    } finally {
      await connection.close();
    }
  });

  it('one idempotency key at all of them at once -> one order', async () => {
    const { token } = await register();
    const key = randomUUID();
    const ask = (index: number) =>
      eventually(async () => {
        const url = api('order-service', index, 'orders');
        const answer: Answer = await sendRequest(url, { token, key, body: orderInput });
        expect(answer.status).toBe(201); // 409 while another one is at it
        return answer.body.data.id as string;
      });
    expect(new Set(await atEach('order-service', ask)).size).toBe(1);
  });

  it('one payment processed at all of them at once, then refunded at all -> charged once, refunded once', async () => {
    const { token } = await register();
    const orderId = await place(0, token);
    const { id } = await paymentOf(orderId, token);
    const admin = await loginAsAdmin();
    const ask = async (action: string, index: number, by: string) =>
      (await sendRequest(api('payment-service', index, `payments/${id}/${action}`), { token: by, body: {} })).status;

    const charged = await atEach('payment-service', (index) => ask('process', index, token));
    expect(charged.filter((status) => status === 200)).toHaveLength(1);
    await eventually(async () => {
      expect((await rest('GET', `/orders/${orderId}`, { token })).body.data.status).toBe('confirmed');
    });
    const refunded = await atEach('payment-service', (index) => ask('refund', index, admin.token));
    expect(refunded).toContain(200);
    const [row] = await query('PAYMENT', 'SELECT amount, refunded_amount FROM payments WHERE id = $1', [id]);
    expect(row?.refunded_amount).toEqual(row?.amount);
    const refunds = await query('PAYMENT', 'SELECT 1 FROM refunds WHERE payment_id = $1', [id]);
    expect(refunds).toHaveLength(1);
  });

  it('a user logs out at one -> refused by all sixteen within two seconds', async () => {
    const { token } = await register();
    const answers = async () => {
      const statuses = await Promise.all(
        (['user-service:users/me', 'order-service:orders', 'payment-service:payments'] as const).map((where) => {
          const [workspace, path] = where.split(':') as [Workspace, string];
          return atEach(workspace, async (index) => (await sendRequest(api(workspace, index, path), { token })).status);
        }),
      );
      const codes = await atEach('gateway', async (index) => {
        const url = `${origins.gateway[index]!}/graphql`;
        const answer: Answer = await sendRequest(url, { token, body: { query: '{ me { id } }' } });
        return answer.body.errors?.[0]?.extensions.code as string | undefined;
      });
      return [...statuses.flat(), ...codes];
    };
    expect(await answers()).toEqual([...Array<number>(12).fill(200), ...Array<undefined>(4).fill(undefined)]);

    await sendRequest(api('user-service', 2, 'users/logout'), { method: 'POST', token });

    await eventually(
      async () => {
        expect(await answers()).toEqual([...Array<number>(12).fill(401), ...Array<string>(4).fill('UNAUTHORIZED')]);
      },
      { timeout: timeLimit(2_000) },
    );
  });

  it('wrong passwords for one account at each in turn -> as many tries as at one', async () => {
    const { email } = await register();
    const headers = { 'x-forwarded-for': `203.0.${randomInt(256)}.${randomInt(256)}` };
    const statuses: number[] = [];
    for (let n = 0; n < 12; n++) {
      const body = { email, password: 'wrong password' };
      statuses.push((await sendRequest(api('user-service', n % 4, 'users/login'), { headers, body })).status);
    }
    expect(statuses).toEqual([...Array<number>(10).fill(401), 429, 429]);
  });

  it('subscribers at each gateway -> each sees once what happens at any service', async () => {
    const { token } = await register();
    const orderId = await place(0, token);
    const { id } = await paymentOf(orderId, token);
    const document = 'subscription ($id: ID!) { paymentUpdated(orderId: $id) { status } }';
    const subscribers = await atEach('gateway', (index) =>
      subscribe(`${origins.gateway[index]!}/graphql`, { query: document, variables: { id: orderId }, token }),
    );
    try {
      // Slow, so that it is seen in each state.
      await sendRequest(api('payment-service', 3, `payments/${id}/process`), { token, body: { token: 'tok_slow' } });
      const seen = () => subscribers.map(({ results }) => results.map(({ data }) => data.paymentUpdated.status));
      await until(() => expect(seen()).toEqual(subscribers.map(() => ['processing', 'success'])));
    } finally {
      for (const subscriber of subscribers) subscriber.leave();
    }
  });

  it('an order whose time is over -> cancelled once, by whichever comes first', async () => {
    const { token } = await register();
    const orderId = await place(1, token);
    await eventually(async () => {
      const { body } = await rest('GET', `/orders/${orderId}`, { token });
      expect(body.data).toMatchObject({ status: 'cancelled', statusReason: 'expired' });
    });
    const events = await query('ORDER', `SELECT type FROM outbox WHERE data::text LIKE '%' || $1 || '%'`, [orderId]);
    expect(events.filter(({ type }) => type === 'order.status_changed')).toHaveLength(1);
  });

  it('one relay for each database, and no error in any log', async () => {
    const sql = `SELECT count(*)::int AS relays FROM pg_locks WHERE locktype = 'advisory' AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND ((classid::bigint << 32) | objid::bigint) = hashtextextended('outbox relay', 0)`;
    for (const database of ['USER', 'ORDER', 'PAYMENT']) {
      expect(await query(database, sql, [])).toEqual([{ relays: 1 }]);
    }
    // Purges, expiry and comparisons have had their turns.
    await until(() => expect(Date.now() - started).toBeGreaterThan(5_000));
    expect(processes.flatMap(({ errors }) => errors)).toEqual([]);
  });
});
