import pg from 'pg';
import { Gauge, Histogram, type Registry } from 'prom-client';
import { DURATION_BUCKETS, type Metrics } from '../metrics/index.js';

type Acquired = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: (release?: unknown) => void,
) => void;

/** Returns how long each wait for a connection was, in seconds; also of waits that failed. */
export class TimedPool extends pg.Pool {
  onAcquire: ((seconds: number) => void) | undefined;
  /** How many waits have ended. */
  served = 0;

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Acquired): void;
  override connect(callback?: Acquired): Promise<pg.PoolClient> | undefined {
    const start = performance.now();
    const reported = () => {
      this.served += 1;
      this.onAcquire?.((performance.now() - start) / 1_000);
    };
    if (callback === undefined) return super.connect().finally(reported);
    super.connect((error, client, done) => {
      reported();
      callback(error, client, done);
    });
    return undefined;
  }
}

export interface DatabaseMetrics {
  readonly operationDuration: Histogram<'error_type'>;
}

/** The metrics of one pool of connections. */
export function createDatabaseMetrics(
  { registry }: Metrics,
  { pool, poolName, poolSize }: { pool: TimedPool; poolName: string; poolSize: number },
): DatabaseMetrics {
  const ofPool = { db_client_connection_pool_name: poolName };
  // OpenTelemetry calls it db.client.connection.count; but that ending Prometheus keeps for histograms.
  gauge(registry, 'db_client_connection_usage', 'Open connections', ['db_client_connection_state'], (set) => {
    set(pool.idleCount, { ...ofPool, db_client_connection_state: 'idle' });
    set(pool.totalCount - pool.idleCount, { ...ofPool, db_client_connection_state: 'used' });
  });
  gauge(registry, 'db_client_connection_max', 'Connections that the pool opens at most', [], (set) => {
    set(poolSize, ofPool);
  });
  gauge(registry, 'db_client_connection_pending_requests', 'Queries that wait for a connection', [], (set) => {
    set(pool.waitingCount, ofPool);
  });
  const wait = new Histogram({
    name: 'db_client_connection_wait_time_seconds',
    help: 'How long a query waited for a connection',
    labelNames: ['db_client_connection_pool_name'],
    buckets: [...DURATION_BUCKETS],
    registers: [registry],
  });
  pool.onAcquire = (seconds) => wait.observe(ofPool, seconds);
  return {
    operationDuration: new Histogram({
      name: 'db_client_operation_duration_seconds',
      help: 'Duration of queries, outside of transactions with the wait for a connection; error_type is empty where it succeeded',
      labelNames: ['error_type'],
      buckets: [...DURATION_BUCKETS],
      registers: [registry],
    }),
  };
}

type Set = (value: number, labels: Record<string, string>) => void;

function gauge(registry: Registry, name: string, help: string, labels: string[], collect: (set: Set) => void): void {
  new Gauge({
    name,
    help,
    labelNames: ['db_client_connection_pool_name', ...labels],
    registers: [registry],
    collect() {
      collect((value, values) => this.set(values, value));
    },
  });
}
