// What a run of the bench comes to, as PERFORMANCE-REPORT.md.
import { cpus, totalmem } from 'node:os';
import { median, milliseconds } from '../statistics.ts';
import { processes, type ProcessName } from './system.ts';
import type { Layers } from './layers.ts';
import type { Lap, Measured } from './measure.ts';
import type { UnderLoad } from './under-load.ts';

export interface Profiled {
  name: string;
  process: string;
  layers: Layers;
}

type Memory = Partial<Record<ProcessName, { resident: number; proportional: number }>>;

export interface Run {
  measured: readonly Measured[];
  laps: number;
  connections: number;
  /** Bytes of each Node process, before the first request and after the last. */
  memory: Record<'before' | 'after', Memory>;
  load: UnderLoad;
  profiles: readonly Profiled[];
  /** Of order-service, alone: milliseconds, and milliseconds of processor time. */
  start: { milliseconds: number; processor: number };
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

const megabytes = (bytes = NaN): string => whole(bytes / 2 ** 20);

function memoryRows({ before, after }: Run['memory']): string[][] {
  return (Object.keys(before) as ProcessName[]).map((name) => [
    name,
    megabytes(before[name]?.proportional),
    megabytes(before[name]?.resident),
    megabytes(after[name]?.proportional),
    megabytes(after[name]?.resident),
  ]);
}

const percent = (part: number): string => `${whole(100 * part)} %`;

/** What too much load did, in words and a table. */
export function loadText({ name, peak, half, overload }: UnderLoad): string {
  const others = [...overload.answers]
    .filter(([answer]) => !/^2/.test(answer))
    .map(([answer, count]) => `${count} x ${answer}`);
  return `${name}, ten seconds each, up to 4,000 connections, requests at even distances whatever becomes of those before.
The peak is what 32 connections get that wait for their answers: ${whole(peak)} a second.

${markdownTable([
  ['', 'offered a second', 'succeeded a second', 'of the peak', '50 %', '99 %', 'generator, us a request'],
  [
    'half the peak',
    whole(half.offered),
    whole(half.succeeded),
    percent(half.succeeded / peak),
    milliseconds(half.times.p50),
    milliseconds(half.times.p99),
    whole(half.generator),
  ],
  [
    'three times the peak',
    whole(overload.offered),
    whole(overload.succeeded),
    percent(overload.succeeded / peak),
    milliseconds(overload.times.p50),
    milliseconds(overload.times.p99),
    whole(overload.generator),
  ],
])}

Beyond the peak: ${others.join(', ') || 'nothing was refused'}. Refusals: ${milliseconds(overload.refusalTimes.p50)} as
median, ${milliseconds(overload.refusalTimes.p99)} at 99 %. \`/health\` meanwhile: ${milliseconds(overload.health.p50)} as median,
${milliseconds(overload.health.max)} at most, ${overload.healthFailures} failed. The generator takes its share of the same processors.`;
}

const profileText = ({ name, process, layers }: Profiled): string => {
  const total = layers.reduce((sum, [, time]) => sum + time, 0);
  const rows = layers.slice(0, 12).map(([layer, time]) => [layer, time.toFixed(1), percent(time / total)]);
  return `### ${name}: ${process}\n\n${markdownTable([['', 'us a request', 'part'], ...rows])}`;
};

const machine = (): string => {
  const [processor] = cpus();
  return `${cpus().length} x ${processor?.model.trim() ?? 'unknown processor'}, ${whole(totalmem() / 2 ** 30)} GB, Node ${process.version}`;
};

const marks = ['<!-- performance: written by make test-performance-report -->', '<!-- /performance -->'] as const;

/** What the README shows of it. */
export function summary({ measured }: Pick<Run, 'measured'>): string {
  const rows = measured.map((one) => {
    const [name = '', floor = '', ours = '', ratio = ''] = costRow(one);
    const load = loadRow(one);
    return [name, load[2] ?? '', load[3] ?? '', load[5] ?? '', ours, floor, ratio];
  });
  const table = markdownTable([['', 'a second', '50 %', '99 %', 'CPU, us', 'floor, us', 'ratio'], ...rows]);
  return `${table}\n\n${machine()}; the load comes from the same machine.\n`;
}

/** The text with this between its two marks. Throws where they are missing. */
export function between(text: string, content: string): string {
  const [start, end] = marks.map((mark) => text.indexOf(mark));
  if (start === undefined || end === undefined || start < 0 || end < start)
    throw new Error('the marks for performance are missing');
  return `${text.slice(0, start)}${marks[0]}\n\n${content.trim()}\n\n${text.slice(end)}`;
}

/** The whole file. */
export function report(run: Run): string {
  const { measured, laps, connections, memory, load, profiles, start } = run;
  return `# Performance report

Written by \`make test-performance-report\`: run it again rather than edit this file.

Machine: ${machine()}, ${process.platform} ${process.arch}. The load comes from the same machine, so it takes part of its processors.
Every feature is on (login, limits, validation, log, metrics); limits alone are raised so far that the load meets none, and
bcrypt has its least cost.

Method: ${connections} connections, each waiting for its answer before it asks again; two laps to warm up, then ${laps === 1 ? 'one that counts' : `${laps} that count`},
each beside the floor's. Shown are medians of the laps. The floor is bare Express with one prepared statement whose JSON
PostgreSQL makes, or Yoga on node:http for GraphQL; for a login it compares the hash, writes the session and signs the token as well. What the hash itself takes is taken off both
sides of a login, but is part of its time by process.
The databases hold 50,000 orders and payments; they write without waiting for the disk.

## Failed requests, throughput and times

${markdownTable([['', 'failed', 'a second', '50 %', '90 %', '99 %', 'slowest'], ...measured.map(loadRow)])}

## Processor time of a request, in microseconds, and its ratio to the floor

Of the processes that the floor stands for: the service alone. Where there is no floor: for GraphQL all Node processes that take
part; for what goes on in the background all processes, PostgreSQL, RabbitMQ and what waiting for its end asks them included.

${markdownTable([['', 'floor', 'ours (least-most)', 'ratio', 'goal'], ...measured.map(costRow)])}

## Processor time of a request by process, in microseconds

${markdownTable([['', ...processes], ...measured.map(processRow)])}

## More than it can do

${loadText(load)}

## What a request costs by layer

A profile of the process that answers, while the load runs: time by the folder of ours, the package or the part of Node.js in
which each sample was taken. A profile itself costs time, so these are parts rather than totals.

${profiles.map(profileText).join('\n\n')}

## Memory, in MB

Proportional: what processes share, such as the program of Node.js itself, is divided among them.

${markdownTable([['', 'at rest', 'at rest, resident', 'after the run', 'after the run, resident'], ...memoryRows(memory)])}

## Start

order-service, alone on the machine, from its start until \`/ready\` says so: ${milliseconds(start.milliseconds)}, of which ${milliseconds(start.processor)} are processor time.
`;
}
