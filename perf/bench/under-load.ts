// What too much load does: goodput at three times the peak, times at half of it, what a refusal costs, and whether probes
// are answered meanwhile.
import { setTimeout as delay } from 'node:timers/promises';
import type { Output } from '../../stack/output.ts';
import { offerLoad, type OfferedRequest, type OfferedResult } from '../offer-load.ts';
import { timesOf, type Times } from '../statistics.ts';
import type { BenchSystem } from './system.ts';
import { accountOf, bearerOf } from './workload.ts';

const seconds = 10;
/** More than are ever answered at once, so that what waits is seen. */
const manyConnections = 4_000;
const fewConnections = 32;
const probePause = 100;
/** Until a queue that does not move is taken for overload. */
const untilRefused = 3_000;
const refusalSeconds = 3;
const refusalsPerSecond = 500;

/** What was offered, and the cores that the service, or the floor, and its database kept busy meanwhile. */
export type LoadedResult = OfferedResult & { cores: { service: number; database: number } };
export type Probed = Record<'/health' | '/ready', { times: Times; failures: number }>;

export interface UnderLoad {
  name: string;
  /** Where each connection waits for its answer. */
  peak: LoadedResult;
  half: LoadedResult;
  overload: LoadedResult & { probes: Probed };
  /** The same of the floor, which refuses nothing. */
  floor: { peak: LoadedResult; overload: LoadedResult };
  /** Microseconds of the service's processor time. */
  costs: { refusal: number; health: number };
}

/** Who is asked. */
interface Target {
  process: 'order-service' | 'floor';
  origin: string;
  request: (number: number) => OfferedRequest;
}

/** Reads of single orders, by many accounts. */
export async function underLoad(system: BenchSystem, output: Output): Promise<UnderLoad> {
  const { orderService } = system.stack.urls;
  const orderOf = (number: number) => {
    const account = accountOf(system, number);
    return { account, id: account.orderIds[number % account.orderIds.length] ?? '' };
  };
  const request = (number: number): OfferedRequest => {
    const { account, id } = orderOf(number);
    return { origin: orderService, path: `/api/v1/orders/${id}`, headers: bearerOf(account) };
  };
  const ours: Target = { process: 'order-service', origin: orderService, request };
  const origin = system.floor.express;
  const bare: Target = {
    process: 'floor',
    origin,
    request: (number) => ({ origin, path: `/orders/${orderOf(number).id}`, headers: {} }),
  };
  const offer = (what: string, target: Target, perSecond: number, connections: number): Promise<LoadedResult> =>
    output.during(what, async () => {
      const before = system.spent();
      const { request, origin: openedTo } = target;
      const result = await offerLoad({ request, openedTo, perSecond, seconds, connections });
      const after = system.spent();
      const coresOf = (name: Target['process'] | 'postgres-order'): number =>
        (after[name] - before[name]) / seconds / 1e6;
      return { ...result, cores: { service: coresOf(target.process), database: coresOf('postgres-order') } };
    });
  const peakOf = async (target: Target): Promise<LoadedResult> => {
    await offer(`peak of ${target.process}, to warm up`, target, Infinity, fewConnections);
    return offer(`peak of ${target.process}`, target, Infinity, fewConnections);
  };
  const overloadOf = (target: Target, { succeeded }: LoadedResult): Promise<LoadedResult> =>
    offer(`three times as much as ${target.process} can do`, target, succeeded * 3, manyConnections);
  const floorPeak = await peakOf(bare);
  const floor = { peak: floorPeak, overload: await overloadOf(bare, floorPeak) };
  const peak = await peakOf(ours);
  const half = await offer('half of it', ours, peak.succeeded / 2, manyConnections);
  const probing = probe(orderService);
  const overload = await overloadOf(ours, peak);
  const probes = await probing.stop();
  const costs = await output.during('what a refusal costs', () => costsOf(system, request));
  await untilCalm(request);
  return { name: 'GET an order', peak, half, overload: { ...overload, probes }, floor, costs };
}

/** While others hold the table, so that nothing moves and all are refused, beside as many that ask for /health. */
async function costsOf(system: BenchSystem, request: (number: number) => OfferedRequest): Promise<UnderLoad['costs']> {
  const health = () => ({ origin: system.stack.urls.orderService, path: '/health', headers: {} });
  const costOf = async (of: (number: number) => OfferedRequest, expected: string): Promise<number> => {
    const load = { request: of, perSecond: refusalsPerSecond, seconds: refusalSeconds, connections: fewConnections };
    await offerLoad(load);
    const before = system.spent()['order-service'];
    // What was taken before the overload showed waits for its answer longer than the load lasts.
    const [after, { answers }] = await Promise.all([
      delay(refusalSeconds * 1_000).then(() => system.spent()['order-service']),
      offerLoad(load),
    ]);
    const count = answers.get(expected) ?? 0;
    if (answers.size !== 1) throw new Error(`not all were answered with ${expected}: ${JSON.stringify([...answers])}`);
    return (after - before) / count;
  };
  const client = await system.databases.order.connect();
  try {
    await client.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
    await offerLoad({
      request,
      perSecond: refusalsPerSecond,
      seconds: untilRefused / 1_000,
      connections: manyConnections,
    });
    return { refusal: await costOf(request, '503'), health: await costOf(health, '200') };
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

/** What waited for the table comes first, and is no part of what is measured next. Throws where requests are refused for long. */
async function untilCalm(request: (number: number) => OfferedRequest): Promise<void> {
  for (let attempt = 0; attempt < 30; attempt++) {
    const { answers } = await offerLoad({ request, perSecond: 100, seconds: 1, connections: fewConnections });
    if (answers.size === 1 && answers.has('200')) return;
  }
  throw new Error('the service refuses requests long after its overload');
}

/** Asks for the probes again and again, as an orchestrator does. */
function probe(origin: string): { stop(): Promise<Probed> } {
  const stopping = new AbortController();
  const ask = async (path: string): Promise<{ times: Times; failures: number }> => {
    const times: number[] = [];
    let failures = 0;
    while (!stopping.signal.aborted) {
      const startedAt = performance.now();
      try {
        const { ok } = await fetch(`${origin}${path}`, { signal: AbortSignal.timeout(5_000) });
        if (ok) times.push(performance.now() - startedAt);
        else failures++;
      } catch {
        failures++; // counted: that is what the probe is for
      }
      await delay(probePause);
    }
    return { times: timesOf(times), failures };
  };
  const asking = Promise.all([ask('/health'), ask('/ready')]);
  return {
    async stop() {
      stopping.abort();
      const [health, ready] = await asking;
      return { '/health': health, '/ready': ready };
    },
  };
}
