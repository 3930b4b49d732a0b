// What a run of the bench comes to, as PERFORMANCE-REPORT.md.
import { cpus, totalmem } from 'node:os';
import { failuresOf } from '../generate-load.ts';
import { median, milliseconds } from '../statistics.ts';
import { costRow } from './costs.ts';
import { processes, type ProcessName } from './system.ts';
import { enduranceText, type Endurance } from './endurance.ts';
import { atHalfText, type AtHalf } from './half-the-peak.ts';
import type { Profiled } from './layers.ts';
import { goalsText, goodputGoal, memoryGoalOf, refusalGoal, refusalRatioOf, startGoal } from './goals.ts';
import { limitsText } from './limits.ts';
import { markdownTable, megabytes, percent, whole } from './markdown.ts';
import type { Lap, Measured } from './measure.ts';
import { scalingText } from './scaling.ts';
import type { Start } from './starts.ts';
import type { LoadedResult, UnderLoad } from './under-load.ts';

type Memory = Partial<Record<ProcessName, { resident: number; proportional: number }>>;

export interface Run {
  measured: readonly Measured[];
  laps: number;
  connections: number;
  /** Bytes of each Node process, before the first request and after the last. */
  memory: Record<'before' | 'after', Memory>;
  load: UnderLoad;
  halves: readonly AtHalf[];
  endurance: Endurance;
  /** Of each workload, of its busiest Node process. */
  profiles: readonly Profiled[];
  starts: readonly Start[];
  /** Some of the workloads with several processes of each part. */
  scaled: readonly Measured[];
}

/** Of which workloads the layers and functions are shown one by one. */
const shownInDetail = ['GET an order', 'POST an order', 'GraphQL 20 orders, users, payments', 'GraphQL me'];
const shownLayers = 12;
const shownFunctions = 10;

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

function memoryRows({ before, after }: Run['memory']): string[][] {
  return (Object.keys(before) as ProcessName[]).map((name) => [
    name,
    megabytes(before[name]?.proportional),
    `<= ${megabytes(memoryGoalOf(name))}`,
    megabytes(before[name]?.resident),
    megabytes(after[name]?.proportional),
    megabytes(after[name]?.resident),
  ]);
}

/** What too much load did, in words and a table. */
export function loadText(load: UnderLoad): string {
  const { name, peak, half, overload, floor, costs } = load;
  const others = [...overload.answers]
    .filter(([answer]) => !/^2/.test(answer))
    .map(([answer, count]) => `${count} x ${answer}`);
  const perCore = ({ succeeded, cores }: LoadedResult): number => succeeded / cores.service;
  const row = (title: string, result: LoadedResult, ofPeak = peak): string[] => [
    ...[title, whole(result.offered), whole(result.succeeded), percent(result.succeeded / ofPeak.succeeded)],
    ...[milliseconds(result.times.p50), milliseconds(result.times.p99)],
    ...[result.cores.service.toFixed(2), result.cores.database.toFixed(2), whole(perCore(result))],
    ((result.generator * result.offered) / 1e6).toFixed(2),
  ];
  const probes = Object.entries(overload.probes).map(
    ([path, { times, failures }]) =>
      `\`${path}\`: ${milliseconds(times.p50)} as median, ${milliseconds(times.max)} at most, ${failures} failed`,
  );
  return `${name}, ten seconds each, up to 4,000 connections, requests at even distances whatever becomes of those before; an
answer that comes later than those ten seconds does not count. The peak is what 32 connections get that wait for their answers.
Times begin when a request is due, so they hold its wait for a connection. >= ${percent(goodputGoal)} of the peak is the goal.

${markdownTable([
  [
    ...['', 'offered a second', 'succeeded a second', 'of the peak', '50 %', '99 %'],
    ...['cores of the service', 'of its database'],
    ...['succeeded a second of the service', 'cores of the generator'],
  ],
  row('the peak', peak),
  row('half the peak', half),
  row('three times the peak', overload),
  row('the peak of the floor', floor.peak, floor.peak),
  row('three times as much, of the floor', floor.overload, floor.peak),
])}

Beyond the peak: ${others.join(', ') || 'nothing was refused'}. Refusals: ${milliseconds(overload.refusalTimes.p50)} as
median, ${milliseconds(overload.refusalTimes.p99)} at 99 %. Meanwhile ${probes.join('; ')}. A refusal takes
${whole(costs.refusal)} us of the service's processor time, \`/health\` ${whole(costs.health)} us: ${refusalRatioOf(load).toFixed(2)} times as
much, where <= ${refusalGoal} is the goal. The generator takes its share of the same processors, so beside the goodput stands what the
service answers in a second of its own processor time.`;
}

function profileText({ name, process, layers, functions }: Profiled): string {
  const total = layers.reduce((sum, [, time]) => sum + time, 0);
  const rowsOf = (parts: Profiled['layers'], count: number): string[][] =>
    parts.slice(0, count).map(([what, time]) => [what, time.toFixed(1), percent(time / total)]);
  return `### ${name}: ${process}

${markdownTable([['layer', 'us a request', 'part'], ...rowsOf(layers, shownLayers)])}

${markdownTable([['function', 'us a request', 'part'], ...rowsOf(functions, shownFunctions)])}`;
}

const besideText = (measured: readonly Measured[]): string =>
  measured
    .filter(({ beside }) => beside > 0)
    .map(({ workload: { name }, beside }) => `${name}: ${whole(beside)} us`)
    .join('; ');

/** What should not have failed, and did; overload is meant to be refused, with 503. */
export function failuresIn({ load, halves, endurance }: Pick<Run, 'load' | 'halves' | 'endurance'>): string[] {
  const parts: [name: string, answers: ReadonlyMap<string, number>][] = [
    [`${load.name} at half the peak`, load.half.answers],
    ...halves.flatMap(({ name, warmUp, result }) =>
      [warmUp, result].map(({ answers }): [string, ReadonlyMap<string, number>] => [
        `${name} at half the peak`,
        answers,
      ]),
    ),
    ...endurance.slices.map(({ result }): [string, ReadonlyMap<string, number>] => ['minutes of load', result.answers]),
    ...Object.entries(load.overload.probes).map(([path, { failures }]): [string, ReadonlyMap<string, number>] => [
      `${path} beside overload`,
      new Map(failures > 0 ? [['failed', failures]] : []),
    ]),
  ];
  return parts.flatMap(([name, answers]) => {
    const failures = failuresOf({ answers });
    return failures === '' ? [] : [`${name}: ${failures}`];
  });
}

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
  const { measured, laps, connections, memory, load, halves, endurance, profiles, starts, scaled } = run;
  const cores = cpus().length;
  return `# Performance report

Written by \`make test-performance-report\`: run it again rather than edit this file.

Machine: ${machine()}, ${process.platform} ${process.arch}. The load comes from the same machine, so it takes part of its processors.
Every feature is on (login, limits, validation, log, metrics); limits alone are raised so far that the load meets none, and
bcrypt has its least cost.

Method: ${connections} connections, each waiting for its answer before it asks again; ten thousand requests or forty seconds to warm up, then ${laps === 1 ? 'one that counts' : `${laps} that count`},
each beside the floor's. Shown are medians of the laps. The floor is bare Express with one prepared statement whose JSON
PostgreSQL makes, or Yoga on node:http for GraphQL; for a login it compares the hash, writes the session and signs the token as well. What the hash itself takes
(${besideText(measured)}) is taken off both sides of a login, but is part of its time by process.
The databases hold 50,000 users, orders and payments; they write without waiting for the disk.

## Goals

${goalsText(run)}

What keeps them from theirs, and what it would take: [docs/performance.md](docs/performance.md).

## Failed requests, throughput and times

${markdownTable([['', 'failed', 'a second', '50 %', '90 %', '99 %', 'slowest'], ...measured.map(loadRow)])}

## Processor time of a request, in microseconds, and its ratio to the floor

Of the processes that the floor stands for: the service alone. Where there is no floor: for GraphQL all Node processes that take
part; for what goes on in the background all processes, PostgreSQL, RabbitMQ and what waiting for its end asks them included.

${markdownTable([['', 'floor', 'ours (least-most)', 'ratio', 'goal'], ...measured.map(costRow)])}

## Processor time of a request by process, in microseconds

${markdownTable([['', ...processes], ...measured.map(processRow)])}

## What limits each workload next

From the two tables above and from profiles: which process takes most, how many cores it and all keep busy while the load
runs, in which layers the Node process that takes most spends its time, and what is full.

${limitsText(measured, profiles, cores)}

## More processes

${scalingText(measured, scaled, cores)}

## At half the peak

Ten seconds each, at even distances, half of what the first table shows, right after five more. Nothing should wait there: the
slowest of a hundred takes ten times the median at most, also beside work in the background. The last column shows those five
seconds, which a process begins cold: it may have been asked nothing for minutes.

${atHalfText(halves)}

## More than it can do

${loadText(load)}

## Minutes of load

${enduranceText(endurance)}

## What a request costs by layer and function

A profile of the process that answers, while the load runs: time by the folder of ours, the package or the part of Node.js in
which each sample was taken, and the functions that take most by themselves. A profile itself costs time, so these are parts
rather than totals.

${profiles
  .filter(({ name }) => shownInDetail.includes(name))
  .map(profileText)
  .join('\n\n')}

## Memory, in MB

Proportional: what processes share, such as the program of Node.js itself, is divided among them.

${markdownTable([
  ['', 'at rest', 'goal', 'at rest, resident', 'after the run', 'after the run, resident'],
  ...memoryRows(memory),
])}

## Start

One process after the other, alone, from its start until \`/ready\` says so: medians of three. What V8 has compiled of it is
kept from an earlier start.

${markdownTable([
  ['', 'until ready', 'goal', 'processor time'],
  ...starts.map((start) => [
    start.name,
    milliseconds(start.milliseconds),
    `<= ${milliseconds(startGoal)}`,
    milliseconds(start.processor),
  ]),
])}
`;
}
