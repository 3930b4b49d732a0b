// Servers for tests: on ports that nobody else is given, in a folder of their own, beside any running stack.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { baseEnvironment } from './environment.ts';
import { ensureInstalled } from './packages.ts';
import { reservePorts } from './ports.ts';
import type { Part } from './program.ts';
import { rabbitmq } from './programs/rabbitmq.ts';
import { Supervisor, type SupervisorEvents } from './supervisor.ts';
import { newTestDirectory } from './test-directories.ts';

export interface TestServers {
  supervisor: Supervisor;
  /** Ends all of them, and removes their data. */
  stop: () => Promise<void>;
}

/** Where servers for tests will be. */
export interface TestPlace {
  directory: string;
  ports: number[];
  /** Starts servers and waits until they are ready; cleans up where they don't start. */
  start: (parts: Part[], events?: Partial<SupervisorEvents>) => Promise<TestServers>;
}

/** So many free ports, and a folder: what is named here is kept, another one is made for this run. */
export async function reserveTestPlace(count: number, kept?: string): Promise<TestPlace> {
  const directory = kept === undefined ? newTestDirectory() : path.resolve(kept);
  const reserved = await reservePorts(count);
  const cleanUp = async () => {
    if (kept === undefined) rmSync(directory, { recursive: true, force: true });
    await reserved.release();
  };
  return {
    directory,
    ports: reserved.ports,
    start: async (parts, events) => {
      const supervisor = new Supervisor({ directory, scope: 'test', parts, events });
      try {
        await supervisor.start();
      } catch (error) {
        await cleanUp();
        throw error;
      }
      const stop = async () => {
        await supervisor.stop();
        await cleanUp();
      };
      return { supervisor, stop };
    },
  };
}

export const portsOfBroker = 5;

/** RabbitMQ whose data need not survive, for guest with the password guest: on the first of the ports, its management on the second. */
export function testBroker(directory: string, ports: number[]): Part[] {
  const [amqp = 0, management = 0, metrics = 0, distribution = 0, epmd = 0] = ports;
  const broker = rabbitmq({
    directory: path.join(directory, 'rabbitmq'),
    ports: { amqp, management, metrics, distribution, epmd },
    user: 'guest',
    password: 'guest',
    environment: baseEnvironment(),
    stopSignal: 'SIGKILL',
  });
  return [
    { kind: 'task', name: 'packages', needs: [], run: () => ensureInstalled(['rabbitmq'], directory) },
    ...broker.map((program) => ({ ...program, needs: ['packages', ...program.needs] })),
  ];
}
