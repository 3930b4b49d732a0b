// The system that is measured: every feature on, limits alone lifted, beside the floor that it is measured against.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { addressOf, Shop, type Account } from '../../stack/demo/shop.ts';
import type { Output } from '../../stack/output.ts';
import { memoryOfSession } from '../../stack/processes.ts';
import { loadSettings } from '../../stack/settings.ts';
import { reservePorts } from '../../stack/ports.ts';
import { untilAskedToStop } from '../../stack/signals.ts';
import { startStack, type RunningStack } from '../../stack/start-stack.ts';
import { ProcessorTimer, residentMemory } from './processor-time.ts';
import { fill, ownedBy, type Owned } from './rows.ts';

const accountCount = 16;
const lots = '1000000';
/** The least there is: what a login costs beside its hash is lost in what a real hash costs. */
export const bcryptCost = 4;
const changedSettings = {
  NGINX_RATE_LIMIT: '1000000',
  NGINX_CONNECTION_LIMIT: '65535',
  GATEWAY_RATE_LIMIT: lots,
  SERVICE_RATE_LIMIT: lots,
  LOGIN_RATE_LIMIT: `${lots}/1m`,
  REGISTRATION_LIMIT: `${lots}/1h`,
  REFRESH_LIMIT: `${lots}/1h`,
  NEW_QUERY_TIME_PER_CLIENT: '10000/1s',
  NEW_QUERY_TIME_IN_ALL: '10000/1s',
  BCRYPT_COST: String(bcryptCost),
  // As .env.example has them; a stack for tests refuses nothing.
  GATEWAY_OVERLOAD_DELAY: '1s',
  SERVICE_OVERLOAD_DELAY: '1500ms',
};

export const nodeProcesses = ['user-service', 'order-service', 'payment-service', 'gateway'] as const;
export type NodeProcess = (typeof nodeProcesses)[number];
export const databaseProcesses = ['postgres-user', 'postgres-order', 'postgres-payment'] as const;
export const processes = [...nodeProcesses, ...databaseProcesses, 'rabbitmq', 'nginx'] as const;
export type ProcessName = (typeof processes)[number];
export type ProcessorTimes = Record<ProcessName | 'floor', number>;

export type BenchAccount = Account & Owned;

export interface BenchSystem {
  stack: RunningStack;
  shop: Shop;
  accounts: BenchAccount[];
  /** Accounts that log in again and again. */
  visitors: Account[];
  admin: Account;
  databases: Record<'user' | 'order' | 'payment', pg.Pool>;
  floor: { express: string; yoga: string };
  /** Microseconds since each process started. */
  spent(): ProcessorTimes;
  /** Bytes: as `ps` shows them, and with what processes share divided among them. */
  memory(name: ProcessName): { resident: number; proportional: number };
  /** The process that was started by that name. */
  pidOf(name: ProcessName): number;
  /** Where its inspector listens once it has got SIGUSR1. */
  inspectorPortOf(name: NodeProcess): number;
  stop(): Promise<void>;
}

interface Floor {
  child: ChildProcess;
  express: string;
  yoga: string;
}

async function startFloor(urls: string[], privateKey: string): Promise<Floor> {
  const child = fork(path.join(import.meta.dirname, 'floor-server.ts'), [...urls, privateKey], {
    detached: true,
    env: { ...process.env, NODE_ENV: 'production' }, // graphql costs no more than in the gateway (its load-graphql.ts)
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the floor ended with ${code} while it started`);
  });
  const [[express, yoga]] = (await Promise.race([once(child, 'message'), ended])) as [[number, number]];
  ended.catch(() => undefined); // it is asked to end
  return { child, express: `http://127.0.0.1:${express}`, yoga: `http://127.0.0.1:${yoga}/graphql` };
}

/** Starts it, with these settings besides, and fills it. */
export async function startBenchSystem(output: Output, environment: Record<string, string> = {}): Promise<BenchSystem> {
  const asked = untilAskedToStop();
  const inspectors = await reservePorts(nodeProcesses.length);
  const inspectorPortOf = (name: string): number =>
    inspectors.ports[nodeProcesses.findIndex((one) => one === name)] ?? 0;
  const stack = await startStack({
    environment: { ...changedSettings, ...environment },
    changes: (name) => ({ NODE_OPTIONS: `--inspect-port=127.0.0.1:${inspectorPortOf(name)}` }),
    events: output.events,
  });
  let isRunning = true;
  const stop = async (): Promise<void> => {
    isRunning = false;
    await stack.stop();
    await inspectors.release();
  };
  // Its servers don't end with this process.
  void asked.then(async (signal) => {
    if (isRunning) await stop().finally(() => process.exit(128 + constants.signals[signal]));
  });
  try {
    const system = await prepare({ ...stack, stop }, output);
    return { ...system, inspectorPortOf };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function prepare(stack: RunningStack, output: Output): Promise<Omit<BenchSystem, 'inspectorPortOf'>> {
  const { environment } = stack;
  const urls = ['USER', 'ORDER', 'PAYMENT'].map((name) => environment[`${name}_DATABASE_URL`] ?? '');
  const [user = '', order = '', payment = ''] = urls;
  const pool = (connectionString: string): pg.Pool => {
    const made = new pg.Pool({ connectionString, max: 2 });
    made.on('error', () => undefined); // an idle connection ends with its server
    return made;
  };
  const databases = { user: pool(user), order: pool(order), payment: pool(payment) };
  const shop = new Shop(addressOf(loadSettings({ ...process.env, ...environment })));
  const registered: Account[] = [];
  for (let i = 0; i < accountCount; i++)
    registered.push(await shop.register(`bench-${i}@example.com`, ['John', 'Doe']));
  const visitors: Account[] = [];
  for (let i = 0; i < accountCount; i++)
    visitors.push(await shop.register(`visitor-${i}@example.com`, ['Jane', 'Doe']));
  const ids = registered.map(({ id }) => id);
  await output.during('fill the databases', () => fill(databases, ids));
  const accounts = await Promise.all(
    registered.map(async (account) => ({ ...account, ...(await ownedBy(databases, account.id)) })),
  );
  const { child, ...floor } = await startFloor(urls, environment.JWT_PRIVATE_KEY ?? '');
  const timer = new ProcessorTimer();
  const pidOf = (name: ProcessName): number => stack.process(name).identity?.pid ?? 0;
  return {
    stack,
    shop,
    accounts,
    visitors,
    admin: await shop.loginAsAdmin(),
    databases,
    floor,
    pidOf,
    spent: () => {
      const times = { floor: timer.of(child.pid ?? 0) } as ProcessorTimes;
      for (const name of processes) times[name] = timer.of(pidOf(name));
      return times;
    },
    memory: (name) => ({ resident: residentMemory(pidOf(name)), proportional: memoryOfSession(pidOf(name)) }),
    stop: async () => {
      child.disconnect();
      await Promise.all(Object.values(databases).map((database) => database.end()));
      await stack.stop();
    },
  };
}
