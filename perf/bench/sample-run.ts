// What a run comes to, made up: for tests of how it is shown.
import type { LoadResult } from '../generate-load.ts';
import type { OfferedResult } from '../offer-load.ts';
import type { Measured } from './measure.ts';
import { processes, type ProcessName, type ProcessorTimes } from './system.ts';
import type { Workload } from './workload.ts';

const times = { p50: 10, p90: 15, p99: 30, max: 40 };

export const loadOf = (changes: Partial<LoadResult> = {}): LoadResult => ({
  answers: new Map([['200', 1_000]]),
  failures: 0,
  perSecond: 1_000,
  times,
  generator: 100,
  ...changes,
});

export const offeredOf = (changes: Partial<OfferedResult> = {}): OfferedResult => ({
  answers: new Map([['200', 10_000]]),
  offered: 1_000,
  succeeded: 1_000,
  times,
  refusalTimes: times,
  generator: 100,
  ...changes,
});

/** One lap of a thousand requests a second, if nothing else is asked for. */
export function measuredOf(
  name: string,
  microseconds: Partial<Record<ProcessName, number>>,
  changes: {
    of?: readonly ProcessName[];
    floor?: number;
    goal?: Workload['goal'];
    perSecond?: number;
    requests?: number;
    seconds?: number;
    load?: LoadResult;
    beside?: number;
  },
): Measured {
  const { of = ['order-service'], floor, goal, requests = 1_000, perSecond = 1_000, beside = 0 } = changes;
  const { seconds = requests / perSecond, load = loadOf({ perSecond }) } = changes;
  const spent = Object.fromEntries(['floor', ...processes].map((process) => [process, 0])) as ProcessorTimes;
  Object.assign(spent, microseconds);
  const ours = of.reduce((sum, process) => sum + spent[process], 0);
  return {
    workload: { name, of, goal, requests, ours: { url: 'http://127.0.0.1' } },
    laps: [{ floor, ours, times: spent, load, seconds }],
    beside,
  };
}
