// A RabbitMQ server of a test's own, which may be killed, frozen and starved of memory without disturbing anybody.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { TIMEOUT } from '../testing/src/time-limits.ts';
import { baseEnvironment } from './environment.ts';
import { ensureInstalled } from './packages.ts';
import { isListening, reservePorts } from './ports.ts';
import type { Task } from './program.ts';
import { rabbitmq, rabbitmqServer } from './programs/rabbitmq.ts';
import type { SupervisedProcess } from './supervised-process.ts';
import { Supervisor } from './supervisor.ts';
import { newTestDirectory } from './test-directories.ts';
import { startTestServers } from './test-servers.ts';

export interface PrivateBroker {
  url: string;
  /** Without credentials; they are those of the url. */
  managementUrl: string;
  /** The server, to be killed, paused or started again. */
  process: SupervisedProcess;
  /** Whether it takes connections. */
  isListening(): Promise<boolean>;
  /** Runs rabbitmqctl against it, e.g. `control('set_vm_memory_high_watermark', '0.4')`. */
  control(...args: string[]): Promise<void>;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

const rabbitmqControl = path.join(path.dirname(rabbitmqServer), 'rabbitmqctl');

/** `copyOf`: begins with what is in this folder of another one, which has stopped writing. */
export async function startPrivateBroker({ copyOf }: { copyOf?: string } = {}): Promise<PrivateBroker> {
  const directory = newTestDirectory();
  if (copyOf !== undefined) {
    mkdirSync(directory, { recursive: true });
    execFileSync('cp', ['-a', copyOf, path.join(directory, 'rabbitmq')]);
  }
  const reserved = await reservePorts(5);
  const [amqp = 0, management = 0, metrics = 0, distribution = 0, epmd = 0] = reserved.ports;
  const packages: Task = {
    kind: 'task',
    name: 'packages',
    needs: [],
    run: () => ensureInstalled(['rabbitmq'], directory),
  };
  const [portMapper, server] = rabbitmq({
    directory: path.join(directory, 'rabbitmq'),
    ports: { amqp, management, metrics, distribution, epmd },
    user: 'guest',
    password: 'guest',
    environment: baseEnvironment(),
    stopSignal: 'SIGKILL',
  });
  const supervisor = new Supervisor({
    directory,
    scope: 'test',
    parts: [packages, { ...portMapper, needs: [packages.name] }, server],
  });
  const cleanUp = async () => {
    rmSync(directory, { recursive: true, force: true });
    await reserved.release();
  };
  const stop = await startTestServers(supervisor, cleanUp);
  return {
    url: `amqp://guest:guest@127.0.0.1:${amqp}`,
    managementUrl: `http://127.0.0.1:${management}`,
    process: supervisor.process(server.name),
    isListening: () => isListening(amqp),
    control: async (...args) => {
      await promisify(execFile)(rabbitmqControl, args, { env: server.command().environment, timeout: 2 * TIMEOUT });
    },
    stop,
  };
}
