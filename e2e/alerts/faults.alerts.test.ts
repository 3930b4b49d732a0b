import { execFile } from 'node:child_process';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { rabbitmqServer } from '../../stack/programs/rabbitmq.ts';
import { startStack, type RunningStack } from '../../stack/start-stack.ts';
import { runInside } from './inside-process.ts';
import { hurried, PrometheusClient } from '../support/prometheus.ts';
import { eventually, logInAsAdmin, placeOrder, register, rest, settings, urls } from '../support/system.js';

/** Milliseconds for an alert to fire, on a busy machine. */
const PATIENCE = 60_000;

let stack: RunningStack;
let prometheus: PrometheusClient;
/** Every alert that has fired so far. */
const fired = new Set<string>();
const ending = new AbortController();
const atWork: Promise<void>[] = [];

/** Does something until the tests are over, or `isDone` says that it is enough. */
function keepDoing(work: () => Promise<unknown>, { pause, isDone }: { pause: number; isDone?: () => boolean }): void {
  const run = async (): Promise<void> => {
    while (!ending.signal.aborted && isDone?.() !== true) {
      // Whatever fails fails because of the faults.
      await work().catch(() => undefined);
      await delay(pause, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  };
  atWork.push(run());
}

const query = async (database: 'ORDER' | 'PAYMENT', text: string, values: unknown[] = []): Promise<void> => {
  const client = new pg.Client({ connectionString: settings[`${database}_DATABASE_URL`] });
  await client.connect();
  try {
    await client.query(text, values);
  } finally {
    await client.end();
  }
};

const pidOf = (name: string): number => {
  const pid = stack.process(name).identity?.pid;
  if (pid === undefined) throw new Error(`${name} does not run`);
  return pid;
};

const rabbitmqControl = (...args: string[]) =>
  promisify(execFile)(path.join(path.dirname(rabbitmqServer), 'rabbitmqctl'), args, {
    env: stack.process('rabbitmq').program.command().environment,
    timeout: 60_000,
  });

/** The provider has lost the charge of a paid order that is cancelled then. */
async function refundsFail(): Promise<void> {
  const [{ token }, admin] = await Promise.all([register(), logInAsAdmin()]);
  const { orderId, paymentId } = await placeOrder(token);
  await rest('POST', `/payments/${paymentId}/process`, { token });
  await eventually(async () =>
    expect((await rest('GET', `/orders/${orderId}`, { token })).body.data.status).toBe('confirmed'),
  );
  await query('PAYMENT', `UPDATE simulated_provider.charges SET transaction_id = 'ch_lost' WHERE key = $1`, [
    paymentId,
  ]);
  await rest('PATCH', `/orders/${orderId}/status`, { token: admin.token, body: { status: 'cancelled' } });
}

/** Somebody publishes what is no event. */
async function malformedEvent(): Promise<void> {
  const exchange = `${urls.rabbitmqManagement}/api/exchanges/%2F/microservices.events/publish`;
  const credentials = Buffer.from(`${settings.RABBITMQ_USER}:${settings.RABBITMQ_PASSWORD}`).toString('base64');
  const response = await fetch(exchange, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: JSON.stringify({
      properties: {},
      routing_key: 'order.created',
      payload: 'no event',
      payload_encoding: 'string',
    }),
  });
  expect(await response.json()).toEqual({ routed: true });
}

/** The table of orders is locked again and again, while many ask for it. */
function ordersAreLocked(token: string): void {
  const lock = `BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3); COMMIT`;
  const isDone = () => fired.has('LatencyHigh') && fired.has('DatabasePoolExhausted');
  keepDoing(() => query('ORDER', lock), { pause: 100, isDone });
  for (let reader = 0; reader < 20; reader++)
    keepDoing(() => rest('GET', '/orders', { token }), { pause: 100, isDone });
}

const MORE_THAN_IT_SHOULD = 450 * 1024 * 1024;
const hogs = `
  globalThis.hog = Buffer.alloc(${MORE_THAN_IT_SHOULD}, 1);
  setInterval(() => { for (const until = Date.now() + 190; Date.now() < until;); }, 200)`;

const faults: Record<string, string> = {
  RefundFailing: 'the provider refuses a refund again and again',
  DeadLetters: 'a malformed event comes in',
  ServiceDown: 'the gateway is killed',
  MemoryHigh: 'a process holds too much memory',
  EventLoopBusy: 'an event loop is blocked again and again',
  LatencyHigh: 'a table is locked',
  DatabasePoolExhausted: 'many queries wait for that table',
  BrokerBlocked: 'RabbitMQ is short of memory',
  OutboxBehind: 'orders are placed while it is',
  BrokerDown: 'RabbitMQ is killed',
  DatabaseDown: 'a PostgreSQL server is killed',
  ErrorBudgetBurnsFast: 'requests need that database',
  ErrorBudgetBurnsSlowly: 'they need it for longer',
};

describe('alerts of a running system', () => {
  beforeAll(async () => {
    stack = await startStack({
      prometheus: { adapt: hurried },
      environment: {
        BCRYPT_COST: '4',
        LOG_LEVEL: 'error',
        SERVICE_RATE_LIMIT: '10000',
        REFUND_RETRY_PAUSE: '100ms',
      },
    });
    Object.assign(urls, stack.urls);
    Object.assign(settings, stack.environment);
    prometheus = new PrometheusClient(stack.urls.prometheus);
    keepDoing(
      async () => {
        for (const { alertname = '' } of await prometheus.firing()) fired.add(alertname);
      },
      { pause: 300 },
    );
  }, 180_000);

  afterAll(async () => {
    ending.abort();
    await Promise.all(atWork);
    await stack.stop();
  }, 60_000);

  it('there is a fault below for each of them', async () => {
    await eventually(async () => expect((await prometheus.alertNames()).sort()).toEqual(Object.keys(faults).sort()));
  });

  it(
    'orders are placed and paid, and all is well -> no alert',
    async () => {
      await eventually(async () => {
        expect(await prometheus.query('sum(up) == 9')).toHaveLength(1);
        expect(await prometheus.firing()).toEqual([]); // those from before the services had started
      }, PATIENCE);
      fired.clear();
      const { token } = await register();
      const { paymentId } = await placeOrder(token);
      await rest('POST', `/payments/${paymentId}/process`, { token });
      const since = Date.now() / 1_000;
      const rulesSince = `min(prometheus_rule_group_last_evaluation_timestamp_seconds) > ${since} + 5`;
      await eventually(async () => {
        for (const list of ['/users', '/orders', '/payments'] as const) await rest('GET', list, { token });
        expect(await prometheus.query(rulesSince)).toHaveLength(1);
        expect((await prometheus.query('job:requests:rate5m > 0')).length).toBeGreaterThanOrEqual(3);
      }, PATIENCE);
      expect([...fired]).toEqual([]);
    },
    3 * PATIENCE,
  );

  describe('under faults', () => {
    beforeAll(async () => {
      await Promise.all([refundsFail(), malformedEvent()]);
      await eventually(async () => expect([...fired].sort()).toEqual(['DeadLetters', 'RefundFailing']), PATIENCE);

      const { token } = await register();
      await stack.process('gateway').kill();
      await runInside(pidOf('user-service'), hogs);
      ordersAreLocked(token);
      await rabbitmqControl('set_vm_memory_high_watermark', '0.00001');
      keepDoing(() => placeWithoutWaiting(token), { pause: 500, isDone: () => fired.has('OutboxBehind') });
      keepDoing(() => rest('GET', '/payments', { token }), { pause: 100 });
      await eventually(async () => expect([...fired]).toContain('BrokerBlocked'), PATIENCE);

      await stack.process('postgres-payment').kill();
      await eventually(async () => expect([...fired]).toContain('OutboxBehind'), PATIENCE);
      await stack.process('rabbitmq').kill();
    }, 5 * PATIENCE);

    it.each(Object.entries(faults))(
      '%s: %s -> it fires',
      async (alert) => {
        await eventually(async () => expect([...fired]).toContain(alert), PATIENCE);
      },
      2 * PATIENCE,
    );
  });
});

const placeWithoutWaiting = (token: string) =>
  rest('POST', '/orders', {
    token,
    body: { shippingAddress: 'x', items: [{ productId: 'p', productName: 'P', quantity: 1, unitPrice: 1 }] },
  });
