// What requests cost, as the bench shows it, and as it is kept for a comparison.
import { z } from 'zod';
import { table } from '../../stack/addresses.ts';
import type { Output } from '../../stack/output.ts';
import { median, milliseconds } from '../statistics.ts';
import { percent, whole } from './markdown.ts';
import { measure, type Lap, type Measured } from './measure.ts';
import { databaseProcesses, nodeProcesses, type BenchSystem, type ProcessName } from './system.ts';
import type { Workload } from './workload.ts';

/** Microseconds by workload. */
export const savedRun = z.record(
  z.string(),
  z.object({ floor: z.number().optional(), ours: z.number(), node: z.number() }),
);

export type SavedRun = z.infer<typeof savedRun>;

const spreadOf = (values: readonly number[]): string => `${whole(Math.min(...values))}-${whole(Math.max(...values))}`;

/** Of each lap, of the processes that are compared. */
export const microsecondsOf = ({ laps }: Measured): number[] => laps.map(({ ours }) => ours);

/** How many times the floor each lap took; empty where there is none. */
export const ratiosOf = ({ laps }: Measured): number[] =>
  laps.flatMap(({ floor, ours }) => (floor === undefined ? [] : [ours / floor]));

/** Its name; microseconds of the floor and of ours, with their spread; their ratio, and the goal. */
export function costRow(measured: Measured): string[] {
  const { name, goal } = measured.workload;
  const ours = microsecondsOf(measured);
  const floors = measured.laps.flatMap(({ floor }) => floor ?? []);
  const ratios = ratiosOf(measured);
  const hasFloor = ratios.length > 0;
  return [
    name,
    hasFloor ? whole(median(floors)) : '',
    `${whole(median(ours))} (${spreadOf(ours)})`,
    hasFloor ? median(ratios).toFixed(2) : '',
    goal === undefined ? '' : 'ratio' in goal ? `<= ${goal.ratio}` : `<= ${goal.microseconds} us`,
  ];
}

function rowOf(measured: Measured, before: SavedRun): string[] {
  const { workload, laps } = measured;
  const of = (value: (lap: Lap) => number): number => median(laps.map(value));
  const taken = (names: readonly ProcessName[]): string =>
    whole(of(({ times }) => names.reduce((sum, name) => sum + times[name], 0)));
  const earlier = before[workload.name];
  return [
    ...costRow(measured),
    taken(nodeProcesses),
    taken(databaseProcesses),
    taken(['rabbitmq']),
    whole(of(({ load }) => load.perSecond)),
    milliseconds(of(({ load }) => load.times.p50)),
    milliseconds(of(({ load }) => load.times.p99)),
    earlier ? percent(of((lap) => lap.ours) / earlier.ours) : '',
  ];
}

const heading = [
  'MICROSECONDS A REQUEST',
  'FLOOR',
  'OURS (SPREAD)',
  'RATIO',
  'GOAL',
  'NODE',
  'POSTGRESQL',
  'RABBITMQ',
  'A SECOND',
  '50 %',
  '99 %',
  'OF EARLIER',
];

/** Measures each and shows a table. `before`: what it is compared with. */
export async function costs(
  system: BenchSystem,
  chosen: readonly Workload[],
  { laps, before }: { laps: number; before: SavedRun },
  output: Output,
): Promise<{ measured: Measured[]; saved: SavedRun }> {
  const measured: Measured[] = [];
  const rows: string[][] = [];
  const saved: SavedRun = {};
  for (const workload of chosen) {
    const one = await measure(system, workload, laps, output);
    const { laps: done } = one;
    measured.push(one);
    const row = rowOf(one, before);
    rows.push(row);
    output.progress(`${workload.name}: ${row[2]} us${row[3] ? `, ${row[3]} x the floor` : ''}`);
    const floor = median(done.map((lap) => lap.floor ?? NaN));
    saved[workload.name] = {
      ...(Number.isFinite(floor) ? { floor } : {}),
      ours: median(done.map((lap) => lap.ours)),
      node: Number(row[5]),
    };
  }
  for (const line of table([heading, ...rows])) output.result(line);
  return { measured, saved };
}
