// Laps of a workload, each beside its floor.
import type { Output } from '../../stack/output.ts';
import { failuresOf, generateLoad, type LoadResult } from '../generate-load.ts';
import type { BenchSystem, ProcessName, ProcessorTimes } from './system.ts';
import type { Workload } from './workload.ts';

export const connections = 32;
const warmUpLaps = 2;

export interface Lap {
  floor: number | undefined;
  /** Microseconds a request, of the processes that are compared, and of all. */
  ours: number;
  times: ProcessorTimes;
  load: LoadResult;
}

export interface Measured {
  workload: Workload;
  laps: Lap[];
}

/** Throws where a request fails: what it costs says nothing then. */
export async function measure(system: BenchSystem, workload: Workload, laps: number, output: Output): Promise<Lap[]> {
  const done: Lap[] = [];
  const load = async (options: Workload['ours']): Promise<LoadResult> => {
    const result = await generateLoad({ ...options, connections, requests: workload.requests });
    if (result.failures > 0) throw new Error(`${workload.name}: ${result.failures} failed: ${failuresOf(result)}`);
    return result;
  };
  const beside = (await workload.beside?.()) ?? 0;
  for (let lap = -warmUpLaps; lap < laps; lap++) {
    output.activity(`${workload.name}, ${lap < 0 ? 'to warm up' : `lap ${lap + 1} of ${laps}`}`);
    await workload.prepare?.(system);
    const start = system.spent();
    if (workload.floor) await load(workload.floor);
    const between = system.spent();
    const result = await load(workload.ours);
    await workload.settled?.(system);
    const end = system.spent();
    const perRequest = (from: ProcessorTimes, to: ProcessorTimes, name: ProcessName | 'floor'): number =>
      (to[name] - from[name]) / workload.requests;
    const times = Object.fromEntries(
      Object.keys(end).map((name) => [name, perRequest(between, end, name as ProcessName)]),
    ) as ProcessorTimes;
    if (lap < 0) continue;
    done.push({
      floor: workload.floor && perRequest(start, between, 'floor') - beside,
      ours: workload.of.reduce((sum, name) => sum + times[name], 0) - beside,
      times,
      load: result,
    });
  }
  output.activity(undefined);
  return done;
}
