// What too much load does: goodput at three times the peak, times at half of it, and whether /health answers meanwhile.
import { setTimeout as delay } from 'node:timers/promises';
import type { Output } from '../../stack/output.ts';
import { offerLoad, type OfferedRequest, type OfferedResult } from '../offer-load.ts';
import { timesOf, type Times } from '../statistics.ts';
import type { BenchSystem } from './system.ts';
import { accountOf, bearerOf } from './workload.ts';

const seconds = 10;
/** More than are ever answered at once, so that what waits is seen. */
const manyConnections = 4_000;
const healthPause = 100;

export interface UnderLoad {
  name: string;
  /** Successful answers a second where each connection waits for its answer. */
  peak: number;
  overload: OfferedResult & { health: Times; healthFailures: number };
  half: OfferedResult;
}

/** Reads of single orders, by many accounts. */
export async function underLoad(system: BenchSystem, output: Output): Promise<UnderLoad> {
  const { orderService } = system.stack.urls;
  const request = (number: number): OfferedRequest => {
    const account = accountOf(system, number);
    const id = account.orderIds[number % account.orderIds.length] ?? '';
    return { origin: orderService, path: `/api/v1/orders/${id}`, headers: bearerOf(account) };
  };
  const offer = (what: string, perSecond: number, connections: number): Promise<OfferedResult> =>
    output.during(what, () => offerLoad({ request, perSecond, seconds, connections }));
  await offer('peak, to warm up', Infinity, 32);
  const { succeeded: peak } = await offer('peak', Infinity, 32);
  const half = await offer('half of it', peak / 2, manyConnections);
  const probes = probeHealth(orderService);
  const overload = await offer('three times as much', peak * 3, manyConnections);
  return { name: 'GET an order', peak, half, overload: { ...overload, ...(await probes.stop()) } };
}

/** Asks for /health again and again, as an orchestrator does. */
function probeHealth(origin: string) {
  const times: number[] = [];
  let failures = 0;
  const stopping = new AbortController();
  const probing = (async () => {
    while (!stopping.signal.aborted) {
      const startedAt = performance.now();
      try {
        const { ok } = await fetch(`${origin}/health`, { signal: AbortSignal.timeout(5_000) });
        if (ok) times.push(performance.now() - startedAt);
        else failures++;
      } catch {
        failures++; // counted: that is what the probe is for
      }
      await delay(healthPause);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await probing;
      return { health: timesOf(times), healthFailures: failures };
    },
  };
}
