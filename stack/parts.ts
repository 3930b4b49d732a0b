// What the whole system is made of, and what depends on what.
import { randomBytes } from 'node:crypto';
import path from 'node:path';
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
import { databases, migrationEnvironment, serviceEnvironment, services, type Service } from './services.ts';
import { portOf, reachableHost, type Settings } from './settings.ts';
import { databaseNames } from './workspaces.ts';

const infrastructure = [...databaseNames.map((name) => `postgres-${name}`), 'rabbitmq', 'rabbitmq-page', 'adminer'];

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

function task(name: string, needs: string[], run: Task['run']): Task {
  return { kind: 'task', name, needs, run };
}
