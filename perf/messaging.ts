// How fast events go from a service's database to another's handler, on servers of its own that really write to disk.
// Ends with 1 where it is slower than docs/reliability.md promises, or not done in time.
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { deployMigrations } from '@shop/common/database';
import { createTopology, EventConsumer, OutboxRelay } from '@shop/common/messaging';
import { createMetrics } from '@shop/common/metrics';
import { BrokerConnection } from '@shop/common/rabbitmq';
import { startTestInfrastructure } from '../stack/test-infrastructure.ts';
import { quantile } from './statistics.ts';

const EVENTS = 20_000;
const RATE = 200;
const SECONDS = 15;
/** Events of the first second, which warm the code up: they are sent, and left out of the quantiles. */
const WARM_UP = RATE;
/** What is promised: events a second, and milliseconds. */
const LIMITS = { drained: 5_000, p50: 15, p99: 100, replicasP99: 150 };
/** Relays on the one database while commits of replicas are measured; all but one stand by. */
const REPLICAS = 4;
const DEADLINE = performance.now() + 5 * 60_000;
const QUERY_TIMEOUT = 60_000;

const report = (line: string): boolean => process.stdout.write(`${line}\n`);
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
const database = new pg.Pool({ connectionString: infrastructure.postgresUrl, max: 10, query_timeout: QUERY_TIMEOUT });
// The server is stopped while the last connections are still closing; a loss in between shows in the next query.
database.on('error', silent);
await deployMigrations({
  url: infrastructure.postgresUrl,
  directory: path.join(import.meta.dirname, '../order-service'),
});

const metrics = createMetrics({ service: 'bench' });
const topology = createTopology({ accessTokenLifetime: 3_600_000 });
const connection = new BrokerConnection({ url: infrastructure.rabbitmqUrl, name: 'bench', topology, logger });
const createRelay = (number: number): OutboxRelay =>
  new OutboxRelay({
    databaseUrl: infrastructure.postgresUrl,
    connection,
    source: `/bench-${number}`,
    logger,
    metrics: createMetrics({ service: 'bench' }),
  });
const relay = createRelay(1);
const standbys = Array.from({ length: REPLICAS - 1 }, (_, index) => createRelay(index + 2));
const handledAt = new Map<string, number>();
const consumer = new EventConsumer({
  connection,
  queue: topology.paymentService,
  logger,
  metrics,
  prefetch: 100,
  handlers: {
    'order.status_changed': async () => undefined,
    'user.anonymised': async () => undefined,
    'order.created': async ({ id }) => void handledAt.set(id, performance.now()),
  },
});

async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await check())) {
    if (performance.now() > DEADLINE) throw new Error(`not done in time: ${what}`);
    await delay(5);
  }
}

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
async function latencies(wake: (sent: number) => void): Promise<number[]> {
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
        wake(sent);
      }),
    );
  }
  await Promise.all(commits);
  await until('every event handled', () => [...committedAt.keys()].every((id) => handledAt.has(id)));
  return [...committedAt]
    .slice(WARM_UP)
    .map(([id, time]) => Math.max(0, (handledAt.get(id) ?? Infinity) - time))
    .toSorted((one, other) => one - other);
}

async function measure() {
  relay.start();
  await until('connected', () => relay.state() === 'ok' && connection.state() === 'up');
  await fillOutbox();
  const drained = await rateOf(async () => {
    relay.wake();
    await until('outbox drained', isOutboxEmpty);
  });
  const consumed = await rateOf(async () => {
    consumer.start();
    await until('queue drained', () => handledAt.size === EVENTS);
  });
  handledAt.clear();
  await fillOutbox();
  const throughout = await rateOf(async () => {
    relay.wake();
    await until('outbox and queue drained', () => handledAt.size === EVENTS);
  });
  handledAt.clear();
  const sorted = await latencies(() => relay.wake());
  handledAt.clear();
  for (const standby of standbys) standby.start();
  await until('replicas connected', () => standbys.every((standby) => standby.state() === 'ok'));
  const ofReplicas = await latencies((sent) => standbys[sent % standbys.length]?.wake());
  return { drained, consumed, throughout, sorted, ofReplicas };
}

async function cleanUp(): Promise<void> {
  await consumer.stop();
  for (const each of [...standbys, relay]) await each.stop();
  await connection.stop();
  await database.end();
  await infrastructure.stop();
}

const { drained, consumed, throughout, sorted, ofReplicas } = await measure().finally(cleanUp);
const [p50, p99, most] = [quantile(sorted, 0.5), quantile(sorted, 0.99), quantile(sorted, 1)];
const replicasP99 = quantile(ofReplicas, 0.99);
const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;

const rows = [
  ['measured', 'value', 'promised'],
  ['outbox drained to the broker', `${drained} events/s`, `>= ${LIMITS.drained}`],
  ['queue drained by a handler that does nothing', `${consumed} events/s`, ''],
  ['outbox drained to that handler', `${throughout} events/s`, ''],
  [`commit to handler at ${RATE} events/s, p50`, milliseconds(p50), `<= ${LIMITS.p50} ms`],
  [`commit to handler at ${RATE} events/s, p99`, milliseconds(p99), `<= ${LIMITS.p99} ms`],
  [`commit to handler at ${RATE} events/s, most`, milliseconds(most), ''],
  [`the same, committed where relays stand by, p99`, milliseconds(replicasP99), `<= ${LIMITS.replicasP99} ms`],
];
for (const [what = '', value = '', promised = ''] of rows)
  report(`${what.padEnd(46)} ${value.padStart(14)} ${promised.padStart(10)}`);
report(`quantiles of ${sorted.length} events; the first ${WARM_UP}, a second's, are left out as warm-up`);

if (!(drained >= LIMITS.drained && p50 <= LIMITS.p50 && p99 <= LIMITS.p99 && replicasP99 <= LIMITS.replicasP99)) {
  report('slower than promised');
  process.exitCode = 1;
}
