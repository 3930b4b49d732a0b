// What the whole system is made of, and what depends on what.
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { FILE_SUFFIX } from '../common/src/config/secret-file.ts';
import { ensureBuilt } from './build.ts';
import { baseEnvironment } from './environment.ts';
import { migrateUp } from './migrate.ts';
import { logFile } from './log-files.ts';
import { ensureInstalled, type SystemProgram } from './packages.ts';
import { repository } from './paths.ts';
import { selectParts, type Part, type Program, type Task } from './program.ts';
import { adminer } from './programs/adminer.ts';
import { guard } from './programs/guard.ts';
import { nginx, nginxDirectory } from './programs/nginx.ts';
import { nodeService } from './programs/node-service.ts';
import { postgres } from './programs/postgres.ts';
import { guardAuthorization, nginxLogMetrics, prometheus, type PrometheusOptions } from './programs/prometheus.ts';
import { rabbitmq } from './programs/rabbitmq.ts';
import { runCommand } from './run-command.ts';
import { portOf, reachableHost, type Settings } from './settings.ts';
import { databaseNames, serviceWorkspaces, variablePrefix } from './workspaces.ts';

interface Service {
  name: string;
  portVariable: string;
  /** The variables that only this service gets to see, beside those of its database. */
  own: string[];
  /** The services that it calls: it starts after them, so that it is whole once it is ready. */
  calls: string[];
  database?: Database;
}

export interface Database {
  /** Of its server. */
  name: string;
  portVariable: string;
  /** The variables that say where it is and as whom to connect, by what they are called for the migrations. */
  variables: Record<`DATABASE_${'URL' | 'HOST' | 'PORT' | 'USER' | 'PASSWORD' | 'NAME'}`, string>;
  /** The variables that say as whom others connect, by what they are called for the migrations, which make these roles. */
  roles: Record<'SERVICE_USER' | 'SERVICE_PASSWORD', string> & Record<string, string>;
}

function databaseOf(service: string): Database {
  const prefix = variablePrefix(service);
  const variables = {
    DATABASE_URL: `${prefix}_DATABASE_URL`,
    DATABASE_HOST: `${prefix}_DB_HOST`,
    DATABASE_PORT: `${prefix}_DB_PORT`,
    DATABASE_USER: `${prefix}_DB_OWNER`,
    DATABASE_PASSWORD: `${prefix}_DB_OWNER_PASSWORD`,
    DATABASE_NAME: `${prefix}_DB_NAME`,
  };
  const roles = {
    SUPERUSER: 'POSTGRES_USER',
    SUPERUSER_PASSWORD: 'POSTGRES_PASSWORD',
    SERVICE_USER: `${prefix}_DB_USER`,
    SERVICE_PASSWORD: `${prefix}_DB_PASSWORD`,
    ...(service === 'payment' && {
      TENANT_USER: 'SIMULATED_PROVIDER_DB_USER',
      TENANT_PASSWORD: 'SIMULATED_PROVIDER_DB_PASSWORD',
    }),
  };
  return { name: service, portVariable: `${prefix}_DB_PORT`, variables, roles };
}

const ownersOfDatabases = serviceWorkspaces.flatMap(({ name, database }) => (database === undefined ? [] : [name]));

/** The gateway starts after the services that it asks. No service waits for another: each is whole without them. */
export const services: Service[] = serviceWorkspaces.map(({ name, portVariable, database, own = [] }) => ({
  name,
  portVariable,
  own,
  calls: database === undefined ? ownersOfDatabases : [],
  ...(database !== undefined && { database: databaseOf(database) }),
}));

/** Where the stack's own servers are. */
const ownHosts = ['127.0.0.1', 'localhost'];

/** For the servers, which need none of it. */
const notForServices = ['POSTGRES_USER', 'POSTGRES_PASSWORD', 'GRAFANA_PASSWORD', 'TLS_CERT_FILE', 'TLS_KEY_FILE'];

export const infrastructure = [
  ...databaseNames.map((name) => `postgres-${name}`),
  'rabbitmq',
  'rabbitmq-page',
  'adminer',
];

export interface PartsOptions {
  settings: Settings;
  directory: string;
  /** Further settings of the PostgreSQL servers. */
  postgresSettings?: Record<string, string>;
  /** How RabbitMQ is stopped, where its data need not survive. */
  rabbitmqStopSignal?: NodeJS.Signals;
  withAdminer: boolean;
  /** What changes in the settings of a service, asked each time it starts. */
  changes?: ((service: string) => Record<string, string>) | undefined;
  /** Whether Prometheus runs too, and how it differs from what prometheus/ says. */
  withPrometheus?: boolean | Pick<PrometheusOptions, 'adapt'>;
}

/** Everything that a whole system consists of. No server starts for settings that a service will refuse. */
export function systemParts(options: PartsOptions): Part[] {
  const { settings, directory } = options;
  const judgement = task('settings', ['build'], () =>
    runCommand([process.execPath, path.join(import.meta.dirname, 'check-settings.ts')], {
      directory,
      log: 'settings',
      workingDirectory: repository,
      environment: { ...baseEnvironment(), ...settings.variables },
    }),
  );
  return [judgement, ...partsAfter([judgement.name], options)];
}

function partsAfter(first: string[], options: PartsOptions): Part[] {
  const { directory, withAdminer, withPrometheus } = options;
  const programs: SystemProgram['name'][] = [
    'rabbitmq',
    'nginx',
    ...(withAdminer ? (['php', 'adminer'] as const) : []),
    ...(withPrometheus ? (['prometheus', 'mtail'] as const) : []),
  ];
  const packages = task('packages', [], () => ensureInstalled(programs, directory));
  const build = task('build', [], (signal) => ensureBuilt(directory, signal));
  const allServers = servers(options).map((server) => ({
    ...server,
    needs: [packages.name, ...first, ...server.needs],
  }));
  const allServices = services.flatMap((service) => serviceParts(service, build.name, options));
  return [
    packages,
    build,
    ...allServers,
    ...allServices,
    edge(options, [packages.name, 'gateway']),
    ...observers(options, [packages.name, ...first]),
  ];
}

/** The servers that a developer's own processes need, with nginx at hand for whoever asks for it. */
export function infrastructureParts(options: PartsOptions): Part[] {
  const all = partsAfter([], options);
  const needed = selectParts(all, infrastructure);
  const packages = needed.filter((part) => part.kind === 'task').map(({ name }) => name);
  return [...needed, { ...edge(options, packages), onRequest: true }];
}

function edge({ settings, directory }: PartsOptions, needs: string[]): Program {
  const { ports, host, certificate } = settings;
  const at = (port: number) => `${reachableHost(host)}:${port}`;
  return nginx({
    directory: nginxDirectory(directory),
    host,
    ports: { entry: ports.NGINX_PORT, status: ports.NGINX_STATUS_PORT },
    tls: certificate && { ...certificate, port: ports.NGINX_TLS_PORT },
    rateLimit: settings.nginxRateLimit,
    connectionLimit: settings.nginxConnectionLimit,
    nodeEnvironment: settings.variables.NODE_ENV ?? '',
    allowedHosts: settings.variables.ALLOWED_HOSTS ?? '',
    corsOrigins: settings.variables.CORS_ORIGINS ?? '',
    upstreams: Object.fromEntries(services.map(({ name, portVariable }) => [name, at(portOf(ports, portVariable))])),
    needs,
    environment: baseEnvironment(),
  });
}

/** Prometheus, and what metrics it needs help for. It waits for nothing that it asks. */
function observers({ settings, directory, withPrometheus }: PartsOptions, needs: string[]): Program[] {
  if (!withPrometheus) return [];
  const { ports } = settings;
  const environment = baseEnvironment();
  const own = (job: string, port: number) => ({ job, address: `127.0.0.1:${port}` });
  const broker = own('rabbitmq', ports.RABBITMQ_METRICS_PORT);
  const password = randomBytes(32).toString('base64url'); // between Prometheus and its guard, of this run
  return [
    nginxLogMetrics({
      port: ports.NGINX_LOG_METRICS_PORT,
      accessLog: logFile(directory, 'nginx'),
      directory: path.join(directory, 'nginx-log'),
      needs,
      environment,
    }),
    prometheus({
      ...(withPrometheus === true ? {} : withPrometheus),
      directory: path.join(directory, 'prometheus'),
      port: ports.PROMETHEUS_INTERNAL_PORT,
      password,
      targets: [
        ...services.map(({ name, portVariable }) => ({
          job: name,
          address: `${reachableHost(settings.host)}:${portOf(ports, portVariable)}`,
        })),
        broker,
        {
          ...broker,
          job: 'rabbitmq-queues',
          path: '/metrics/detailed',
          parameters: { family: 'queue_coarse_metrics' },
        },
        own('nginx', ports.NGINX_STATUS_PORT),
        own('nginx-log', ports.NGINX_LOG_METRICS_PORT),
        own('prometheus', ports.PROMETHEUS_PORT),
      ],
      retention: settings.prometheusRetention,
      alertmanagers: settings.alertmanagers,
      needs,
      environment,
    }),
    guard({
      name: 'prometheus-page',
      directory: path.join(directory, 'prometheus-page'),
      account: 'prometheus',
      port: ports.PROMETHEUS_PORT,
      portVariable: 'PROMETHEUS_PORT',
      upstream: `127.0.0.1:${ports.PROMETHEUS_INTERNAL_PORT}`,
      authorization: () => guardAuthorization(password),
      allowedHosts: settings.variables.ALLOWED_HOSTS ?? '',
      needs,
      environment,
    }),
  ];
}

function serviceParts({ name, portVariable, database, calls }: Service, build: string, options: PartsOptions): Part[] {
  const { settings, directory } = options;
  const migrations =
    database &&
    task(`migrations-${database.name}`, [build, `postgres-${database.name}`], () =>
      migrateUp({
        service: name,
        directory,
        environment: migrationEnvironment(database, settings),
      }),
    );
  const service = nodeService({
    name,
    stackDirectory: directory,
    host: settings.host,
    port: portOf(settings.ports, portVariable),
    portVariable,
    environment: serviceEnvironment(name, settings),
    changes: options.changes && (() => options.changes?.(name) ?? {}),
    // Not the broker: a service starts, reads and writes without it, and its events flow when it is there.
    needs: [build, ...calls, ...(migrations ? [migrations.name] : [])],
  });
  return migrations ? [migrations, service] : [service];
}

function servers({ settings, directory, postgresSettings, rabbitmqStopSignal, withAdminer }: PartsOptions): Program[] {
  const { ports } = settings;
  const environment = baseEnvironment();
  const allowedHosts = settings.variables.ALLOWED_HOSTS ?? '';
  const databases = services.map((service) => service.database).filter((database) => database !== undefined);
  const clusters = databases.map(({ name, portVariable, variables }) =>
    postgres({
      name: `postgres-${name}`,
      databases: [settings.variables[variables.DATABASE_NAME] ?? name],
      ...settings.postgres,
      settings: postgresSettings,
      environment,
      port: portOf(ports, portVariable),
      portVariable,
      dataDirectory: path.join(directory, `postgres-${name}`),
    }),
  );
  const broker = rabbitmq({
    directory: path.join(directory, 'rabbitmq'),
    ports: {
      amqp: ports.RABBITMQ_PORT,
      management: ports.RABBITMQ_MANAGEMENT_INTERNAL_PORT,
      metrics: ports.RABBITMQ_METRICS_PORT,
      distribution: ports.RABBITMQ_DIST_PORT,
      epmd: ports.EPMD_PORT,
    },
    ...settings.rabbitmq,
    environment,
    stopSignal: rabbitmqStopSignal,
  });
  const brokerPage = guard({
    name: 'rabbitmq-page',
    directory: path.join(directory, 'rabbitmq-page'),
    account: 'rabbitmq',
    port: ports.RABBITMQ_MANAGEMENT_PORT,
    portVariable: 'RABBITMQ_MANAGEMENT_PORT',
    upstream: `127.0.0.1:${ports.RABBITMQ_MANAGEMENT_INTERNAL_PORT}`,
    allowedHosts,
    needs: [],
    environment,
  });
  if (!withAdminer) return [...clusters, ...broker, brokerPage];
  const addresses = Object.fromEntries(
    databases.map(
      ({ name, portVariable }) => [`postgres-${name}`, `127.0.0.1:${portOf(ports, portVariable)}`] as const,
    ),
  );
  const page = adminer({
    directory: path.join(directory, 'adminer-page'),
    port: ports.ADMINER_PORT,
    allowedHosts,
    servers: addresses,
    needs: [],
    environment,
  });
  return [...clusters, ...broker, brokerPage, page];
}

/** The variables of .env that a service gets: not what belongs to another one alone. */
export function serviceEnvironment(name: string, { variables }: Settings): Record<string, string> {
  const others = services
    .filter((service) => service.name !== name)
    .flatMap(({ own, database }) => [...own, ...Object.values({ ...database?.variables, ...database?.roles })]);
  const owners = services.flatMap(({ database }) =>
    database ? [database.variables.DATABASE_USER, database.variables.DATABASE_PASSWORD] : [],
  );
  const hidden = new Set([...others, ...owners, ...notForServices]);
  const secretOf = (variable: string) => (variable.endsWith(FILE_SUFFIX) ? variable.slice(0, -FILE_SUFFIX.length) : '');
  const visible = Object.entries(variables).filter(
    ([variable]) => !hidden.has(variable) && !hidden.has(secretOf(variable)),
  );
  return { ...baseEnvironment(), ...Object.fromEntries(visible) };
}

/** What the migration tool gets to know: where a database is, and as whom to connect to it. */
export function migrationEnvironment(
  database: Database,
  { variables }: Pick<Settings, 'variables'>,
): Record<string, string> {
  const valuesOf = (names: Record<string, string>) =>
    Object.fromEntries(Object.entries(names).map(([name, variable]) => [name, variables[variable] ?? '']));
  const host = variables[database.variables.DATABASE_HOST] ?? '';
  const names = Object.entries({ ...database.variables, ...database.roles });
  return {
    ...baseEnvironment(),
    NODE_ENV: variables.NODE_ENV ?? '',
    SETTING_NAMES: names.map((pair) => pair.join('=')).join(' '),
    ...valuesOf(database.variables),
    // The roles of a server elsewhere are made by whoever looks after it.
    ...(ownHosts.includes(host) && {
      ...valuesOf(database.roles),
      TENANT_SCHEMA: database.roles.TENANT_USER ? 'simulated_provider' : '',
    }),
  };
}

function task(name: string, needs: string[], run: Task['run']): Task {
  return { kind: 'task', name, needs, run };
}
