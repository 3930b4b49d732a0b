// What `make nginx-status` shows. In containers its parts come on standard input: nginx's status, the sizes of the cached answers,
// and the log.   ... | node stack/nginx-report.ts
import { existsSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { table } from './addresses.ts';
import { parseNginxStatus, type NginxStatus } from './programs/nginx.ts';
import { entryUrl } from './entry-point.ts';
import { loadSettings } from './settings.ts';

/** What nginx's access log says of its cache. */
interface CacheMetrics {
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
function countCacheStatuses(log: string): CacheMetrics {
  const statuses = Array.from(log.matchAll(/"cacheStatus":"([A-Z]+)"/g), ([, status = '']) => status);
  const lookedUp = statuses.filter((status) => status !== 'BYPASS');
  const hits = lookedUp.filter((status) => fromCache.has(status));
  return { requests: statuses.length, lookedUp: lookedUp.length, hits: hits.length };
}

export const statusMissing = 'nginx does not show its metrics: see `make nginx-logs`';

/** One line a row. `cached`: the size of each answer in the cache, in bytes. */
export function nginxReport(
  address: string,
  { active, waiting, accepted, requests }: NginxStatus,
  cached: readonly number[],
  metrics: CacheMetrics,
): string[] {
  const megabytes = cached.reduce((sum, size) => sum + size, 0) / 1e6;
  return table([
    ['address', address],
    ['connections', `${active} open, ${waiting} of them idle; ${accepted} since the start`],
    ['requests', `${requests} since the start`],
    ['cache', `${count(cached.length, 'answer')}, ${megabytes.toFixed(1)} MB of 100 MB`],
    ['hit ratio', hitRatio(metrics)],
  ]);
}

function hitRatio({ hits, lookedUp, requests }: CacheMetrics): string {
  if (lookedUp === 0) return `nothing was looked up in the cache by the ${requests} requests of the log`;
  const percent = ((100 * hits) / lookedUp).toFixed(1);
  return `${percent} % of ${lookedUp} that could be public, of ${requests} requests in the log`;
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

if (import.meta.main) {
  const input = await text(process.stdin);
  const status = parseNginxStatus(input);
  if (status) {
    const cached = Array.from(input.matchAll(/^cached (\d+)$/gm), ([, size]) => Number(size));
    console.log(nginxReport(entryUrl(loadSettings()), status, cached, countCacheStatuses(input)).join('\n'));
  } else {
    console.error(statusMissing);
    process.exitCode = 1;
  }
}
