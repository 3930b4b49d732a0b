// Times at half of what a workload can take: nothing should wait there.
import { setTimeout as delay } from 'node:timers/promises';
import type { Output } from '../../stack/output.ts';
import { failuresOf } from '../generate-load.ts';
import { offerLoad, type OfferedRequest, type OfferedResult } from '../offer-load.ts';
import { median, milliseconds } from '../statistics.ts';
import { tailGoal, tailOf } from './goals.ts';
import { markdownTable, whole } from './markdown.ts';
import { connections, type Measured } from './measure.ts';
import type { BenchSystem } from './system.ts';
import type { Load } from './workload.ts';

const seconds = 10;
/** Before those that count: a process that nobody asked for a while has to warm up again. */
const warmUpSeconds = 5;
const manyConnections = 1_000;
const backlog = 2_000;
const vacuumPause = 1_000;

export interface AtHalf {
  name: string;
  /** While it warms up, and after that. */
  warmUp: Pick<OfferedResult, 'times' | 'answers'>;
  result: Pick<OfferedResult, 'offered' | 'succeeded' | 'times' | 'answers'>;
}

/** A load's requests by number, as so many connections ask them in turn. */
export function requestsOf(load: Load): (number: number) => OfferedRequest {
  const { origin, pathname, search } = new URL(load.url);
  const ofConnections = Array.from({ length: connections }, (_, connection) => ({
    headers: load.headers?.(connection) ?? {},
    paths: load.paths?.(connection) ?? [pathname + search],
  }));
  const { method = 'GET', body, accepts } = load;
  return (number) => {
    const connection = number % connections;
    const { headers = {}, paths = [] } = ofConnections[connection] ?? {};
    const path = paths[Math.floor(number / connections) % paths.length] ?? pathname;
    return { origin, path, method, headers, ...(body !== undefined && { body }), ...(accepts && { accepts }) };
  };
}

/** Reads of an order beside what goes on in the background besides, and the other workloads alone. */
export async function atHalfThePeak(
  system: BenchSystem,
  measured: readonly Measured[],
  output: Output,
): Promise<AtHalf[]> {
  /** `beginBackground` begins what goes on beside the seconds that count, and names it. */
  const offer = async ({ workload, laps }: Measured, beginBackground?: () => Promise<string>): Promise<AtHalf> => {
    const perSecond = median(laps.map(({ load }) => load.perSecond)) / 2;
    const load = { request: requestsOf(workload.ours), perSecond, connections: manyConnections };
    const label = `half the peak: ${workload.name}`;
    const warmUp = await output.during(`${label}, to warm up`, () => offerLoad({ ...load, seconds: warmUpSeconds }));
    const background = await beginBackground?.();
    const result = await output.during(label, () => offerLoad({ ...load, seconds }));
    await workload.settled?.(system);
    const name = background === undefined ? workload.name : `${workload.name}, beside ${background}`;
    return { name, warmUp, result };
  };
  const done: AtHalf[] = [];
  for (const one of measured) done.push(await offer(one));
  const [reads] = measured;
  if (reads) {
    const vacuum = vacuumAgainAndAgain(system);
    done.push(await offer(reads, async () => `${await publishAgain(system)} events that wait, and VACUUM`));
    await vacuum.stop();
  }
  return done;
}

/** Lets payment-service publish its last events a second time: order-service has to look at each. How many. */
async function publishAgain({ databases }: BenchSystem): Promise<number> {
  const { rowCount } = await databases.payment.query(
    `UPDATE outbox SET published_at = NULL WHERE position IN (
       SELECT position FROM outbox WHERE published_at IS NOT NULL ORDER BY position DESC LIMIT $1)`,
    [backlog],
  );
  return rowCount ?? 0;
}

function vacuumAgainAndAgain({ databases }: BenchSystem): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await databases.order.query('VACUUM (ANALYZE) orders, order_items, order_status_history');
      await delay(vacuumPause, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return {
    stop: () => {
      stopping.abort();
      return running;
    },
  };
}

export const atHalfText = (halves: readonly AtHalf[]): string =>
  markdownTable([
    [
      '',
      'offered a second',
      'succeeded a second',
      'failed',
      '50 %',
      '99 %',
      '99 % over 50 %',
      'goal',
      '99 % before, cold',
    ],
    ...halves.map((half) => {
      const { offered, succeeded, times, answers } = half.result;
      return [
        half.name,
        whole(offered),
        whole(succeeded),
        failuresOf({ answers }) || '0',
        milliseconds(times.p50),
        milliseconds(times.p99),
        tailOf(half).toFixed(1),
        `<= ${tailGoal}`,
        milliseconds(half.warmUp.times.p99),
      ];
    }),
  ]);
