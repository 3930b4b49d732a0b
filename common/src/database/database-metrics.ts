import type { Histogram } from 'prom-client';
import type { Metrics } from '../metrics/index.js';
import type { ConnectionPool } from './connection-pool.js';

export interface DatabaseMetrics {
  readonly operationDuration: Histogram<'error_type'>;
}

/** The metrics of one pool of connections. */
export function createDatabaseMetrics(
  metrics: Metrics,
  { pool, poolName, poolSize }: { pool: ConnectionPool; poolName: string; poolSize: number },
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
