// What limits each workload next, by what was measured: which process takes most, and what is full.
import { median } from '../statistics.ts';
import type { Layers } from './layers.ts';
import { markdownTable, percent } from './markdown.ts';
import type { Lap, Measured } from './measure.ts';
import { nodeProcesses, processes, type NodeProcess, type ProcessName } from './system.ts';

/** Beyond this part of what there is, it counts as full: what else runs on the machine takes the rest. */
const full = 0.85;
const shownLayers = 3;

export interface Limit {
  /** Takes most of the processor time of a request. */
  process: ProcessName;
  /** Of the time of all processes, 0 to 1. */
  part: number;
  /** Cores that it keeps busy. */
  cores: number;
  /** Cores that all processes and the load keep busy. */
  machine: number;
  next: string;
}

const isNode = (name: ProcessName): name is NodeProcess => nodeProcesses.some((process) => process === name);

function mostOf<Name extends ProcessName>(names: readonly Name[], times: (name: Name) => number): Name {
  return names.reduce((most, name) => (times(name) > times(most) ? name : most));
}

const timeOf =
  (laps: readonly Lap[]) =>
  (name: ProcessName): number =>
    median(laps.map(({ times }) => times[name]));

/** The Node process that takes most of the time of a request; undefined where nginx answers by itself. */
export function busiestNodeProcess({ workload, laps }: Measured): NodeProcess | undefined {
  const taking = nodeProcesses.filter((name) => workload.of.includes(name));
  return taking.length > 0 ? mostOf(taking, timeOf(laps)) : undefined;
}

/** `cores`: of the machine. */
export function limitOf({ workload, laps }: Measured, cores: number): Limit {
  const time = timeOf(laps);
  const perSecond = median(laps.map(({ seconds }) => workload.requests / seconds));
  const busy = (microseconds: number): number => (microseconds * perSecond) / 1e6;
  const process = mostOf(processes, time);
  const all = processes.reduce((sum, name) => sum + time(name), 0);
  const generator = busy(median(laps.map(({ load }) => load.generator)));
  const own = busy(time(process));
  const machine = busy(all) + generator;
  let next = 'nothing is full: answers wait for each other, or the load for answers';
  if (isNode(process) && own >= full) next = `the one thread of ${process}: another process of it (\`WORKERS\`)`;
  else if (machine >= full * cores)
    next = `the machine's ${cores} cores, of which the load itself takes ${generator.toFixed(1)}`;
  return { process, part: time(process) / all, cores: own, machine, next };
}

/** A row for each workload: where the time goes, by process and by layer, and what is full. */
export function limitsText(
  measured: readonly Measured[],
  profiles: readonly { name: string; layers: Layers }[],
  cores: number,
): string {
  const rows = measured.map((one) => {
    const { process, part, cores: own, machine, next } = limitOf(one, cores);
    const { layers = [] } = profiles.find(({ name }) => name === one.workload.name) ?? {};
    const total = layers.reduce((sum, [, time]) => sum + time, 0);
    const most = layers.slice(0, shownLayers).map(([layer, time]) => `${layer} ${percent(time / total)}`);
    return [
      one.workload.name,
      `${process}, ${percent(part)}`,
      own.toFixed(2),
      machine.toFixed(2),
      most.join(', '),
      next,
    ];
  });
  return markdownTable([
    ['', 'takes most of all time', 'cores it keeps busy', 'cores busy in all', 'most of its Node process', 'full'],
    ...rows,
  ]);
}
