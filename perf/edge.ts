// What nginx costs, and what its cache saves, in front of a whole system of its own.
import { Agent } from 'node:http';
import { getIntrospectionQuery } from 'graphql';
import { Output } from '../stack/output.ts';
import { cacheMetrics } from '../stack/nginx-report.ts';
import { logFile } from '../stack/log-files.ts';
import { startStack } from '../stack/start-stack.ts';
import { timesOf } from './statistics.ts';
import { timeRequest } from './timed-request.ts';

const ONE_BY_ONE = 1_000;
const AT_ONCE = 50;
const REQUESTS = 5_000;
/** The first requests warm the code up. */
const WARM_UP = 300;

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

/** Milliseconds until an answer is there. Rejects on anything but 200. */
async function ask(url: string, headers: Record<string, string>, agent: Agent): Promise<number> {
  const { status, milliseconds } = await timeRequest(url, agent, headers);
  if (status !== 200) throw new Error(`${url} answered ${status}`);
  return milliseconds;
}

interface Metrics {
  p50: number;
  p99: number;
  perSecond: number;
}

async function measure(url: string, headers: Record<string, string>): Promise<Metrics> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  for (let i = 0; i < WARM_UP; i++) await ask(url, headers, agent);
  const times: number[] = [];
  for (let i = 0; i < ONE_BY_ONE; i++) times.push(await ask(url, headers, agent));
  let left = REQUESTS;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await ask(url, headers, agent);
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  agent.destroy();
  const { p50, p99 } = timesOf(times);
  return { p50, p99, perSecond: REQUESTS / seconds };
}

const unlimited = {
  NGINX_RATE_LIMIT: '1000000',
  GATEWAY_RATE_LIMIT: '1000000',
  NEW_QUERY_TIME_PER_CLIENT: '10000/1s',
  NEW_QUERY_TIME_IN_ALL: '10000/1s',
  SERVICE_RATE_LIMIT: '1000000',
};
const stack = await startStack({ environment: { ...unlimited, LOG_LEVEL: 'warn' }, events: new Output().events });
const { nginx, gateway } = stack.urls;
const schema = `/graphql?query=${encodeURIComponent(getIntrospectionQuery())}`;
const data = { accept: 'application/json' };
const cases: [string, string, Record<string, string>][] = [
  ['GraphiQL from the gateway', `${gateway}/`, { accept: 'text/html' }],
  ['GraphiQL from the cache', `${nginx}/`, { accept: 'text/html' }],
  ['the schema from the gateway', gateway + schema, data],
  ['the schema from the cache', nginx + schema, data],
  ['the schema past the cache (Authorization)', nginx + schema, { ...data, authorization: 'Bearer none' }],
  ['health from the gateway', `${gateway}/health`, data],
  ['health through nginx', `${nginx}/health`, data],
];
print(`${'measured'.padEnd(44)} ${'p50'.padStart(10)} ${'p99'.padStart(10)} ${`${AT_ONCE} at once`.padStart(14)}`);
for (const [name, url, headers] of cases) {
  const { p50, p99, perSecond } = await measure(url, headers);
  const cells = [`${p50.toFixed(2)} ms`, `${p99.toFixed(2)} ms`].map((cell) => cell.padStart(10));
  print(`${name.padEnd(44)} ${cells.join(' ')} ${`${Math.round(perSecond)}/s`.padStart(14)}`);
}
const { hits, lookedUp } = cacheMetrics(logFile(stack.directory, 'nginx'));
print(`hit ratio of what is public: ${((100 * hits) / lookedUp).toFixed(2)} % of ${lookedUp}`);
await stack.stop();
