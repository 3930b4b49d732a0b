import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { timeLimit } from '@shop/testing';
import { sendRequest } from '@shop/testing/api-client';
import pg from 'pg';
import { startStack, type RunningStack } from '../stack/start-stack.ts';
import { Balancer } from './support/balancer.js';
import { Load, type LoadAnswer, type LoadRequest } from './support/load.js';
import { startProcess, type Workspace } from './support/rolling-service.js';
import { eventually, orderInput, type Answer } from './support/system.js';

const PER_SECOND = 200;
/** As in production. On a busy machine twenty requests that are under way make a probe wait for seconds. */
const STOP_DELAY = 5_000;
const WITHIN = 15_000;

let stack: RunningStack;
let running: RunningStack | undefined;
beforeAll(async () => {
  stack = await startStack({
    environment: {
      BCRYPT_COST: '4',
      LOG_LEVEL: 'warn',
      GATEWAY_RATE_LIMIT: '10000',
      NEW_QUERY_TIME_PER_CLIENT: '10000/1s',
      NEW_QUERY_TIME_IN_ALL: '10000/1s',
      SERVICE_RATE_LIMIT: '10000',
      REGISTRATION_LIMIT: '100000/1h',
      STOP_DELAY: `${STOP_DELAY}ms`,
      PROVIDER_TIMEOUT: '20s', // a slow machine fails no payment
    },
  });
  running = stack;
});
afterAll(() => running?.stop());

/** What a service has promised by an answer: a row, and an event about it, as often as is said. */
interface Promised {
  table: string;
  id: string;
  event: string;
}

interface Service {
  workspace: Workspace;
  /** Whose database holds what is promised. */
  database: 'USER_DATABASE_URL' | 'ORDER_DATABASE_URL' | 'PAYMENT_DATABASE_URL';
  /** Reads and writes by turns, after what has to be there for them. */
  prepare(promise: (promised: Promised) => void, url: string): Promise<(connection: number) => LoadRequest>;
}

interface Customer {
  id: string;
  token: string;
}

const account = () => ({
  email: `${randomUUID()}@example.com`,
  password: 'password123',
  firstName: 'John',
  lastName: 'Doe',
});

async function post<T>(url: string, body: object, token?: string): Promise<T> {
  const answer: Answer = await sendRequest(url, { token, body });
  expect(answer.body.error).toBeUndefined();
  return answer.body.data as T;
}

/** A customer for each connection, so that no two writes meet; made one by one, for passwords wait in a short line. */
async function customers(url = stack.urls.userService): Promise<Customer[]> {
  const all: Customer[] = [];
  while (all.length < Load.connections) {
    const { token, user } = await post<{ token: string; user: { id: string } }>(
      `${url}/api/v1/users/register`,
      account(),
    );
    all.push({ id: user.id, token });
  }
  return all;
}

const status = (expected: number) => (answer: LoadAnswer) => {
  if (answer.status !== expected) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
};
const withoutErrors = (answer: LoadAnswer) => {
  if (answer.status !== 200 || answer.body.errors) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
};

/** Each of the requests in its turn. */
const inTurn = (...requests: ((connection: number) => LoadRequest)[]) => {
  let turn = 0;
  return (connection: number) => requests[turn++ % requests.length]!(connection);
};

const services: Service[] = [
  {
    workspace: 'user-service',
    database: 'USER_DATABASE_URL',
    prepare: async (promise, url) => {
      const all = await customers(url);
      return inTurn(
        (i) => ({ method: 'GET', path: '/api/v1/users/me', token: all[i]!.token, check: status(200) }),
        () => ({
          method: 'POST',
          path: '/api/v1/users/register',
          body: account(),
          check: (answer) => {
            status(201)(answer);
            promise({ table: 'users', id: answer.body.data.user.id, event: 'user.created' });
          },
        }),
        (i) => ({ method: 'GET', path: '/api/v1/users', token: all[i]!.token, check: status(200) }),
        (i) => ({
          method: 'PUT',
          path: `/api/v1/users/${all[i]!.id}`,
          token: all[i]!.token,
          body: { firstName: randomUUID() },
          check: (answer) => {
            status(200)(answer);
            promise({ table: 'users', id: all[i]!.id, event: 'user.updated' });
          },
        }),
      );
    },
  },
  {
    workspace: 'order-service',
    database: 'ORDER_DATABASE_URL',
    prepare: async (promise) => {
      const all = await customers();
      const placed = new Map<number, string>();
      return inTurn(
        (i) => ({
          method: 'POST',
          path: '/api/v1/orders',
          token: all[i]!.token,
          body: orderInput,
          check: (answer) => {
            status(201)(answer);
            const id = answer.body.data.id as string;
            placed.set(i, id);
            promise({ table: 'orders', id, event: 'order.created' });
          },
        }),
        (i) => ({ method: 'GET', path: '/api/v1/orders?total=false', token: all[i]!.token, check: status(200) }),
        (i) => {
          const id = placed.get(i);
          if (id === undefined)
            return { method: 'GET', path: '/api/v1/orders', token: all[i]!.token, check: status(200) };
          return {
            method: 'PATCH',
            path: `/api/v1/orders/${id}/status`,
            token: all[i]!.token,
            body: { status: 'cancelled' },
            check: (answer) => {
              status(200)(answer);
              placed.delete(i);
              promise({ table: 'orders', id, event: 'order.status_changed' });
            },
          };
        },
        (i) => ({ method: 'GET', path: '/api/v1/orders/my-orders', token: all[i]!.token, check: status(200) }),
      );
    },
  },
  {
    workspace: 'payment-service',
    database: 'PAYMENT_DATABASE_URL',
    prepare: async (promise, url) => {
      const all = await customers();
      const pending = await Promise.all(
        all.map(async ({ token }) => {
          const orders: string[] = [];
          for (let count = 0; count < 20; count += 1) {
            orders.push((await post<{ id: string }>(`${stack.urls.orderService}/api/v1/orders`, orderInput, token)).id);
          }
          return eventually(async () => {
            const response = await fetch(`${url}/api/v1/payments?orderIds=${orders.join(',')}`, {
              headers: { authorization: `Bearer ${token}` },
            });
            const { data } = (await response.json()) as { data: { id: string }[] };
            expect(data).toHaveLength(orders.length);
            return data.map(({ id }) => id);
          });
        }),
      );
      const read = (i: number): LoadRequest => ({
        method: 'GET',
        path: '/api/v1/payments?total=false',
        token: all[i]!.token,
        check: status(200),
      });
      return inTurn(
        (i) => {
          const id = pending[i]!.pop();
          if (id === undefined) return read(i);
          return {
            method: 'POST',
            path: `/api/v1/payments/${id}/process`,
            token: all[i]!.token,
            body: {},
            check: (answer) => {
              status(200)(answer);
              promise({ table: 'payments', id, event: 'payment.success' });
            },
          };
        },
        read,
        (i) => ({ ...read(i), path: '/api/v1/payments/my-payments' }),
      );
    },
  },
  {
    workspace: 'gateway',
    database: 'ORDER_DATABASE_URL',
    prepare: async (promise) => {
      const all = await customers();
      const operation = (i: number, query: string, check: (answer: LoadAnswer) => void): LoadRequest => ({
        method: 'POST',
        path: '/graphql',
        token: all[i]!.token,
        body: { query },
        check,
      });
      const item = '{ productId: "1", productName: "Laptop", quantity: 1, unitPrice: 999.99 }';
      return inTurn(
        (i) => operation(i, '{ me { id } }', withoutErrors),
        (i) => operation(i, '{ orders { data { id user { email } } } }', withoutErrors),
        (i) => operation(i, '{ __typename }', withoutErrors),
        (i) =>
          operation(
            i,
            `mutation { createOrder(input: { shippingAddress: "1 Main St", items: [${item}] }) { id } }`,
            (answer) => {
              withoutErrors(answer);
              promise({ table: 'orders', id: answer.body.data.createOrder.id, event: 'order.created' });
            },
          ),
      );
    },
  },
];

/** Of what has been promised, what isn't there, and the events that wait. */
async function broken({ database }: Service, promised: readonly Promised[]): Promise<unknown> {
  const client = new pg.Client({ connectionString: stack.environment[database] });
  await client.connect();
  try {
    const wanted = Map.groupBy(promised, ({ table }) => table);
    const missing = [];
    for (const [table, those] of wanted) {
      const { rows } = await client.query(
        `SELECT id, event, count(*)::int AS promised
         FROM unnest($1::text[], $2::text[]) AS promise (id, event)
         GROUP BY id, event
         HAVING NOT EXISTS (SELECT FROM ${table} WHERE ${table}.id::text = promise.id)
           OR count(*) > (SELECT count(*) FROM outbox WHERE subject = promise.id AND type = promise.event)`,
        [those.map(({ id }) => id), those.map(({ event }) => event)],
      );
      missing.push(...rows);
    }
    const { rows: waiting } = await client.query('SELECT type, subject FROM outbox WHERE published_at IS NULL');
    return { missing, waiting };
  } finally {
    await client.end();
  }
}

/** What a process says of itself until it says nothing more, a new connection each time. */
async function watch(url: string, signal: AbortSignal): Promise<{ health: number[]; ready: number[] }> {
  const seen: { health: number[]; ready: number[] } = { health: [], ready: [] };
  while (!signal.aborted) {
    for (const probe of ['health', 'ready'] as const) {
      try {
        const response = await fetch(`${url}/${probe}`, { headers: { connection: 'close' } });
        await response.body?.cancel();
        seen[probe].push(response.status);
      } catch {
        return seen; // it takes no more connections
      }
    }
  }
  return seen;
}

describe('SIGTERM under 200 requests a second, beside another process of the same service', () => {
  it.each(services)(
    '$workspace -> nothing fails or is lost, not ready before it takes no more, ends with 0',
    async (service) => {
      const { workspace } = service;
      const own = stack.process(workspace);
      await own.stop(); // so that the first process below publishes the events
      const first = await startProcess(workspace, stack.environment);
      const second = await startProcess(workspace, stack.environment);
      const balancer = await Balancer.create([first.port, second.port]);
      let load: Load | undefined;
      try {
        const promised: Promised[] = [];
        const next = await service.prepare((one) => promised.push(one), balancer.url);
        load = new Load({ url: balancer.url, perSecond: PER_SECOND, next });
        await load.answers(PER_SECOND);
        const before = promised.length;

        const started = performance.now();
        const ended = new AbortController();
        const stopped = first.stop().finally(() => ended.abort());
        const seen = await watch(`http://127.0.0.1:${first.port}`, ended.signal);
        await stopped;
        const took = performance.now() - started;
        await load.answers(PER_SECOND);
        await load.stop();

        // A busy machine may leave a probe without its answer; no request fails because of it.
        const errors = [...first.errors, ...second.errors].filter((line) => !line.includes('"not ready"'));
        expect(errors.slice(0, 10)).toEqual([]);
        expect(load.failures.slice(0, 10)).toEqual([]);
        expect(took).toBeLessThan(timeLimit(WITHIN));
        expect(took).toBeGreaterThan(STOP_DELAY);
        expect(seen.ready.at(-1)).toBe(503);
        expect(new Set(seen.health)).toEqual(new Set([200]));
        expect(promised.length).toBeGreaterThan(before);
        await eventually(async () => expect(await broken(service, promised)).toEqual({ missing: [], waiting: [] }));
      } finally {
        await load?.stop();
        balancer.stop();
        await second.stop();
        await own.start();
      }
    },
  );
});
