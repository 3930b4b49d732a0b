// Load on one address: `node perf/load-test.ts URL [--concurrency 50] [--requests 500] [--token TOKEN]`. Failing requests fail it.
import { parseArgs } from 'node:util';
import { failuresOf, generateLoad } from './generate-load.ts';
import { milliseconds } from './statistics.ts';
import type { Output } from '../stack/output.ts';
import { StackError } from '../stack/errors.ts';
import { runMain } from '../stack/run-main.ts';

interface LoadTest {
  url: string;
  connections: number;
  requests: number;
  token: string | undefined;
}

const mostConnections = 2_000;
const mostRequests = 1_000_000;

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new StackError(`${name} is a whole number from 1 to ${most}, not ${text}`);
  }
  return value;
}

function parse(): LoadTest {
  const options = {
    concurrency: { type: 'string', default: '' },
    requests: { type: 'string', default: '' },
    token: { type: 'string', default: '' },
  } as const;
  const { positionals, values } = parseArgs({ args: process.argv.slice(2), allowPositionals: true, options });
  const [url = ''] = positionals;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new StackError('Usage: make load-test URL=http://localhost/ CONCURRENCY=50 REQUESTS=500 [TOKEN=...]');
  }
  return {
    url,
    connections: wholeNumber('CONCURRENCY', values.concurrency || '50', mostConnections),
    requests: wholeNumber('REQUESTS', values.requests || '500', mostRequests),
    token: values.token || undefined,
  };
}

async function run({ url, connections, requests, token }: LoadTest, output: Output): Promise<number> {
  const result = await output.during(`${requests} requests to ${url}, ${connections} at a time`, () =>
    generateLoad({
      url,
      connections,
      requests,
      headers: () => ({ accept: '*/*', ...(token !== undefined && { authorization: `Bearer ${token}` }) }),
    }),
  );
  const { p50, p90, p99, max } = result.times;
  if (result.failures > 0) output.result(output.style('red', `failed    ${result.failures}: ${failuresOf(result)}`));
  output.result(`succeeded ${requests - result.failures} of ${requests}`);
  output.result(`requests  ${Math.round(result.perSecond)} a second`);
  output.result(`times     ${[p50, p90, p99, max].map(milliseconds).join(', ')} (50, 90, 99 and 100 % within)`);
  return result.failures > 0 ? 1 : 0;
}

await runMain((output) => run(parse(), output));
