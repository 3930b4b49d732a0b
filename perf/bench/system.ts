// The system that is measured: every feature on, limits alone lifted, beside the floor that it is measured against.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { addressOf, Shop, type Account } from '../../stack/demo/shop.ts';
import type { Output } from '../../stack/output.ts';
import { memoryOfSession } from '../../stack/processes.ts';
import { loadSettings } from '../../stack/settings.ts';
import { startStack, type RunningStack } from '../../stack/start-stack.ts';
import { processorTime } from './processor-time.ts';
import { fill, ownedBy, type Owned } from './rows.ts';

const accountCount = 16;
const lots = '1000000';
const liftedLimits = {
  NGINX_RATE_LIMIT: '1000000',
  GATEWAY_RATE_LIMIT: lots,
  SERVICE_RATE_LIMIT: lots,
  LOGIN_RATE_LIMIT: `${lots}/1m`,
  REGISTRATION_LIMIT: `${lots}/1h`,
  REFRESH_LIMIT: `${lots}/1h`,
};

export const nodeProcesses = ['user-service', 'order-service', 'payment-service', 'gateway'] as const;
export const processes = [
  ...nodeProcesses,
  'postgres-user',
  'postgres-order',
  'postgres-payment',
  'rabbitmq',
  'nginx',
] as const;
export type ProcessName = (typeof processes)[number];
export type ProcessorTimes = Record<ProcessName | 'floor', number>;

export interface BenchAccount extends Account, Owned {}

export interface BenchSystem {
  stack: RunningStack;
  shop: Shop;
  accounts: BenchAccount[];
  admin: Account;
  databases: Record<'user' | 'order' | 'payment', string>;
  floor: { express: string; yoga: string };
  /** Microseconds since each process started. */
  spent(): ProcessorTimes;
  /** Bytes that a process holds. */
  memory(name: ProcessName): number;
  stop(): Promise<void>;
}

async function startFloor(urls: string[]): Promise<{ child: ChildProcess; express: string; yoga: string }> {
  const child = fork(path.join(import.meta.dirname, 'floor-server.ts'), urls, { detached: true });
  const [[express, yoga]] = (await once(child, 'message')) as [[number, number]];
  return { child, express: `http://127.0.0.1:${express}`, yoga: `http://127.0.0.1:${yoga}/graphql` };
}

/** Starts it and fills it. */
export async function startBenchSystem(output: Output): Promise<BenchSystem> {
  const stack = await startStack({ environment: { ...liftedLimits, BCRYPT_COST: '10' }, events: output.events });
  try {
    return await prepare(stack, output);
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

async function prepare(stack: RunningStack, output: Output): Promise<BenchSystem> {
  const { environment } = stack;
  const databases = {
    user: environment.USER_DATABASE_URL ?? '',
    order: environment.ORDER_DATABASE_URL ?? '',
    payment: environment.PAYMENT_DATABASE_URL ?? '',
  };
  const shop = new Shop(addressOf(loadSettings({ ...process.env, ...environment })));
  const registered: Account[] = [];
  for (let i = 0; i < accountCount; i++)
    registered.push(await shop.register(`bench-${i}@example.com`, ['John', 'Doe']));
  await output.during('fill the databases', () =>
    fill(
      databases,
      registered.map(({ id }) => id),
    ),
  );
  const accounts = await Promise.all(
    registered.map(async (account) => ({ ...account, ...(await ownedBy(databases, account.id)) })),
  );
  const { child, ...floor } = await startFloor([databases.user, databases.order, databases.payment]);
  const sessions = Object.fromEntries(processes.map((name) => [name, stack.process(name).identity?.pid ?? 0]));
  return {
    stack,
    shop,
    accounts,
    admin: await shop.loginAsAdmin(),
    databases,
    floor,
    spent: () => {
      const times = { floor: processorTime(child.pid ?? 0) } as ProcessorTimes;
      for (const name of processes) times[name] = processorTime(sessions[name] ?? 0);
      return times;
    },
    memory: (name) => memoryOfSession(sessions[name] ?? 0),
    stop: async () => {
      child.disconnect();
      await stack.stop();
    },
  };
}
