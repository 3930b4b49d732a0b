import pg from 'pg';
import type { Histogram } from 'prom-client';
import type { Metrics } from '../metrics/index.js';

type Acquired = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: (release?: unknown) => void,
) => void;

/** A pool that also knows how long each wait for a connection was, in seconds; also of waits that failed. */
export class TimedPool extends pg.Pool {
  onAcquire: ((seconds: number) => void) | undefined;
  /** How many waits have ended. */
  served = 0;

  /** Queries that wait for a connection. */
  get waiting(): number {
    return this.waitingCount;
  }

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
  metrics: Metrics,
  { pool, poolName, poolSize }: { pool: TimedPool; poolName: string; poolSize: number },
): DatabaseMetrics {
  const name = 'db_client_connection_pool_name';
  const state = 'db_client_connection_state';
  const ofPool = { [name]: poolName };
  // OpenTelemetry calls it db.client.connection.count; but that ending Prometheus keeps for histograms.
  metrics.gauge('db_client_connection_usage', 'Open connections', [name, state], (usage) => {
    usage.set({ ...ofPool, [state]: 'idle' }, pool.idleCount);
    usage.set({ ...ofPool, [state]: 'used' }, pool.totalCount - pool.idleCount);
  });
  metrics.gauge('db_client_connection_max', 'Connections that the pool opens at most', [name], (most) =>
    most.set(ofPool, poolSize),
  );
  metrics.gauge('db_client_connection_pending_requests', 'Queries that wait for a connection', [name], (pending) =>
    pending.set(ofPool, pool.waiting),
  );
  const wait = metrics.durations('db_client_connection_wait_time_seconds', 'How long a query waited for a connection', [
    name,
  ]);
  pool.onAcquire = (seconds) => wait.observe(ofPool, seconds);
  return {
    operationDuration: metrics.durations(
      'db_client_operation_duration_seconds',
      'Duration of queries, outside of transactions with the wait for a connection; error_type is empty where it succeeded',
      ['error_type'],
    ),
  };
}
