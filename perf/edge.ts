// What nginx costs, and what its cache saves, in front of a whole system of its own.
import { getIntrospectionQuery } from 'graphql';
import { Output } from '../stack/output.ts';
import { cacheMetrics } from '../stack/nginx-report.ts';
import { logFile } from '../stack/log-files.ts';
import { startStack } from '../stack/start-stack.ts';
import { failuresOf, generateLoad, type LoadResult } from './generate-load.ts';

const ONE_BY_ONE = 1_000;
const AT_ONCE = 50;
const REQUESTS = 5_000;
/** The first requests warm the code up. */
const WARM_UP = 300;

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

/** Times of one request after the other, and how many a second there are at once. Throws where one fails. */
async function measure(url: string, headers: Record<string, string>) {
  const send = async (requests: number, connections: number): Promise<LoadResult> => {
    const result = await generateLoad({ url, requests, connections, headers: () => headers });
    if (result.failures > 0) throw new Error(`${url}: ${failuresOf(result)}`);
    return result;
  };
  await send(WARM_UP, 1);
  const { times } = await send(ONE_BY_ONE, 1);
  const { perSecond } = await send(REQUESTS, AT_ONCE);
  return { ...times, perSecond };
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
