// What requests cost, in processor time, beside a floor: `npm run bench [-- --only NAME] [--laps 5] [--layers] [--overload] [--save FILE] [--compare FILE] [--report FILE]`.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { z } from 'zod';
import { table } from '../../stack/addresses.ts';
import { Output } from '../../stack/output.ts';
import { median, milliseconds } from '../statistics.ts';
import { connections, measure, type Lap, type Measured } from './measure.ts';
import { profile } from './layers.ts';
import { between, loadText, report, summary, type Profiled } from './report.ts';
import { startOf } from './starts.ts';
import { nodeProcesses, startBenchSystem, type BenchSystem } from './system.ts';
import { underLoad } from './under-load.ts';
import type { Workload } from './workload.ts';
import { workloads } from './workloads.ts';

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

/** Of which workloads the report shows the layers. */
const profiled = ['GET an order', 'POST an order', 'GraphQL 20 orders, users, payments', 'GraphQL me'];

type Saved = z.infer<typeof run>;

async function costs(system: BenchSystem, chosen: Workload[], laps: number, before: Saved, output: Output) {
  const measured: Measured[] = [];
  const rows: string[][] = [];
  const saved: Saved = {};
  for (const workload of chosen) {
    const done = await measure(system, workload, laps, output);
    measured.push({ workload, laps: done });
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

async function layersOfAll(system: BenchSystem, chosen: Workload[], output: Output): Promise<Profiled[]> {
  const profiles: Profiled[] = [];
  for (const workload of chosen) {
    // Each by itself: nginx, PostgreSQL and RabbitMQ have no profile.
    for (const name of nodeProcesses.filter((process) => workload.of.includes(process))) {
      const label = `${workload.name}, ${name}`;
      const layers = await output.during(`profile ${label}`, () => profile(system, workload, name));
      profiles.push({ name: workload.name, process: name, layers });
      output.result(`\n${label}, microseconds a request by layer`);
      const lines = layers.slice(0, 20).map(([layer, time]) => [layer, time.toFixed(1)]);
      for (const line of table(lines)) output.result(line);
    }
  }
  return profiles;
}

async function bench(output: Output): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      laps: { type: 'string', default: '5' },
      layers: { type: 'boolean', default: false },
      overload: { type: 'boolean', default: false },
      save: { type: 'string' },
      compare: { type: 'string' },
      report: { type: 'string' },
    },
  });
  const laps = Number(values.laps);
  if (!Number.isInteger(laps) || laps < 1) throw new Error(`--laps is a whole number from 1, not ${values.laps}`);
  const before = values.compare === undefined ? {} : run.parse(JSON.parse(readFileSync(values.compare, 'utf8')));
  const system = await startBenchSystem(output);
  const memory = () => Object.fromEntries(nodeProcesses.map((name) => [name, system.memory(name)]));
  try {
    if (values.overload) {
      output.result(loadText(await underLoad(system, output)));
      return;
    }
    const atRest = memory();
    const chosen = workloads(system).filter(({ name }) => name.includes(values.only));
    if (values.layers) {
      await layersOfAll(system, chosen, output);
      return;
    }
    const { measured, saved } = await costs(system, chosen, laps, before, output);
    const afterwards = memory();
    output.result(`${cpus().length} x ${cpus()[0]?.model.trim()}, ${connections} connections, medians of ${laps} laps`);
    if (values.save !== undefined) writeFileSync(values.save, `${JSON.stringify(saved, undefined, 2)}\n`);
    if (values.report === undefined) return;
    const load = await underLoad(system, output);
    const profiles = await layersOfAll(
      system,
      chosen.filter(({ name }) => profiled.includes(name)),
      output,
    );
    const start = await output.during('start order-service, alone', () =>
      startOf(system, 'order-service', system.stack.urls.orderService),
    );
    const written = {
      measured,
      laps,
      connections,
      memory: { before: atRest, after: afterwards },
      load,
      profiles,
      start,
    };
    writeFileSync(values.report, await format(report(written), { parser: 'markdown' }));
    const shown = await format(summary(written), { parser: 'markdown' });
    writeFileSync('README.md', between(readFileSync('README.md', 'utf8'), shown));
  } finally {
    await system.stop();
  }
}

const output = new Output();
await bench(output);
