// RabbitMQ from the system's package, with all of its files in a folder of the stack's, and Erlang's port mapper for it.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { makePrivate } from '../data-folder.ts';
import { isListening } from '../ports.ts';
import type { Program } from '../program.ts';
import { writeWholeFile } from '../whole-file.ts';

export interface RabbitmqOptions {
  /** Holds the configuration and all data. */
  directory: string;
  ports: { amqp: number; management: number; metrics: number; distribution: number; epmd: number };
  user: string;
  password: string;
  environment: Record<string, string>;
  /** For data that is thrown away: stops at once. */
  stopSignal?: NodeJS.Signals;
}

export const rabbitmqServer = '/usr/lib/rabbitmq/bin/rabbitmq-server'; // the one in /usr/sbin switches user and uses /var

export function rabbitmq(options: RabbitmqOptions): [epmd: Program, rabbitmq: Program] {
  const { directory, ports, stopSignal = 'SIGTERM' } = options;
  const environment = { ...options.environment, ...rabbitmqEnvironment(options) };
  const epmd: Program = {
    kind: 'program',
    name: 'epmd',
    needs: [],
    ports: [{ port: ports.epmd, variable: 'EPMD_PORT' }],
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 2_000,
    prepare: async () => makePrivate(directory),
    command: () => ({
      argv: ['epmd', '-port', String(ports.epmd), '-address', '127.0.0.1'],
      environment,
      directory,
    }),
    isReady: () => isListening(ports.epmd),
  };
  const server: Program = {
    kind: 'program',
    name: 'rabbitmq',
    needs: ['epmd'],
    ports: [
      { port: ports.amqp, variable: 'RABBITMQ_PORT' },
      { port: ports.management, variable: 'RABBITMQ_MANAGEMENT_PORT' },
      { port: ports.metrics, variable: 'RABBITMQ_METRICS_PORT' },
      { port: ports.distribution, variable: 'RABBITMQ_DIST_PORT' },
    ],
    stopSignal,
    stopTimeoutMs: 20_000,
    prepare: async () => writeConfiguration(options),
    command: () => ({ argv: [rabbitmqServer], environment, directory }),
    isReady: async () => (await isListening(ports.amqp)) && (await managementAnswers(options)),
  };
  return [epmd, server];
}

function rabbitmqEnvironment({ directory, ports }: RabbitmqOptions): Record<string, string> {
  return {
    HOME: directory, // of the Erlang cookie
    RABBITMQ_CONF_ENV_FILE: path.join(directory, 'rabbitmq-env.conf'),
    RABBITMQ_CONFIG_FILE: path.join(directory, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: path.join(directory, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: path.join(directory, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: path.join(directory, 'mnesia'),
    RABBITMQ_LOG_BASE: path.join(directory, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_PID_FILE: path.join(directory, 'rabbitmq.pid'),
    RABBITMQ_NODENAME: 'shop@localhost',
    RABBITMQ_DIST_PORT: String(ports.distribution),
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_CRASH_DUMP_SECONDS: '0', // no dump: it has the size of its memory, with passwords and messages in it
    // The second half keeps Erlang's schedulers from spinning while they wait for work.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none',
  };
}

function writeConfiguration(options: RabbitmqOptions): void {
  const { directory, ports } = options;
  for (const folder of ['mnesia', 'log']) mkdirSync(path.join(directory, folder), { recursive: true });
  const write = (file: string, text: string) => writeWholeFile(path.join(directory, file), text, { mode: 0o600 });
  const settings = {
    'listeners.tcp.1': `127.0.0.1:${ports.amqp}`,
    'management.tcp.ip': '127.0.0.1',
    'management.tcp.port': ports.management,
    'prometheus.tcp.ip': '127.0.0.1',
    'prometheus.tcp.port': ports.metrics,
    'log.console': true,
    'log.console.level': 'info',
    'disk_free_limit.absolute': '50MB',
    load_definitions: path.join(directory, 'definitions.json'),
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`);
  write('rabbitmq.conf', lines.join(''));
  write('enabled_plugins', '[rabbitmq_management,rabbitmq_prometheus].\n');
  write('definitions.json', JSON.stringify(definitions(options)));
}

/** Read at each start, so that a changed password in .env takes effect. */
function definitions({ user, password }: RabbitmqOptions): object {
  // https://www.rabbitmq.com/docs/passwords#computing-password-hash
  const salt = randomBytes(4);
  const hash = createHash('sha256').update(salt).update(password).digest();
  return {
    users: [
      {
        name: user,
        password_hash: Buffer.concat([salt, hash]).toString('base64'),
        hashing_algorithm: 'rabbit_password_hashing_sha256',
        tags: ['administrator'],
      },
    ],
    vhosts: [{ name: '/' }],
    permissions: [{ user, vhost: '/', configure: '.*', write: '.*', read: '.*' }],
  };
}

/** What its management interface asks for. */
export function basicAuthorization({ user, password }: { user: string; password: string }): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

async function managementAnswers({ ports, user, password }: RabbitmqOptions): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${ports.management}/api/overview`, {
      headers: { authorization: basicAuthorization({ user, password }) },
      signal: AbortSignal.timeout(2_000),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false; // not there yet; the supervisor's deadline ends this
  }
}
