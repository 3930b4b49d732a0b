// What requests cost, in processor time, beside a floor: `npm run bench [-- --only NAME] [--laps 5] [--save FILE] [--compare FILE] [--report FILE]`.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { z } from 'zod';
import { table } from '../../stack/addresses.ts';
import { Output } from '../../stack/output.ts';
import { median, milliseconds } from '../statistics.ts';
import { connections, measure, type Lap, type Measured } from './measure.ts';
import { report } from './report.ts';
import { nodeProcesses, startBenchSystem } from './system.ts';
import { workloads, type Workload } from './workloads.ts';

const run = z.record(z.string(), z.object({ floor: z.number().optional(), ours: z.number(), node: z.number() }));

function rowOf({ name, goal }: Workload, laps: Lap[], before: z.infer<typeof run>): string[] {
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

async function bench(output: Output): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      laps: { type: 'string', default: '5' },
      save: { type: 'string' },
      compare: { type: 'string' },
      report: { type: 'string' },
    },
  });
  const before = values.compare === undefined ? {} : run.parse(JSON.parse(readFileSync(values.compare, 'utf8')));
  const system = await startBenchSystem(output);
  const memory = () =>
    Object.fromEntries(nodeProcesses.map((name) => [name, Math.round(system.memory(name) / 2 ** 20)]));
  try {
    const atRest = memory();
    const measured: Measured[] = [];
    const rows: string[][] = [];
    const saved: z.infer<typeof run> = {};
    for (const workload of workloads(system).filter(({ name }) => name.includes(values.only))) {
      const laps = await measure(system, workload, Number(values.laps), output);
      measured.push({ workload, laps });
      const row = rowOf(workload, laps, before);
      rows.push(row);
      output.progress(`${workload.name}: ${row[2]} us${row[3] ? `, ${row[3]} x the floor` : ''}`);
      const floor = median(laps.map((lap) => lap.floor ?? NaN));
      saved[workload.name] = {
        ...(Number.isNaN(floor) ? {} : { floor }),
        ours: median(laps.map((lap) => lap.ours)),
        node: Number(row[5]),
      };
    }
    for (const line of table([heading, ...rows])) output.result(line);
    const afterwards = memory();
    const inWords = Object.entries(afterwards).map(([name, megabytes]) => `${name} ${megabytes} MB`);
    output.result(`memory afterwards: ${inWords.join(', ')}`);
    output.result(
      `${cpus().length} x ${cpus()[0]?.model.trim()}, ${connections} connections, medians of ${values.laps} laps`,
    );
    if (values.save !== undefined) writeFileSync(values.save, `${JSON.stringify(saved, undefined, 2)}\n`);
    if (values.report !== undefined) {
      const run = { measured, laps: Number(values.laps), connections, memory: { before: atRest, after: afterwards } };
      writeFileSync(values.report, await format(report(run), { parser: 'markdown' }));
    }
  } finally {
    await system.stop();
  }
}

const output = new Output();
await bench(output);
