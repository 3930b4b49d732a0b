// What telemetry costs: CPU of a service for a request with one query, with neither metrics nor traces, with metrics, and with
// both. Two servers have neither: what the second differs by is what this machine can't distinguish.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Pool } from 'undici';
import { AccessTokenVerifier, RevocationList } from '@shop/common/auth';
import { createDatabaseAdapter } from '@shop/common/database';
import { buildServiceApp, listen, ok, publicRoute } from '@shop/common/http';
import { createMetrics, type Metrics } from '@shop/common/metrics';
import { startTraceCollector, testOperation } from '@shop/testing';
import { startTracing } from '@shop/common/tracing';
import { startTestInfrastructure } from '../stack/test-infrastructure.ts';
import { median } from './statistics.ts';

/** In a round, at each of the servers. */
const REQUESTS = 2_000;
const ROUNDS = 20;
const WARM_UP = 5;
const print = (line: string): boolean => process.stdout.write(`${line}\n`);

const modes = ['nothing', 'metrics', 'metrics and traces'] as const;
type Mode = (typeof modes)[number];
interface Spent {
  /** Microseconds of CPU since the last question. */
  cpu: number;
}

/** The metrics that every service has, without noting any request. */
function withoutRequests(metrics: Metrics): Metrics {
  Object.defineProperty(metrics.httpServerRequestDuration, 'observe', { value: () => undefined });
  Object.defineProperty(metrics.httpServerResponses, 'inc', { value: () => undefined });
  return metrics;
}

async function serve(mode: Mode, databaseUrl: string, endpoint: string): Promise<void> {
  const silent = (): void => undefined;
  const logger = { error: silent, warn: silent, info: silent, debug: silent };
  const metrics = createMetrics({ service: 'bench' });
  const tracing = await startTracing(mode === 'metrics and traces' ? { endpoint, samplingRatio: 1 } : undefined, {
    service: 'bench',
    version: '1',
    logger,
  });
  const database = await createDatabaseAdapter({
    url: databaseUrl,
    poolSize: 10,
    applicationName: 'bench',
    ...(mode !== 'nothing' && { metrics }),
    tracing,
  }).connect();
  const revocations = new RevocationList({ lifetime: 1_000 });
  const app = buildServiceApp({
    service: 'bench',
    version: '1',
    logger,
    metrics: mode === 'nothing' ? withoutRequests(metrics) : metrics,
    tracing,
    verifier: new AccessTokenVerifier({ publicKeys: [], issuer: '', audience: '', revocations }),
    probes: {},
    isStopping: () => false,
    corsOrigins: [],
    trustedProxies: [],
    requestsPerSecond: 1_000_000,
    routes: {
      '/things': [
        publicRoute({
          operation: testOperation,
          method: 'GET',
          path: '/:id',
          handle: async () => {
            const { rows } = await database.queryRaw({ sql: 'SELECT 1', args: [], argTypes: [] });
            return ok('', rows);
          },
        }),
      ],
    },
  });
  const { port } = await listen(app, { host: '127.0.0.1', port: 0 });
  let before = process.cpuUsage();
  process.on('message', () => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    process.send?.({ cpu: user + system } satisfies Spent);
  });
  process.send?.(port);
}

async function ask<T>(child: ReturnType<typeof fork>): Promise<T> {
  const answer = once(child, 'message');
  child.send('cpu');
  return ((await answer) as [T])[0];
}

/** A process that serves, and a client of it. */
async function start(mode: Mode, databaseUrl: string, endpoint: string) {
  const child = fork(import.meta.filename, [mode, databaseUrl, endpoint], { execArgv: process.execArgv });
  const [port] = (await once(child, 'message')) as [number];
  const client = new Pool(`http://127.0.0.1:${port}`, { connections: 20 });
  /** CPU of the server for a request, in microseconds. */
  const measure = async (): Promise<number> => {
    await ask<Spent>(child);
    let sent = 0;
    const send = async (): Promise<void> => {
      while (sent++ < REQUESTS) await (await client.request({ method: 'GET', path: `/things/${sent}` })).body.dump();
    };
    await Promise.all(Array.from({ length: 20 }, send));
    return (await ask<Spent>(child)).cpu / REQUESTS;
  };
  const stop = async (): Promise<void> => {
    await client.close();
    child.kill();
  };
  return { measure, stop };
}

const [argument, databaseUrl = '', endpoint = ''] = process.argv.slice(2);
const ownMode = modes.find((mode) => mode === argument);
if (ownMode !== undefined) {
  await serve(ownMode, databaseUrl, endpoint);
} else {
  const [infrastructure, collector] = [await startTestInfrastructure(), await startTraceCollector()];
  const startIn = (mode: Mode) => start(mode, infrastructure.postgresUrl, collector.endpoint);
  const servers = [
    { name: 'neither', spent: [] as number[], ...(await startIn('nothing')) },
    { name: 'neither, a second time', spent: [] as number[], ...(await startIn('nothing')) },
    { name: 'metrics', spent: [] as number[], ...(await startIn('metrics')) },
    { name: 'metrics and traces', spent: [] as number[], ...(await startIn('metrics and traces')) },
  ];
  // In turns, so that whatever else this machine does hits all alike; the first rounds warm the code up.
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const { measure, spent } of servers) {
      const cpu = await measure();
      if (round >= 0) spent.push(cpu);
    }
  }
  const plain = median(servers[0]?.spent ?? []);
  print(`CPU for a request with one query, ${ROUNDS} rounds of ${REQUESTS}, medians`);
  for (const { name, spent } of servers) {
    const cpu = median(spent);
    const more = cpu - plain;
    print(
      `  ${name.padEnd(24)}${cpu.toFixed(0)} us, ${more.toFixed(1)} us or ${((100 * more) / plain).toFixed(1)} % more`,
    );
  }
  print(`spans that arrived: ${collector.spans.length}`);
  await Promise.all(servers.map(({ stop }) => stop()));
  await Promise.all([infrastructure.stop(), collector.stop()]);
}
