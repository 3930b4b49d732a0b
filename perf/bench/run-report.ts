// All that PERFORMANCE-REPORT.md shows, measured one after the other.
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import type { Output } from '../../stack/output.ts';
import { costs, type SavedRun } from './costs.ts';
import { endure } from './endurance.ts';
import { atHalfThePeak } from './half-the-peak.ts';
import { profile, type Profiled } from './layers.ts';
import { busiestNodeProcess } from './limits.ts';
import { connections, type Measured } from './measure.ts';
import { between, failuresIn, report, summary, type Run } from './report.ts';
import { measureWithWorkers } from './scaling.ts';
import { startsOf } from './starts.ts';
import { nodeProcesses, startBenchSystem, type BenchSystem } from './system.ts';
import { underLoad } from './under-load.ts';
import { workloads } from './workloads.ts';

/** Of which workloads times at half the peak are shown; of the first also beside work in the background. */
const halved = [
  'GET an order',
  '20 orders with items',
  'POST an order',
  'GraphQL me',
  'GraphQL 20 orders, users, payments',
];

export interface ReportOptions {
  file: string;
  laps: number;
  /** Of mixed load. */
  minutes: number;
  before: SavedRun;
}

/** Writes the report and the README's table. Throws where requests failed that should not. */
export async function runReport(options: ReportOptions, output: Output): Promise<SavedRun> {
  const startedAt = Date.now();
  const system = await startBenchSystem(output);
  const { saved, ...alone } = await measureSystem(system, options, output).finally(() => system.stop());
  const run: Run = { ...alone, scaled: await measureWithWorkers(options.laps, output) };
  writeFileSync(options.file, await format(report(run), { parser: 'markdown' }));
  const shown = await format(summary(run), { parser: 'markdown' });
  writeFileSync('README.md', between(readFileSync('README.md', 'utf8'), shown));
  output.progress(`${options.file} and README.md: written after ${((Date.now() - startedAt) / 60_000).toFixed(1)} min`);
  const failures = failuresIn(run);
  if (failures.length > 0) throw new Error(`requests failed: ${failures.join('; ')}`);
  return saved;
}

async function measureSystem(system: BenchSystem, { laps, minutes, before }: ReportOptions, output: Output) {
  const memory = () => Object.fromEntries(nodeProcesses.map((name) => [name, system.memory(name)]));
  const atRest = memory();
  const all = workloads(system);
  const { measured, saved } = await costs(system, all, { laps, before }, output);
  const afterwards = memory();
  const load = await underLoad(system, output);
  const chosen = measured.filter(({ workload }) => halved.includes(workload.name));
  const halves = await atHalfThePeak(system, chosen, output);
  const endurance = await endure(system, all, minutes, output);
  const profiles = await profileBusiest(system, measured, output);
  const starts = await startsOf(system, output);
  return {
    measured,
    laps,
    connections,
    memory: { before: atRest, after: afterwards },
    load,
    halves,
    endurance,
    profiles,
    starts,
    saved,
  };
}

async function profileBusiest(system: BenchSystem, measured: readonly Measured[], output: Output): Promise<Profiled[]> {
  const profiles: Profiled[] = [];
  for (const one of measured) {
    const name = busiestNodeProcess(one);
    if (name === undefined) continue;
    const { workload } = one;
    profiles.push(await output.during(`profile ${workload.name}, ${name}`, () => profile(system, workload, name)));
  }
  return profiles;
}
