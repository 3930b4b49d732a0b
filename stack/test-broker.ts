// A RabbitMQ server of a test's own, which may be killed, frozen and starved of memory without disturbing anybody.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { TIMEOUT } from '../testing/src/time-limits.ts';
import { isListening } from './ports.ts';
import { rabbitmqServer } from './programs/rabbitmq.ts';
import type { SupervisedProcess } from './supervised-process.ts';
import { portsOfBroker, reserveTestPlace, testBroker } from './test-servers.ts';

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
  const { directory, ports, start } = await reserveTestPlace(portsOfBroker);
  if (copyOf !== undefined) {
    mkdirSync(directory, { recursive: true });
    execFileSync('cp', ['-a', copyOf, path.join(directory, 'rabbitmq')]);
  }
  const { supervisor, stop } = await start(testBroker(directory, ports));
  const [amqp = 0, management] = ports;
  const process = supervisor.process('rabbitmq');
  return {
    url: `amqp://guest:guest@127.0.0.1:${amqp}`,
    managementUrl: `http://127.0.0.1:${management}`,
    process,
    isListening: () => isListening(amqp),
    control: async (...args) => {
      const { environment: env } = process.program.command();
      await promisify(execFile)(rabbitmqControl, args, { env, timeout: 2 * TIMEOUT });
    },
    stop,
  };
}
