import type { SqlDriverAdapter, SqlQuery, SqlQueryable } from '@prisma/driver-adapter-utils';
import { currentTraceparent, type OpenSpan, type Tracing } from '../tracing/index.js';
import type { DatabaseMetrics } from './database-metrics.js';
import { createQuerySummaries } from './query-summary.js';

/** Times and traces a query that starts now, until what it returns is called: with the error where it failed. */
export type ObserveQuery = (sql: string) => (error?: unknown) => void;

/** What observes queries for the given metrics and traces. */
export function observer({
  databaseMetrics,
  tracing,
}: {
  databaseMetrics: DatabaseMetrics | undefined;
  tracing: Tracing | undefined;
}): ObserveQuery {
  const openSpan = tracing && spansOf(tracing);
  return (sql) => {
    const start = performance.now();
    const span = openSpan?.(sql);
    return (error) => {
      const errorType = error === undefined ? '' : error instanceof Error ? error.name : 'unknown';
      databaseMetrics?.operationDuration.observe({ error_type: errorType }, (performance.now() - start) / 1_000);
      span?.end(errorType === '' ? undefined : { errorType });
    };
  };
}

/** Has every query observed, those in transactions too. */
export function observeQueries<T extends SqlDriverAdapter>(adapter: T, observe: ObserveQuery): T {
  const observed =
    <Result>(operation: (query: SqlQuery) => Promise<Result>) =>
    async (query: SqlQuery): Promise<Result> => {
      const ended = observe(query.sql);
      try {
        const result = await operation(query);
        ended();
        return result;
      } catch (error) {
        ended(error);
        throw error;
      }
    };
  const observeBoth = <T extends SqlQueryable>(queryable: T): T => {
    queryable.queryRaw = observed(queryable.queryRaw.bind(queryable));
    queryable.executeRaw = observed(queryable.executeRaw.bind(queryable));
    return queryable;
  };
  const startTransaction = adapter.startTransaction.bind(adapter);
  adapter.startTransaction = async (isolationLevel) => observeBoth(await startTransaction(isolationLevel));
  return observeBoth(adapter);
}

/** Spans of queries that a request or message asked for; what the process does of itself belongs to no trace. */
function spansOf(tracing: Tracing): (sql: string) => OpenSpan | undefined {
  const summaryOf = createQuerySummaries();
  return (sql) => {
    const parent = currentTraceparent();
    if (parent === undefined) return undefined;
    const summary = summaryOf(sql);
    const attributes = { 'db.system.name': 'postgresql', 'db.query.summary': summary };
    return tracing.open({ name: summary, kind: 'client', parent, attributes });
  };
}
