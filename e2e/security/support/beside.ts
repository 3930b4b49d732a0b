import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { percentile } from './measurements.ts';
import type { Flood } from './flood.ts';

/** Milliseconds between two reads: fewer than the rate limit lets through. */
const PAUSE = 20;

/** Milliseconds of each read, for so long. */
export async function timesOf(read: () => Promise<void>, duration: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + duration;
  while (performance.now() < end) {
    const begin = performance.now();
    await read();
    times.push(performance.now() - begin);
    await delay(PAUSE);
  }
  return times;
}

/** How long reads take alone, and beside a flood; and how the flood was answered, by status. */
export async function beside(
  flood: Flood,
  read: () => Promise<void>,
  duration: number,
): Promise<{ alone: number[]; beside: number[]; statuses: Record<string, number> }> {
  await timesOf(read, duration / 5); // warm
  const alone = await timesOf(read, duration);
  const worker = new Worker(new URL('./flood.ts', import.meta.url), { workerData: flood });
  await once(worker, 'online');
  const times = await timesOf(read, duration);
  worker.postMessage('stop');
  const [statuses] = (await once(worker, 'message')) as [Record<string, number>];
  await worker.terminate();
  return { alone, beside: times, statuses };
}

export const medianAndWorst = (times: readonly number[]) => ({
  p50: percentile(times, 0.5),
  p99: percentile(times, 0.99),
});
