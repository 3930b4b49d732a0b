// What a run of the bench comes to, as PERFORMANCE-REPORT.md.
import { cpus, totalmem } from 'node:os';
import { median, milliseconds } from '../statistics.ts';
import { processes, type ProcessName } from './system.ts';
import type { Lap, Measured } from './measure.ts';

export interface Run {
  measured: readonly Measured[];
  laps: number;
  connections: number;
  /** Megabytes of each Node process, before the first request and after the last. */
  memory: Record<'before' | 'after', Partial<Record<ProcessName, number>>>;
}

const markdownTable = ([heading = [], ...rows]: string[][]): string =>
  [heading, heading.map((_, i) => (i === 0 ? '---' : '--:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

const whole = (value: number): string => value.toFixed(0);
const spreadOf = (values: readonly number[]): string => `${whole(Math.min(...values))}-${whole(Math.max(...values))}`;

function costRow({ workload: { name, goal }, laps }: Measured): string[] {
  const ours = laps.map((lap) => lap.ours);
  const floors = laps.flatMap(({ floor }) => floor ?? []);
  const ratios = laps.flatMap((lap) => (lap.floor === undefined ? [] : [lap.ours / lap.floor]));
  const hasFloor = ratios.length > 0;
  return [
    name,
    hasFloor ? whole(median(floors)) : '',
    `${whole(median(ours))} (${spreadOf(ours)})`,
    hasFloor ? median(ratios).toFixed(2) : '',
    goal === undefined ? '' : 'ratio' in goal ? `<= ${goal.ratio}` : `<= ${goal.microseconds} us`,
  ];
}

function loadRow({ workload, laps }: Measured): string[] {
  const of = (value: (lap: Lap) => number): number => median(laps.map(value));
  const failures = laps.reduce((sum, { load }) => sum + load.failures, 0);
  return [
    workload.name,
    `${failures} of ${laps.length * workload.requests}`,
    whole(of(({ load }) => load.perSecond)),
    ...(['p50', 'p90', 'p99', 'max'] as const).map((part) => milliseconds(of(({ load }) => load.times[part]))),
  ];
}

const processRow = ({ workload, laps }: Measured): string[] => [
  workload.name,
  ...processes.map((process) => whole(median(laps.map(({ times }) => times[process])))),
];

/** The whole file. */
export function report({ measured, laps, connections, memory }: Run): string {
  const [processor] = cpus();
  const machine = `${cpus().length} x ${processor?.model.trim() ?? 'unknown processor'}, ${whole(totalmem() / 2 ** 30)} GB`;
  const memoryRows = Object.entries(memory.before).map(([name, before]) => [
    name,
    whole(before),
    whole(memory.after[name as ProcessName] ?? NaN),
  ]);
  return `# Performance report

Written by \`make test-performance-report\`: run it again rather than edit this file.

Machine: ${machine}; Node ${process.version}, ${process.platform} ${process.arch}. The load comes from the same machine.
Every feature is on (login, limits, validation, log, metrics); limits alone are raised so far that the load meets none.

Method: ${connections} connections, each waiting for its answer before it asks again; two laps to warm up, then ${laps} that
count, each beside the floor's. Metrics are medians of the laps. The floor is bare Express with one prepared statement whose JSON
PostgreSQL makes, or Yoga on node:http for GraphQL. The databases hold 50,000 orders and payments; they write without waiting
for the disk.

## Failed requests, throughput and times

${markdownTable([['', 'failed', 'a second', '50 %', '90 %', '99 %', 'slowest'], ...measured.map(loadRow)])}

## Processor time of a request, in microseconds, and its ratio to the floor

Of the processes that the floor stands for: the service alone; for GraphQL all Node processes that take part.

${markdownTable([['', 'floor', 'ours (least-most)', 'ratio', 'goal'], ...measured.map(costRow)])}

## Processor time of a request by process, in microseconds

${markdownTable([['', ...processes], ...measured.map(processRow)])}

## Memory, in MB

${markdownTable([['', 'at rest', 'after the run'], ...memoryRows])}
`;
}
