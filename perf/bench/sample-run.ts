// What a run comes to, made up: for tests of how it is shown.
import type { LoadResult } from '../generate-load.ts';
import type { OfferedResult } from '../offer-load.ts';
import type { Measured } from './measure.ts';
import type { Run } from './report.ts';
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

const megabyte = 2 ** 20;
export const sizes = (proportional: number) => ({
  resident: 2 * proportional * megabyte,
  proportional: proportional * megabyte,
});
export const memoryOf = (megabytes: number) => ({
  'user-service': megabytes * megabyte,
  'order-service': megabytes * megabyte,
  'payment-service': megabytes * megabyte,
  gateway: megabytes * megabyte,
});
export const probed = { times: { p50: 5, p90: 6, p99: 9, max: 12 }, failures: 0 };
export const probes = { '/health': probed, '/ready': probed };
export const cores = { service: 0.8, database: 0.2 };

export const aRun = (changes: Partial<Run> = {}): Run => ({
  measured: [
    measuredOf('GET an order', { 'order-service': 400 }, { floor: 200, goal: { ratio: 2 } }),
    measuredOf('login, beside its hash', { 'user-service': 900 }, { of: ['user-service'], beside: 890 }),
  ],
  laps: 5,
  connections: 32,
  memory: { before: { 'order-service': sizes(82), gateway: sizes(90) }, after: { 'order-service': sizes(129) } },
  load: {
    name: 'GET an order',
    peak: { ...offeredOf({ succeeded: 2_000 }), cores },
    half: { ...offeredOf(), cores },
    floor: {
      peak: { ...offeredOf({ succeeded: 4_000 }), cores },
      overload: { ...offeredOf({ succeeded: 3_000 }), cores },
    },
    costs: { refusal: 45, health: 90 },
    overload: {
      ...offeredOf({
        answers: new Map([
          ['200', 1_600],
          ['503', 4_000],
        ]),
      }),
      cores,
      probes,
    },
  },
  halves: [{ name: 'GET an order, beside events', warmUp: offeredOf(), result: offeredOf() }],
  endurance: {
    peak: 1_500,
    slices: [
      { result: offeredOf(), waiting: 3, memory: memoryOf(100) },
      { result: offeredOf(), waiting: 2, memory: memoryOf(103) },
    ],
  },
  profiles: [
    {
      name: 'GET an order',
      process: 'order-service',
      layers: [['pg', 40]],
      functions: [['query: pg', 30]],
    },
  ],
  starts: [{ name: 'gateway', milliseconds: 900, processor: 700 }],
  scaled: [measuredOf('GET an order', { 'order-service': 420 }, { perSecond: 1_500 })],
  ...changes,
});
