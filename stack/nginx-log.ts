// What nginx's access log tells of its cache.
import { existsSync, readFileSync } from 'node:fs';

export interface CacheFigures {
  requests: number;
  /** Requests for what could be public: the others pass the cache by. */
  lookedUp: number;
  /** Answered from the cache, be it fresh or stale. */
  hits: number;
}

const fromCache = new Set(['HIT', 'STALE', 'UPDATING', 'REVALIDATED']);

/** Counts the lines of a log and of the older one beside it. */
export function cacheFigures(file: string): CacheFigures {
  const figures: CacheFigures = { requests: 0, lookedUp: 0, hits: 0 };
  for (const log of [`${file}.1`, file].filter((name) => existsSync(name))) {
    for (const line of readFileSync(log, 'utf8').split('\n')) {
      const status = /"cacheStatus":"([A-Z]+)"/.exec(line)?.[1];
      if (status === undefined) continue;
      figures.requests++;
      if (status === 'BYPASS') continue;
      figures.lookedUp++;
      if (fromCache.has(status)) figures.hits++;
    }
  }
  return figures;
}
