// Minutes of mixed load at 70 % of what the system can take of it: memory has to stay flat, and nothing may pile up.
import { setTimeout as delay } from 'node:timers/promises';
import type { Output } from '../../stack/output.ts';
import { failuresOf } from '../generate-load.ts';
import { offerLoad, type OfferedRequest, type OfferedResult } from '../offer-load.ts';
import { milliseconds } from '../statistics.ts';
import { requestsOf } from './half-the-peak.ts';
import { markdownTable, megabytes, percent, whole } from './markdown.ts';
import { connections } from './measure.ts';
import { nodeProcesses, type BenchSystem, type NodeProcess } from './system.ts';
import type { Workload } from './workload.ts';

const part = 0.7;
const peakSeconds = 10;
const sliceSeconds = 30;
const manyConnections = 1_000;
const settleTimeout = 60_000;
const poll = 500;

/** How many of twenty requests are of each workload. */
const mix: Record<string, number> = {
  'GET an order': 9,
  'GET a payment': 3,
  'GET users/me': 2,
  '20 orders with items': 2,
  '20 payments': 1,
  'GraphQL me': 1,
  'GraphQL 20 orders, users, payments': 1,
  'POST an order': 1,
};

type Memory = Record<NodeProcess, number>;

/** Half a minute. */
export interface Slice {
  result: Pick<OfferedResult, 'offered' | 'succeeded' | 'times' | 'answers'>;
  /** At its end: events that are not published, and orders that have no payment yet. */
  waiting: number;
  /** Bytes at its end. */
  memory: Memory;
}

export interface Endurance {
  /** Successful answers a second of the mix, where each connection waits for its answer. */
  peak: number;
  slices: Slice[];
}

export async function endure(
  system: BenchSystem,
  workloads: readonly Workload[],
  minutes: number,
  output: Output,
): Promise<Endurance> {
  const request = mixed(workloads);
  const since = new Date();
  const offer = (perSecond: number, seconds: number, most: number): Promise<OfferedResult> =>
    offerLoad({ request, perSecond, seconds, connections: most });
  await output.during('mixed load, to warm up', () => offer(Infinity, peakSeconds, connections));
  const { succeeded: peak } = await output.during('mixed load, peak', () => offer(Infinity, peakSeconds, connections));
  await settled(system, since);
  const slices: Slice[] = [];
  const count = Math.round((minutes * 60) / sliceSeconds);
  for (let number = 1; number <= count; number++) {
    const label = `mixed load at ${percent(part)} of ${whole(peak)} a second, ${number} of ${count}`;
    const result = await output.during(label, () => offer(peak * part, sliceSeconds, manyConnections));
    const memory = Object.fromEntries(nodeProcesses.map((name) => [name, system.memory(name).proportional])) as Memory;
    slices.push({ result, waiting: await waitingWork(system, since), memory });
  }
  await settled(system, since);
  return { peak, slices };
}

function mixed(workloads: readonly Workload[]): (number: number) => OfferedRequest {
  const turns = Object.entries(mix).flatMap(([name, count]) => {
    const workload = workloads.find((one) => one.name === name);
    if (!workload) throw new Error(`there is no workload ${name}`);
    const request = requestsOf(workload.ours);
    return Array.from({ length: count }, (_, turn) => (round: number) => request(round * count + turn));
  });
  return (number) => {
    const turn = turns[number % turns.length];
    if (!turn) throw new Error('the mix is empty');
    return turn(Math.floor(number / turns.length));
  };
}

async function waitingWork({ databases }: BenchSystem, since: Date): Promise<number> {
  const count = async (database: 'user' | 'order' | 'payment', query: string, values: unknown[] = []) => {
    const { rows } = await databases[database].query<{ count: number }>(
      `SELECT count(*)::integer AS count FROM ${query}`,
      values,
    );
    return rows[0]?.count ?? 0;
  };
  const unpublished = 'outbox WHERE published_at IS NULL';
  const [opened, user, order, payment, placed] = await Promise.all([
    // Before the orders, so that none is missing that was placed meanwhile.
    count('payment', 'payments WHERE created_at >= $1', [since]),
    count('user', unpublished),
    count('order', unpublished),
    count('payment', unpublished),
    count('order', 'orders WHERE created_at >= $1', [since]),
  ]);
  return user + order + payment + Math.max(0, placed - opened);
}

/** Throws where work still waits after a minute without load. */
async function settled(system: BenchSystem, since: Date): Promise<void> {
  const deadline = Date.now() + settleTimeout;
  for (let waiting = await waitingWork(system, since); waiting > 0; waiting = await waitingWork(system, since)) {
    if (Date.now() > deadline) throw new Error(`${waiting} events and orders still wait a minute after the load`);
    await delay(poll);
  }
}

export function enduranceText({ peak, slices }: Endurance): string {
  const [first] = slices;
  const last = slices.at(-1);
  const growth = nodeProcesses.map((name) => {
    const [before, after] = [first?.memory[name] ?? NaN, last?.memory[name] ?? NaN];
    return `${name} ${after < before ? '' : '+'}${percent(after / before - 1)}`;
  });
  const rows = slices.map(({ result: { offered, succeeded, times, answers }, waiting, memory }, index) => [
    `${((index + 1) * sliceSeconds) / 60} min`,
    whole(offered),
    whole(succeeded),
    failuresOf({ answers }) || '0',
    milliseconds(times.p50),
    milliseconds(times.p99),
    String(waiting),
    ...nodeProcesses.map((name) => megabytes(memory[name])),
  ]);
  const requests = Object.entries(mix).map(([name, count]) => `${count} x ${name}`);
  return `Of twenty requests: ${requests.join(', ')}. The peak of this mix is ${whole(peak)} a second where 32 connections
wait for their answers; ${percent(part)} of it was offered. "Waiting": events that are not published yet and orders without a payment.
Memory is proportional, in MB. From the first row to the last it changed by: ${growth.join(', ')}.

${markdownTable([
  ['', 'offered a second', 'succeeded', 'failed', '50 %', '99 %', 'waiting', ...nodeProcesses],
  ...rows,
])}`;
}
