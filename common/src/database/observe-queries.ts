import type { SqlDriverAdapter, SqlQuery, SqlQueryable } from '@prisma/driver-adapter-utils';
import { currentTraceparent, type OpenSpan, type Tracing } from '../tracing/index.js';
import type { DatabaseFigures } from './database-figures.js';
import { createQuerySummaries } from './query-summary.js';

/** Has every query timed and traced, those in transactions too. */
export function observeQueries<T extends SqlDriverAdapter>(
  adapter: T,
  { figures, tracing }: { figures: DatabaseFigures | undefined; tracing: Tracing | undefined },
): T {
  if (figures === undefined && tracing === undefined) return adapter;
  const openSpan = tracing && spansOf(tracing);
  const observed =
    <Result>(operation: (query: SqlQuery) => Promise<Result>) =>
    async (query: SqlQuery): Promise<Result> => {
      const observe = figures?.operationDuration.startTimer();
      const span = openSpan?.(query);
      try {
        const result = await operation(query);
        observe?.({ error_type: '' });
        span?.end();
        return result;
      } catch (error) {
        const errorType = error instanceof Error ? error.name : 'unknown';
        observe?.({ error_type: errorType });
        span?.end({ errorType });
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
function spansOf(tracing: Tracing): (query: SqlQuery) => OpenSpan | undefined {
  const summaryOf = createQuerySummaries();
  return ({ sql }) => {
    const parent = currentTraceparent();
    if (parent === undefined) return undefined;
    const summary = summaryOf(sql);
    const attributes = { 'db.system.name': 'postgresql', 'db.query.summary': summary };
    return tracing.open({ name: summary, kind: 'client', parent, attributes });
  };
}
