import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase, eventually, type TestDatabase } from '@shop/testing';
import { PrismaClient } from '../../test/generated/prisma/client.js';
import { createMetrics, type Metrics } from '../metrics/index.js';
import { createDatabaseAdapter } from './index.js';

const POOL_SIZE = 2;

let database: TestDatabase;
let metrics: Metrics;
let client: PrismaClient;

beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: 'common/test/database' });
});
beforeEach(() => {
  metrics = createMetrics({ service: 'test' });
  const adapter = createDatabaseAdapter({ url: database.url, poolSize: POOL_SIZE, applicationName: 'test', metrics });
  client = new PrismaClient({ adapter });
});
afterEach(() => client.$disconnect());
afterAll(() => database.drop());

/** The values of a metric by the value of one of its labels; of a histogram, how often it was observed. */
async function metric(name: string, label: string): Promise<Record<string, number>> {
  const { values } = (await metrics.registry.getSingleMetric(name)?.get()) ?? { values: [] };
  // prom-client's types don't know the names of a histogram's parts.
  const nameOf = (value: object) => ('metricName' in value ? value.metricName : name);
  const shown = values.filter((value) => [name, `${name}_count`].includes(String(nameOf(value))));
  return Object.fromEntries(shown.map(({ labels, value }) => [String(labels[label]), value]));
}
const connections = () => metric('db_client_connection_usage', 'db_client_connection_state');
const waiting = () => metric('db_client_connection_pending_requests', 'db_client_connection_pool_name');
const queries = () => metric('db_client_operation_duration_seconds', 'error_type');

describe('metrics of the database', () => {
  it('more queries than connections -> used, idle and most connections, and who waits for one', async () => {
    const running = Promise.all(
      Array.from({ length: 5 }, () => client.$queryRaw`SELECT pg_sleep(0.3)::text`.then(() => undefined)),
    );
    await eventually(async () =>
      expect([await connections(), await waiting()]).toEqual([{ idle: 0, used: 2 }, { test: 3 }]),
    );
    await running;

    expect([await connections(), await waiting()]).toEqual([{ idle: 2, used: 0 }, { test: 0 }]);
    expect(await metric('db_client_connection_max', 'db_client_connection_pool_name')).toEqual({ test: POOL_SIZE });
    const wait = await metrics.registry.getSingleMetricAsString('db_client_connection_wait_time_seconds');
    expect(wait).toMatch(/_count\{.*\} 5$/m);
    expect(Number(/_sum\{.*\} ([\d.]+)$/m.exec(wait)?.[1])).toBeGreaterThan(3 * 0.25); // three have waited for one
  });

  it('queries by themselves, in a transaction, and a failing one -> each timed, the failing one apart', async () => {
    const waits = () => metric('db_client_connection_wait_time_seconds', 'db_client_connection_pool_name');
    await client.author.count();
    expect(await waits()).toEqual({ test: 1 });
    await client.$transaction(async (transaction) => {
      await transaction.author.count();
      await transaction.$executeRaw`SELECT 1`;
    });
    expect(await waits()).toEqual({ test: 2 });
    const before = await queries();
    await expect(client.$queryRaw`SELECT 1 / 0`).rejects.toThrow();

    expect(before['']).toBeGreaterThanOrEqual(3);
    expect(Object.keys(before)).toEqual(['']);
    const after = await queries();
    expect(after['']).toBe(before['']);
    expect(Object.keys(after)).toHaveLength(2);
  });

  it('the database can not be reached -> the wait for a connection is reported all the same', async () => {
    const adapter = createDatabaseAdapter({
      url: 'postgresql://postgres@127.0.0.1:1/none',
      poolSize: 1,
      applicationName: 'lost',
      metrics: (metrics = createMetrics({ service: 'test' })),
    });
    const lost = new PrismaClient({ adapter });
    await expect(lost.author.count()).rejects.toThrow();
    const waits = await metric('db_client_connection_wait_time_seconds', 'db_client_connection_pool_name');
    expect(waits.lost).toBeGreaterThanOrEqual(1);
    await lost.$disconnect();
  });
});
