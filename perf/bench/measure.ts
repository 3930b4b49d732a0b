// Laps of a workload, each beside its floor.
import type { Output } from '../../stack/output.ts';
import { failuresOf, generateLoad, type LoadResult } from '../generate-load.ts';
import type { BenchSystem, ProcessName, ProcessorTimes } from './system.ts';
import type { Load, Workload } from './workload.ts';

export const connections = 32;
/** V8 compiles what is hot again and again: a process is warm after so many requests, or so many seconds of them. */
const warmUp = { laps: 2, requests: 10_000, seconds: 40 };

export interface Lap {
  floor: number | undefined;
  /** Microseconds a request, of the processes that are compared, and of all. */
  ours: number;
  times: ProcessorTimes;
  load: LoadResult;
  /** From the first request until all that it began is done. */
  seconds: number;
}

export interface Measured {
  workload: Workload;
  laps: Lap[];
  /** Microseconds that were taken off both sides of each lap. */
  beside: number;
}

/** Sends the requests of one lap. Throws where one fails: what the others cost says nothing then. */
export async function sendLap({ name, requests }: Workload, load: Load): Promise<LoadResult> {
  const result = await generateLoad({ ...load, connections, requests });
  if (result.failures > 0) throw new Error(`${name}: ${result.failures} failed: ${failuresOf(result)}`);
  return result;
}

/** Throws where a request fails. */
export async function measure(
  system: BenchSystem,
  workload: Workload,
  laps: number,
  output: Output,
): Promise<Measured> {
  const done: Lap[] = [];
  const beside = (await workload.beside?.()) ?? 0;
  const begunAt = performance.now();
  let sent = 0;
  while (done.length < laps) {
    const isWarm =
      sent >= warmUp.laps * workload.requests &&
      (sent >= warmUp.requests || performance.now() - begunAt >= warmUp.seconds * 1_000);
    output.activity(`${workload.name}, ${isWarm ? `lap ${done.length + 1} of ${laps}` : 'to warm up'}`);
    await workload.prepare?.(system);
    const start = system.spent();
    if (workload.floor) await sendLap(workload, workload.floor);
    const between = system.spent();
    const startedAt = performance.now();
    const result = await sendLap(workload, workload.ours);
    const loaded = workload.requests / result.perSecond;
    await workload.settled?.(system);
    const seconds = workload.settled ? (performance.now() - startedAt) / 1_000 : loaded;
    const end = system.spent();
    const perRequest = (from: ProcessorTimes, to: ProcessorTimes, name: ProcessName | 'floor'): number =>
      (to[name] - from[name]) / workload.requests;
    const times = Object.fromEntries(
      Object.keys(end).map((name) => [name, perRequest(between, end, name as ProcessName)]),
    ) as ProcessorTimes;
    sent += workload.requests;
    if (!isWarm) continue;
    done.push({
      floor: workload.floor && perRequest(start, between, 'floor') - beside,
      ours: workload.of.reduce((sum, name) => sum + times[name], 0) - beside,
      times,
      load: result,
      seconds,
    });
  }
  output.activity(undefined);
  return { workload, laps: done, beside };
}
