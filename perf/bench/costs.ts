// What requests cost, as the bench shows it, and as it is kept for a comparison.
import { z } from 'zod';
import { table } from '../../stack/addresses.ts';
import type { Output } from '../../stack/output.ts';
import { median, milliseconds } from '../statistics.ts';
import { measure, type Lap, type Measured } from './measure.ts';
import { nodeProcesses, type BenchSystem } from './system.ts';
import type { Workload } from './workload.ts';

/** Microseconds by workload. */
export const savedRun = z.record(
  z.string(),
  z.object({ floor: z.number().optional(), ours: z.number(), node: z.number() }),
);

export type SavedRun = z.infer<typeof savedRun>;

function rowOf({ name, goal }: Workload, laps: Lap[], before: SavedRun): string[] {
  const of = (value: (lap: Lap) => number): number => median(laps.map(value));
  const ours = of((lap) => lap.ours);
  const ratios = laps.flatMap((lap) => (lap.floor === undefined ? [] : [lap.ours / lap.floor]));
  const node = of(({ times }) => nodeProcesses.reduce((sum, process) => sum + times[process], 0));
  const databases = of(({ times }) => times['postgres-user'] + times['postgres-order'] + times['postgres-payment']);
  const spread = `${Math.min(...laps.map((lap) => lap.ours)).toFixed(0)}-${Math.max(...laps.map((lap) => lap.ours)).toFixed(0)}`;
  const earlier = before[name];
  return [
    name,
    ratios.length > 0 ? of((lap) => lap.floor ?? NaN).toFixed(0) : '',
    `${ours.toFixed(0)} (${spread})`,
    ratios.length > 0 ? median(ratios).toFixed(2) : '',
    goal === undefined ? '' : 'ratio' in goal ? `<= ${goal.ratio}` : `<= ${goal.microseconds} us`,
    node.toFixed(0),
    databases.toFixed(0),
    of(({ times }) => times.rabbitmq).toFixed(0),
    of(({ load }) => load.perSecond).toFixed(0),
    milliseconds(of(({ load }) => load.times.p50)),
    milliseconds(of(({ load }) => load.times.p99)),
    earlier ? `${((100 * ours) / earlier.ours).toFixed(0)} %` : '',
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
    const row = rowOf(workload, done, before);
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
