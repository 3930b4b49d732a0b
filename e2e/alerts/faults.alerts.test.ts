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
import { eventually, graphql, loginAsAdmin, placeOrder, register, rest, settings, urls } from '../support/system.js';

let stack: RunningStack;
let prometheus: PrometheusClient;
/** Every alert that has fired so far, with what it is about. */
const fired = new Set<string>();
const about = ['job', 'dependency', 'messaging_destination_name'];

/** As `DatabaseDown job=order-service dependency=database`. */
const named = (alert: string, labels: Record<string, string>): string =>
  [alert, ...about.flatMap((label) => (labels[label] === undefined ? [] : [`${label}=${labels[label]}`]))].join(' ');
const haveFired =
  (labels: Record<string, string>, ...alerts: string[]) =>
  (): boolean =>
    alerts.every((alert) => fired.has(named(alert, labels)));

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
  const [{ token }, admin] = await Promise.all([register(), loginAsAdmin()]);
  const { orderId, paymentId } = await placeOrder(token);
  await rest('POST', `/payments/${paymentId}/process`, { token });
  await eventually(async () =>
    expect((await rest('GET', `/orders/${orderId}`, { token })).body.data.status).toBe('confirmed'),
  );
  await query('PAYMENT', `UPDATE simulated_provider.charges SET transaction_id = 'ch_lost' WHERE key = $1`, [
    paymentId,
  ]);
  await rest('POST', `/payments/${paymentId}/refund`, { token: admin.token, body: { amount: 1 } });
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

/** What payment-service would write about events fails: as if rows were locked for long, then as if its disk were full. */
async function eventsWait(): Promise<void> {
  const fail = (sqlState: string) =>
    query(
      'PAYMENT',
      `CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '${sqlState}'; END $$;
       CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION fail()`,
    );
  const labels = { job: 'payment-service', messaging_destination_name: paymentQueue };
  const { token } = await register();
  await fail('55P03');
  // A fifth one that fails alike would be an outage.
  for (let placed = 0; placed < 4; placed++) await placeWithoutWaiting(token);
  await eventually(async () => expect([...fired]).toContain(named('EventsDeferred', labels)));
  await fail('53100');
  await placeWithoutWaiting(token);
  await eventually(async () => expect([...fired]).toContain(named('EventsHeldBack', labels)));
  await queueIsFull(token);
  await query('PAYMENT', 'DROP TRIGGER fail ON inbox');
}

/** While the events of a queue are held back, its limit is next to nothing. */
async function queueIsFull(token: string): Promise<void> {
  const labels = { job: 'order-service', messaging_destination_name: 'microservices.events:order.created' };
  const pattern = `^${paymentQueue.replaceAll('.', '\\.')}$`;
  await rabbitmqControl('set_policy', 'full', pattern, '{"max-length-bytes":1}', '--apply-to', 'queues');
  const isDone = haveFired(labels, 'QueueFull');
  keepDoing(() => placeWithoutWaiting(token), { pause: 100, isDone });
  await eventually(async () => expect(isDone()).toBe(true));
  await rabbitmqControl('clear_policy', 'full');
}

/** The gateway is gone, and nginx is asked for it. */
async function gatewayIsDown(): Promise<void> {
  await stack.process('gateway').kill();
  const isDone = haveFired({}, 'EdgeFailing');
  keepDoing(() => graphql('{ __typename }', undefined, undefined, urls.nginx), { pause: 100, isDone });
  await eventually(() => expect(isDone()).toBe(true));
}

/** The table of orders is locked again and again, while many ask for it. */
async function ordersAreLocked(token: string): Promise<void> {
  const lock = `BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3); COMMIT`;
  const isDone = haveFired({ job: 'order-service' }, 'LatencyHigh', 'DatabasePoolExhausted');
  keepDoing(() => query('ORDER', lock), { pause: 100, isDone });
  for (let reader = 0; reader < 20; reader++)
    keepDoing(() => rest('GET', '/orders', { token }), { pause: 100, isDone });
  await eventually(() => expect(isDone()).toBe(true));
}

const MORE_THAN_IT_SHOULD = 450 * 1024 * 1024;
const hogs = `
  globalThis.hog = Buffer.alloc(${MORE_THAN_IT_SHOULD}, 1);
  globalThis.busy = setInterval(() => { for (const until = Date.now() + 190; Date.now() < until;); }, 200)`;

/** A process takes a processor for itself, until that is noticed. */
async function processHogs(): Promise<void> {
  await runInside(pidOf('user-service'), hogs);
  const isDone = haveFired({ job: 'user-service' }, 'MemoryHigh', 'EventLoopBusy');
  await eventually(() => expect(isDone()).toBe(true));
  await runInside(pidOf('user-service'), 'clearInterval(globalThis.busy)');
}

const losesItsLog = `process.stdout.write = (_text, written) => void written(new Error('no space left on device'))`;

const paymentQueue = 'payment-service.v2';
const deadLetterQueue = `${paymentQueue}.dead-letter`;

/** Each alert, what exactly it has to be about, and the fault that it is for. */
const faults: [alert: string, labels: Record<string, string>, fault: string][] = [
  ['RefundFailing', { job: 'payment-service' }, 'the provider refuses a refund again and again'],
  [
    'Discrepancies',
    { job: 'payment-service', kind: 'refund_declined' },
    'the provider refuses what an admin asked for',
  ],
  [
    'DeadLetters',
    { job: 'payment-service', messaging_destination_name: deadLetterQueue },
    'a malformed event comes in',
  ],
  [
    'EventsHeldBack',
    { job: 'payment-service', messaging_destination_name: paymentQueue },
    'its database has a full disk',
  ],
  [
    'EventsDeferred',
    { job: 'payment-service', messaging_destination_name: paymentQueue },
    'a few events meet a lock each time',
  ],
  [
    'QueueFull',
    { job: 'order-service', messaging_destination_name: 'microservices.events:order.created' },
    'the queue of payment-service takes no message any more',
  ],
  ['ServiceDown', { job: 'gateway' }, 'the gateway is killed'],
  ['EdgeFailing', {}, 'nginx is asked for it'],
  ['MemoryHigh', { job: 'user-service' }, 'a process holds too much memory'],
  ['EventLoopBusy', { job: 'user-service' }, 'an event loop is blocked again and again'],
  ['LatencyHigh', { job: 'order-service' }, 'a table is locked'],
  ['DatabasePoolExhausted', { job: 'order-service' }, 'many queries wait for that table'],
  ['BrokerBlocked', { job: 'rabbitmq' }, 'RabbitMQ is short of memory'],
  ['OutboxBehind', { job: 'order-service' }, 'orders are placed while it is'],
  ['DatabaseDown', { job: 'payment-service', dependency: 'database' }, 'a PostgreSQL server is killed'],
  ['LogLinesLost', { job: 'payment-service' }, 'its log can not be written'],
  ['ErrorBudgetBurnsFast', { job: 'payment-service' }, 'requests need that database'],
  ['ErrorBudgetBurnsSlowly', { job: 'payment-service' }, 'they need it for longer'],
  ['BrokerDown', { job: 'rabbitmq' }, 'RabbitMQ is killed'],
  ['BrokerDown', { job: 'order-service', dependency: 'broker' }, 'its connection is lost'],
];

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
        for (const { alertname = '', ...labels } of await prometheus.firing()) fired.add(named(alertname, labels));
      },
      { pause: 300 },
    );
  });

  afterAll(async () => {
    ending.abort();
    await Promise.all(atWork);
    await stack.stop();
  });

  it('there is a fault below for each of them', async () => {
    await eventually(async () =>
      expect((await prometheus.alertNames()).sort()).toEqual([...new Set(faults.map(([alert]) => alert))].sort()),
    );
  });

  it('orders are placed and paid, and all is well -> no alert', async () => {
    await eventually(async () => {
      expect(await prometheus.query('sum(up) == 9')).toHaveLength(1);
      expect(await prometheus.firing()).toEqual([]); // those from before the services had started
    });
    fired.clear();
    const { token } = await register();
    const { paymentId } = await placeOrder(token);
    await rest('POST', `/payments/${paymentId}/process`, { token });
    const since = Date.now() / 1_000;
    const rulesSince = `min(prometheus_rule_group_last_evaluation_timestamp_seconds) > ${since} + 15`;
    await eventually(async () => {
      for (const list of ['/users', '/orders', '/payments'] as const) await rest('GET', list, { token });
      expect(await prometheus.query(rulesSince)).toHaveLength(1);
      expect((await prometheus.query('job:requests:rate5m > 0')).length).toBeGreaterThanOrEqual(3);
    });
    expect([...fired]).toEqual([]);
  });

  describe('under faults', () => {
    beforeAll(async () => {
      await Promise.all([refundsFail(), malformedEvent()]);
      const first = faults
        .slice(0, 3)
        .map(([alert, labels]) => named(alert, labels))
        .sort();
      await eventually(async () => expect([...fired].sort()).toEqual(first));
      await eventsWait();

      const { token } = await register();
      // What follows needs the processors that these take.
      await Promise.all([gatewayIsDown(), processHogs(), ordersAreLocked(token)]);
      const [blocked, behind] = [
        named('BrokerBlocked', { job: 'rabbitmq' }),
        named('OutboxBehind', { job: 'order-service' }),
      ];
      await rabbitmqControl('set_vm_memory_high_watermark', '0.00001');
      keepDoing(() => placeWithoutWaiting(token), { pause: 500, isDone: () => fired.has(behind) });
      keepDoing(() => rest('GET', '/payments', { token }), { pause: 100 });
      await eventually(async () => expect([...fired]).toContain(blocked));

      await runInside(pidOf('payment-service'), losesItsLog);
      await stack.process('postgres-payment').kill();
      await eventually(async () => expect([...fired]).toContain(behind));
      await stack.process('rabbitmq').kill();
    });

    it.each(faults)('%s %j: %s -> it fires', async (alert, labels) => {
      await eventually(async () => expect([...fired]).toContain(named(alert, labels)));
    });

    it('all of that -> what has no other consequence is about nothing else', () => {
      const contained = /^(RefundFailing|DeadLetters|MemoryHigh|LogLinesLost|BrokerBlocked|EdgeFailing)\b/;
      const expected = faults.map(([alert, labels]) => named(alert, labels)).filter((name) => contained.test(name));
      expect([...fired].filter((name) => contained.test(name)).sort()).toEqual(expected.sort());
    });
  });
});

const placeWithoutWaiting = (token: string) =>
  rest('POST', '/orders', {
    token,
    body: { shippingAddress: 'x', items: [{ productId: 'p', productName: 'P', quantity: 1, unitPrice: 1 }] },
  });
