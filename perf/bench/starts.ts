// How long a process takes from its start until it is ready, alone on the machine.
import { setTimeout as delay } from 'node:timers/promises';
import { answersOk } from '../../stack/programs/node-service.ts';
import type { Output } from '../../stack/output.ts';
import { median } from '../statistics.ts';
import type { BenchSystem, NodeProcess } from './system.ts';

const times = 3;
const poll = 10;

/** Milliseconds, and milliseconds of processor time: medians. */
export interface Start {
  name: NodeProcess;
  milliseconds: number;
  processor: number;
}

/** Of each process, one after the other. */
export async function startsOf(system: BenchSystem, output: Output): Promise<Start[]> {
  const { userService, orderService, paymentService, gateway } = system.stack.urls;
  const urls: [NodeProcess, string][] = [
    ['user-service', userService],
    ['order-service', orderService],
    ['payment-service', paymentService],
    ['gateway', gateway],
  ];
  const starts: Start[] = [];
  for (const [name, url] of urls)
    starts.push(await output.during(`start ${name}, alone`, () => startOf(system, name, url)));
  return starts;
}

async function startOf(system: BenchSystem, name: NodeProcess, url: string): Promise<Start> {
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
  return { name, milliseconds: median(taken), processor: median(spent) };
}
