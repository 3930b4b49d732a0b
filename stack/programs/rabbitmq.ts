// RabbitMQ from the system's package, with all of its files in a folder of the stack's, and Erlang's port mapper for it. It may
// write its data alone, not what it is configured by.
import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { makePassable } from '../data-folder.ts';
import { isListening } from '../ports.ts';
import type { Program } from '../program.ts';
import { ownFolder, serverAccount, writeReadable, type Account } from '../system-account.ts';
import { answersOk } from './node-service.ts';

export interface RabbitmqOptions {
  /** Holds the configuration and all data. */
  directory: string;
  /** `management`: where it listens itself; there may be a guard in front of it. */
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
  const account = (): Account | undefined => serverAccount('rabbitmq', path.dirname(directory));
  const epmd: Program = {
    kind: 'program',
    name: 'epmd',
    needs: [],
    ports: [{ port: ports.epmd, variable: 'EPMD_PORT' }],
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 2_000,
    async prepare() {
      makePassable(directory);
      ownFolder(homeOf(directory), account());
    },
    command: () => ({
      argv: ['epmd', '-port', String(ports.epmd), '-address', '127.0.0.1'],
      environment,
      directory: homeOf(directory),
      ...account(),
    }),
    isReady: () => isListening(ports.epmd),
  };
  const server: Program = {
    kind: 'program',
    name: 'rabbitmq',
    needs: ['epmd'],
    ports: [
      { port: ports.amqp, variable: 'RABBITMQ_PORT' },
      { port: ports.management, variable: 'RABBITMQ_MANAGEMENT_INTERNAL_PORT' },
      { port: ports.metrics, variable: 'RABBITMQ_METRICS_PORT' },
      { port: ports.distribution, variable: 'RABBITMQ_DIST_PORT' },
    ],
    stopSignal,
    stopTimeoutMs: 20_000,
    prepare: async () => writeConfiguration(options, account()),
    command: () => ({ argv: ['sh', '-c', start], environment, directory: homeOf(directory), ...account() }),
    isReady: async () => (await isListening(ports.amqp)) && (await managementAnswers(options)),
  };
  return [epmd, server];
}

/**
 * Its queues keep the folder that they were made in, by its whole path, and are not found once the project was moved or
 * copied: so they are given the path of today. As the server's own user, whom the files belong to.
 */
const start = [
  `find "$RABBITMQ_MNESIA_BASE" -name config -exec`,
  `perl -pi -e 's{"[^"]*/mnesia(?=/[^"/]+/(quorum|coordination)/)}{"$ENV{RABBITMQ_MNESIA_BASE}}' {} +`,
  `&& exec ${rabbitmqServer}`,
].join(' ');

/** Of the Erlang cookie, which Erlang makes for its owner alone, and of what a crash leaves. */
const homeOf = (directory: string): string => path.join(directory, 'home');

function rabbitmqEnvironment({ directory, ports }: RabbitmqOptions): Record<string, string> {
  return {
    HOME: homeOf(directory),
    RABBITMQ_CONF_ENV_FILE: path.join(directory, 'rabbitmq-env.conf'),
    RABBITMQ_CONFIG_FILE: path.join(directory, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: path.join(directory, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: path.join(directory, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: path.join(directory, 'mnesia'),
    RABBITMQ_LOG_BASE: path.join(directory, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_PID_FILE: path.join(homeOf(directory), 'rabbitmq.pid'),
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

function writeConfiguration(options: RabbitmqOptions, account: Account | undefined): void {
  const { directory, ports } = options;
  for (const folder of ['mnesia', 'log']) ownFolder(path.join(directory, folder), account);
  const write = (name: string, text: string) => writeReadable(account, path.join(directory, name), text);
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
  return answersOk(`http://127.0.0.1:${ports.management}/api/overview`, basicAuthorization({ user, password }));
}
