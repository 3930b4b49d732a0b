// What requests cost, in processor time, beside a floor: `npm run bench [-- --only NAME] [--laps 5] [--layers] [--overload] [--save FILE] [--compare FILE] [--report FILE [--minutes 3]]`.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { table } from '../../stack/addresses.ts';
import { Output } from '../../stack/output.ts';
import { costs, savedRun, type SavedRun } from './costs.ts';
import { profile } from './layers.ts';
import { connections } from './measure.ts';
import { loadText } from './report.ts';
import { runReport } from './run-report.ts';
import { nodeProcesses, startBenchSystem, type BenchSystem } from './system.ts';
import { underLoad } from './under-load.ts';
import type { Workload } from './workload.ts';
import { workloads } from './workloads.ts';

/** Each process by itself: nginx, PostgreSQL and RabbitMQ have no profile. */
async function showLayers(system: BenchSystem, chosen: readonly Workload[], output: Output): Promise<void> {
  for (const workload of chosen) {
    for (const name of nodeProcesses.filter((process) => workload.of.includes(process))) {
      const label = `${workload.name}, ${name}`;
      const { layers, functions } = await output.during(`profile ${label}`, () => profile(system, workload, name));
      for (const [what, parts] of Object.entries({ layer: layers, function: functions })) {
        output.result(`\n${label}, microseconds a request by ${what}`);
        const lines = parts.slice(0, 20).map(([part, time]) => [part, time.toFixed(1)]);
        for (const line of table(lines)) output.result(line);
      }
    }
  }
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is a whole number from 1, not ${text}`);
  return value;
}

async function bench(output: Output): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      laps: { type: 'string', default: '5' },
      layers: { type: 'boolean', default: false },
      overload: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '3' },
      save: { type: 'string' },
      compare: { type: 'string' },
      report: { type: 'string' },
    },
  });
  const laps = positive('laps', values.laps);
  const minutes = positive('minutes', values.minutes);
  const before = values.compare === undefined ? {} : savedRun.parse(JSON.parse(readFileSync(values.compare, 'utf8')));
  const save = (saved: SavedRun): void => {
    if (values.save !== undefined) writeFileSync(values.save, `${JSON.stringify(saved, undefined, 2)}\n`);
  };
  if (values.report !== undefined) {
    save(await runReport({ file: values.report, laps, minutes, before }, output));
    return;
  }
  const system = await startBenchSystem(output);
  try {
    const chosen = workloads(system).filter(({ name }) => name.includes(values.only));
    if (values.overload) output.result(loadText(await underLoad(system, output)));
    else if (values.layers) await showLayers(system, chosen, output);
    else {
      const { saved } = await costs(system, chosen, { laps, before }, output);
      output.result(
        `${cpus().length} x ${cpus()[0]?.model.trim()}, ${connections} connections, medians of ${laps} laps`,
      );
      save(saved);
    }
  } finally {
    await system.stop();
  }
}

await bench(new Output());
