// What the whole system is made of, and what depends on what.
import path from 'node:path';
import { ensureBuilt } from './build.ts';
import { baseEnvironment } from './environment.ts';
import { migrateUp } from './migrate.ts';
import { ensureInstalled, type SystemProgram } from './packages.ts';
import type { Part, Program, Task } from './program.ts';
import { adminer } from './programs/adminer.ts';
import { nodeService } from './programs/node-service.ts';
import { postgres } from './programs/postgres.ts';
import { rabbitmq } from './programs/rabbitmq.ts';
import type { PortVariable, Settings } from './settings.ts';

interface Service {
  name: string;
  portVariable: PortVariable;
  /** The variables that only this service gets to see. */
  own: string[];
  /** The services that it calls: it starts after them, so that it is whole once it is ready. */
  calls: string[];
  database?: { name: string; portVariable: PortVariable; urlVariable: string };
}

export const services: Service[] = [
  {
    name: 'user-service',
    portVariable: 'USER_SERVICE_PORT',
    own: ['USER_DATABASE_URL', 'JWT_PRIVATE_KEY', 'REFRESH_TOKEN_SECRET', 'ADMIN_EMAIL', 'ADMIN_PASSWORD'],
    calls: [],
    database: { name: 'user', portVariable: 'USER_DB_PORT', urlVariable: 'USER_DATABASE_URL' },
  },
  {
    name: 'order-service',
    portVariable: 'ORDER_SERVICE_PORT',
    own: ['ORDER_DATABASE_URL'],
    calls: [],
    database: { name: 'order', portVariable: 'ORDER_DB_PORT', urlVariable: 'ORDER_DATABASE_URL' },
  },
  {
    name: 'payment-service',
    portVariable: 'PAYMENT_SERVICE_PORT',
    own: ['PAYMENT_DATABASE_URL', 'SIMULATED_PROVIDER_DATABASE_URL', 'SIMULATED_WEBHOOK_SECRETS'],
    calls: [], // order-service, but only for an order that it has not heard of yet
    database: { name: 'payment', portVariable: 'PAYMENT_DB_PORT', urlVariable: 'PAYMENT_DATABASE_URL' },
  },
  {
    name: 'gateway',
    portVariable: 'GATEWAY_PORT',
    own: [],
    calls: ['user-service', 'order-service', 'payment-service'],
  },
];

/** For the servers, which need none of it. */
const notForServices = ['POSTGRES_USER', 'POSTGRES_PASSWORD', 'RABBITMQ_USER', 'RABBITMQ_PASSWORD'];

export const infrastructure = ['postgres-user', 'postgres-order', 'postgres-payment', 'rabbitmq', 'adminer'];

export interface PartsOptions {
  settings: Settings;
  directory: string;
  /** Further settings of the PostgreSQL servers. */
  postgresSettings?: Record<string, string>;
  /** How RabbitMQ is stopped, where its data need not survive. */
  rabbitmqStopSignal?: NodeJS.Signals;
  withAdminer: boolean;
}

/** Everything that a whole system consists of. */
export function systemParts(options: PartsOptions): Part[] {
  const { directory, withAdminer } = options;
  const programs: SystemProgram['name'][] = withAdminer ? ['rabbitmq', 'php', 'adminer'] : ['rabbitmq'];
  const packages = task('packages', [], () => ensureInstalled(programs, directory));
  const build = task('build', [], (signal) => ensureBuilt(directory, signal));
  const allServers = servers(options).map((server) => ({ ...server, needs: [packages.name, ...server.needs] }));
  const allServices = services.flatMap((service) => serviceParts(service, build.name, options));
  return [packages, build, ...allServers, ...allServices];
}

function serviceParts({ name, portVariable, database, calls }: Service, build: string, options: PartsOptions): Part[] {
  const { settings, directory } = options;
  const migrations =
    database &&
    task(`migrations-${database.name}`, [build, `postgres-${database.name}`], () =>
      migrateUp({
        service: name,
        directory,
        environment: baseEnvironment(),
        databaseUrl: settings.variables[database.urlVariable] ?? '',
      }),
    );
  const service = nodeService({
    name,
    host: settings.host,
    port: settings.ports[portVariable],
    portVariable,
    environment: serviceEnvironment(name, settings),
    // Not the broker: a service starts, reads and writes without it, and its events flow when it is there.
    needs: [build, ...calls, ...(migrations ? [migrations.name] : [])],
  });
  return migrations ? [migrations, service] : [service];
}

function servers({ settings, directory, postgresSettings, rabbitmqStopSignal, withAdminer }: PartsOptions): Program[] {
  const { ports } = settings;
  const environment = baseEnvironment();
  const databases = services.map((service) => service.database).filter((database) => database !== undefined);
  const clusters = databases.map(({ name, portVariable }) =>
    postgres({
      name: `postgres-${name}`,
      databases: [name],
      ...settings.postgres,
      settings: postgresSettings,
      environment,
      port: ports[portVariable],
      portVariable,
      dataDirectory: path.join(directory, `postgres-${name}`),
    }),
  );
  const broker = rabbitmq({
    directory: path.join(directory, 'rabbitmq'),
    ports: {
      amqp: ports.RABBITMQ_PORT,
      management: ports.RABBITMQ_MANAGEMENT_PORT,
      metrics: ports.RABBITMQ_METRICS_PORT,
      distribution: ports.RABBITMQ_DIST_PORT,
      epmd: ports.EPMD_PORT,
    },
    ...settings.rabbitmq,
    environment,
    stopSignal: rabbitmqStopSignal,
  });
  if (!withAdminer) return [...clusters, ...broker];
  const addresses = Object.fromEntries(
    databases.map(({ name, portVariable }) => [`postgres-${name}`, `127.0.0.1:${ports[portVariable]}`] as const),
  );
  const page = adminer({
    port: ports.ADMINER_PORT,
    servers: addresses,
    needs: [],
    environment,
  });
  return [...clusters, ...broker, page];
}

/** The variables of .env that a service gets: not what belongs to another one alone. */
export function serviceEnvironment(name: string, { variables }: Settings): Record<string, string> {
  const others = services.filter((service) => service.name !== name).flatMap((service) => service.own);
  const hidden = new Set([...others, ...notForServices]);
  const visible = Object.entries(variables).filter(([variable]) => !hidden.has(variable));
  return { ...baseEnvironment(), ...Object.fromEntries(visible) };
}

function task(name: string, needs: string[], run: Task['run']): Task {
  return { kind: 'task', name, needs, run };
}
