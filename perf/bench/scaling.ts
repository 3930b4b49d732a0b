// What a second process of each service and of the gateway brings.
import type { Output } from '../../stack/output.ts';
import { median } from '../statistics.ts';
import { markdownTable, whole } from './markdown.ts';
import { measure, type Measured } from './measure.ts';
import { startBenchSystem } from './system.ts';
import { workloads } from './workloads.ts';

export const workers = 2;

/** Of which workloads it is measured: a read, a list, a write, and all parts at once. */
const scaled = ['GET an order', '20 orders with items', 'POST an order', 'GraphQL 20 orders, users, payments'];

/** Starts a system of its own, so no other may run: it would take part of the processors. */
export async function measureWithWorkers(laps: number, output: Output): Promise<Measured[]> {
  const system = await startBenchSystem(output, { WORKERS: String(workers) });
  try {
    const measured: Measured[] = [];
    for (const workload of workloads(system).filter(({ name }) => scaled.includes(name))) {
      delete workload.floor; // one process of it is no measure of several
      measured.push(await measure(system, workload, laps, output));
      output.progress(`${workload.name}, ${workers} processes of each part: measured`);
    }
    return measured;
  } finally {
    await system.stop();
  }
}

/** `cores`: of the machine. */
export function scalingText(alone: readonly Measured[], together: readonly Measured[], cores: number): string {
  const rows = together.map(({ workload: { name }, laps }) => {
    const before = alone.find(({ workload }) => workload.name === name);
    const perSecond = (of: Measured['laps']): number => median(of.map(({ load }) => load.perSecond));
    const ours = (of: Measured['laps']): number => median(of.map((lap) => lap.ours));
    const generator = median(laps.map(({ load }) => (load.generator * load.perSecond) / 1e6));
    const [one, two] = [perSecond(before?.laps ?? []), perSecond(laps)];
    return [
      name,
      whole(one),
      whole(two),
      `${(two / one).toFixed(2)} x`,
      whole(ours(before?.laps ?? [])),
      whole(ours(laps)),
      generator.toFixed(2),
    ];
  });
  return `\`WORKERS=1\` and \`WORKERS=${workers}\`, of each service and of the gateway. The load, PostgreSQL and RabbitMQ share the
machine's ${cores} cores with them, so ${workers} processes bring less than ${workers} times as much: nothing where one of each keeps the
cores busy already, as the table above shows. The last column is what the load takes of them.

${markdownTable([
  [
    '',
    '1 process, a second',
    `${workers} processes, a second`,
    'gain',
    'CPU, us',
    `CPU, us, ${workers} processes`,
    'cores that the load takes',
  ],
  ...rows,
])}`;
}
