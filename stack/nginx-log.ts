// What nginx's access log describes its cache.
import { existsSync, readFileSync } from 'node:fs';

export interface CacheMetrics {
  requests: number;
  /** Requests for what could be public: the others pass the cache by. */
  lookedUp: number;
  /** Answered from the cache, be it fresh or stale. */
  hits: number;
}

const fromCache = new Set(['HIT', 'STALE', 'UPDATING', 'REVALIDATED']);

/** Counts the lines of a log and of the older one beside it. */
export function cacheMetrics(file: string): CacheMetrics {
  const logs = [`${file}.1`, file].filter((name) => existsSync(name));
  return countCacheStatuses(logs.map((log) => readFileSync(log, 'utf8')).join('\n'));
}

/** Counts the lines of a log; others are left out. */
export function countCacheStatuses(log: string): CacheMetrics {
  const statuses = Array.from(log.matchAll(/"cacheStatus":"([A-Z]+)"/g), ([, status = '']) => status);
  const lookedUp = statuses.filter((status) => status !== 'BYPASS');
  const hits = lookedUp.filter((status) => fromCache.has(status));
  return { requests: statuses.length, lookedUp: lookedUp.length, hits: hits.length };
}
