// How fast events go from a service's database to another's handler, on servers of its own that really write to disk.
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { deployMigrations, isDatabaseUnavailable } from '@shop/common/database';
import { createTopology, EventConsumer, OutboxRelay } from '@shop/common/messaging';
import { createMetrics } from '@shop/common/metrics';
import { BrokerConnection } from '@shop/common/rabbitmq';
import { startTestInfrastructure } from '../stack/test-infrastructure.ts';

const EVENTS = 20_000;
const RATE = 200;
const SECONDS = 15;
/** The first second warms the code up. */
const WARM_UP = RATE;

const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const print = (message: string, facts?: unknown): boolean => process.stderr.write(`${message} ${String(facts)}\n`);
const silent = (): void => undefined;
const logger = { error: print, warn: print, info: silent, debug: silent };

const orderId = randomUUID();
const now = new Date().toISOString();
const data = JSON.stringify({
  id: orderId,
  userId: randomUUID(),
  status: 'pending',
  statusReason: null,
  totalAmount: 59.97,
  currency: 'USD',
  shippingAddress: '1 Main Street',
  notes: null,
  items: ['Book', 'Pen', 'Lamp'].map((productName) => ({
    id: randomUUID(),
    productId: productName,
    productName,
    quantity: 1,
    unitPrice: 19.99,
  })),
  payableUntil: now,
  createdAt: now,
  updatedAt: now,
});
const columns = '(id, type, subject, sequence, time, data)';

const infrastructure = await startTestInfrastructure({ postgresSettings: {} });
const database = new pg.Pool({ connectionString: infrastructure.postgresUrl, max: 10 });
await deployMigrations({
  url: infrastructure.postgresUrl,
  directory: path.join(import.meta.dirname, '../order-service'),
});

const metrics = createMetrics({ service: 'bench' });
const topology = createTopology({ accessTokenLifetime: 3_600_000 });
const connection = new BrokerConnection({ url: infrastructure.rabbitmqUrl, name: 'bench', topology, logger });
const relay = new OutboxRelay({
  databaseUrl: infrastructure.postgresUrl,
  connection,
  source: '/bench',
  logger,
  metrics,
});
const handledAt = new Map<string, number>();
const consumer = new EventConsumer({
  connection,
  queue: topology.paymentService,
  isUnavailable: isDatabaseUnavailable,
  logger,
  metrics,
  prefetch: 100,
  handlers: {
    'order.status_changed': async () => undefined,
    'order.created': async ({ id }) => void handledAt.set(id, performance.now()),
  },
});

const until = async (check: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await check())) await delay(5);
};

async function fillOutbox(): Promise<void> {
  await database.query(
    `INSERT INTO outbox ${columns} SELECT gen_random_uuid(), 'order.created', gen_random_uuid(), 1, now(), $1
     FROM generate_series(1, $2)`,
    [data, EVENTS],
  );
  await database.query('VACUUM ANALYZE outbox');
}

const isOutboxEmpty = async (): Promise<boolean> => {
  const { rowCount } = await database.query('SELECT FROM outbox WHERE published_at IS NULL LIMIT 1');
  return rowCount === 0;
};

/** Events a second. */
async function rateOf(drain: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await drain();
  return Math.round((EVENTS * 1_000) / (performance.now() - start));
}

/** Milliseconds from commit to handler, in ascending order. */
async function latencies(): Promise<number[]> {
  const committedAt = new Map<string, number>();
  const total = RATE * SECONDS;
  const commits: Promise<void>[] = [];
  const start = performance.now();
  for (let sent = 0; sent < total; sent++) {
    await delay(Math.max(0, start + (sent * 1_000) / RATE - performance.now()));
    const id = randomUUID();
    const commit = database.query({
      name: 'commit',
      text: `INSERT INTO outbox ${columns} VALUES ($1, 'order.created', $2, 1, now(), $3)`,
      values: [id, randomUUID(), data],
    });
    commits.push(
      commit.then(() => {
        committedAt.set(id, performance.now());
        relay.wake();
      }),
    );
  }
  await Promise.all(commits);
  await until(() => [...committedAt.keys()].every((id) => handledAt.has(id)));
  return [...committedAt]
    .slice(WARM_UP)
    .map(([id, time]) => Math.max(0, (handledAt.get(id) ?? Infinity) - time))
    .toSorted((one, other) => one - other);
}

relay.start();
await until(() => relay.state() === 'ok' && connection.state() === 'up');
await fillOutbox();
const published = await rateOf(async () => {
  relay.wake();
  await until(isOutboxEmpty);
});
const consumed = await rateOf(async () => {
  consumer.start();
  await until(() => handledAt.size === EVENTS);
});
handledAt.clear();
await fillOutbox();
const throughout = await rateOf(async () => {
  relay.wake();
  await until(() => handledAt.size === EVENTS);
});
handledAt.clear();
const sorted = await latencies();
const quantile = (part: number): string => `${(sorted[Math.ceil(part * sorted.length) - 1] ?? Infinity).toFixed(1)} ms`;

await consumer.stop();
await relay.stop();
await connection.stop();
await database.end();
await infrastructure.stop();

const rows = [
  ['measured', 'figure', 'wanted'],
  ['outbox drained to the broker', `${published} events/s`, '>= 5000'],
  ['queue drained by a handler that does nothing', `${consumed} events/s`, ''],
  ['outbox drained to that handler', `${throughout} events/s`, ''],
  [`commit to handler at ${RATE} events/s, p50`, quantile(0.5), '<= 15'],
  [`commit to handler at ${RATE} events/s, p99`, quantile(0.99), '<= 100'],
  [`commit to handler at ${RATE} events/s, most`, quantile(1), ''],
];
for (const [what = '', figure = '', wanted = ''] of rows)
  say(`${what.padEnd(46)} ${figure.padStart(14)} ${wanted.padStart(9)}`);
