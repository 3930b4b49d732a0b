// What `make nginx-status` shows. In containers its parts come on standard input: nginx's status, the sizes of the cached answers,
// and the log.   ... | node stack/nginx-report.ts
import { text } from 'node:stream/consumers';
import { table } from './addresses.ts';
import { countCacheStatuses, type CacheMetrics } from './nginx-log.ts';
import { parseNginxStatus, type NginxStatus } from './programs/nginx.ts';
import { entryUrl } from './entry-point.ts';
import { loadSettings } from './settings.ts';

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
