// How long a process takes from its start until it is ready, alone on the machine.
import { setTimeout as delay } from 'node:timers/promises';
import { answersOk } from '../../stack/programs/node-service.ts';
import { median } from '../statistics.ts';
import type { BenchSystem, NodeProcess } from './system.ts';

const times = 3;
const poll = 10;

/** Milliseconds, and milliseconds of processor time: medians. */
export async function startOf(
  system: BenchSystem,
  name: NodeProcess,
  url: string,
): Promise<{ milliseconds: number; processor: number }> {
  const taken: number[] = [];
  const spent: number[] = [];
  for (let time = 0; time < times; time++) {
    const process = system.stack.process(name);
    await process.stop();
    const startedAt = performance.now();
    const started = process.start();
    while (!(await answersOk(`${url}/ready`))) await delay(poll);
    taken.push(performance.now() - startedAt);
    spent.push(system.spent()[name] / 1_000);
    await started;
  }
  return { milliseconds: median(taken), processor: median(spent) };
}
