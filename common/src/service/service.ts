import type { ServiceConfig } from '../config/index.js';
import {
  AnonymisedUsers,
  AtomicStore,
  AuditTrail,
  connectionsOfProcess,
  createDatabaseAdapter,
  DatabaseClock,
  DatabaseProbe,
  IdempotencyKeys,
  isDatabaseUnavailable,
  EventRetention,
  type ClearPersonalData,
  type DatabaseAdapter,
  type DatabaseClient,
} from '../database/index.js';
import { retryWhere } from '../errors/index.js';
import { buildServiceApp, type Probe, type ServiceApp, type ServiceAppOptions } from '../http/index.js';
import type { Logger } from '../logger/index.js';
import {
  buildAsyncApi,
  countSkippedEvents,
  EventConsumer,
  OutboxRelay,
  type EventConsumerOptions,
  type EventHandlers,
  type PublishedEvent,
} from '../messaging/index.js';
import type { Metrics } from '../metrics/index.js';
import type { Siblings } from '../process/index.js';
import { BackgroundWorker } from './background-worker.js';
import { createHost, type Component, type Host, type RunningHost } from './host/index.js';

/** Milliseconds between two looks for what is past its time. */
const PURGE_POLL = 60_000;
/** On a busy machine a connection may take longer than it has. */
const FIRST_CONNECTION_TRIES = 6;

/** A generated Prisma client, extended or not. */
type ServiceDatabase = DatabaseClient & { $disconnect(): Promise<void> };

export interface RunningService extends RunningHost {
  readonly app: ServiceApp;
}

/** What a service can build its own parts upon. */
export interface ServiceHost<Database extends ServiceDatabase> extends Pick<
  Host,
  'logger' | 'metrics' | 'topology' | 'revocations' | 'createClient' | 'localUrl'
> {
  readonly database: Database;
  readonly databaseClock: DatabaseClock;
  readonly store: AtomicStore<Database>;
  readonly auditTrail: AuditTrail;
}

/** What is a service's own. */
export interface ServiceParts extends Pick<ServiceAppOptions, 'routes' | 'documents'> {
  /** The events that it consumes; absent: none. */
  readonly consumer?: Pick<EventConsumerOptions, 'queue' | 'handlers'>;
  /** Clears what its tables say of an anonymised user; its queue is bound to the event of it. */
  readonly clearPersonalData?: ClearPersonalData;
  /** For routes that are idempotent: milliseconds that one of their requests has, and keys that a user may have at a time. */
  readonly idempotency?: { readonly lease: number; readonly maxPerUser: number };
  /** Beginnings of paths whose requests are never refused, however much there is to do. */
  readonly neverRefused?: readonly string[];
  readonly workers?: readonly BackgroundWorker[];
  /** Done once the database answers, before anything else runs. */
  readonly prepare?: () => Promise<void>;
  /** What workers and requests use: stopped after them, the last one first. */
  readonly resources?: readonly Component[];
}

export interface ServiceOptions<Database extends ServiceDatabase> {
  readonly name: string;
  readonly version: string;
  readonly config: ServiceConfig;
  /** Default: one that writes to standard output. */
  readonly logger?: Logger | undefined;
  /** The other workers of the service, where there are some. */
  readonly siblings?: Siblings | undefined;
  readonly createDatabase: (adapter: DatabaseAdapter) => Database;
  /** Makes the service's own metrics of what it publishes. */
  readonly countPublished: (metrics: Metrics) => (event: PublishedEvent) => void;
  readonly build: (host: ServiceHost<Database>) => ServiceParts;
}

/**
 * Builds and starts a service with a database of its own, and everything that services have in common. It serves while the
 * broker is down; it rejects when its database is, or takes connections too late again and again.
 */
export async function startService<Database extends ServiceDatabase>({
  name,
  version,
  config,
  createDatabase,
  countPublished,
  build,
  ...options
}: ServiceOptions<Database>): Promise<RunningService> {
  const host = await createHost({ name, version, config, ...options });
  const { logger, metrics, tracing, broker } = host;

  const adapter = createDatabaseAdapter({
    url: config.databaseUrl,
    poolSize: config.databasePoolSize,
    applicationName: name,
    onConnectionLost: (err) => logger.warn('database connection lost', { err }),
    metrics,
    tracing,
  });
  const database = createDatabase(adapter);
  const databaseProbe = new DatabaseProbe({
    url: config.databaseUrl,
    service: name,
    budget: { connections: connectionsOfProcess(config.databasePoolSize), processes: config.databaseMaxProcesses },
    logger,
  });
  const databaseClock = new DatabaseClock({ client: database });
  const relay = new OutboxRelay({
    databaseUrl: config.databaseUrl,
    connection: broker,
    source: `/${name}`,
    logger,
    metrics,
    tracing,
    onPublished: countPublished(metrics),
  });
  const store = new AtomicStore({
    client: database,
    onCommit: () => relay.wake(),
    onSkip: countSkippedEvents(metrics),
  });
  const auditTrail = new AuditTrail({ client: database });
  const eventRetention = new EventRetention({ client: database });

  const parts = build({ ...host, database, databaseClock, store, auditTrail });
  const { routes, documents, prepare, resources = [] } = parts;
  const idempotencyKeys = parts.idempotency && new IdempotencyKeys({ client: database, ...parts.idempotency });
  const purge = (rows: string, work: () => Promise<boolean>) =>
    new BackgroundWorker({ name: rows, work, poll: PURGE_POLL, logger });
  const { clearPersonalData: clear } = parts;
  const anonymisedUsers = clear && new AnonymisedUsers({ client: database, store, auditTrail, clear });
  const clearing = anonymisedUsers && purge('personal data', () => anonymisedUsers.clearDue());
  const handlers: EventHandlers = {
    ...parts.consumer?.handlers,
    ...(anonymisedUsers && {
      'user.anonymised': async ({ data }, cause) => {
        await anonymisedUsers.add(data.userId, cause);
        clearing?.wake();
      },
    }),
  };
  const consumer =
    parts.consumer && new EventConsumer({ ...parts.consumer, handlers, connection: broker, logger, metrics, tracing });
  const workers = [
    ...(parts.workers ?? []),
    ...(clearing ? [clearing] : []),
    ...(idempotencyKeys ? [purge('old idempotency keys', () => idempotencyKeys.purge())] : []),
    purge('old audit entries', () => auditTrail.purge()),
    purge('old events', () => eventRetention.purge()),
  ];

  const probes: Record<string, Probe> = {
    database: { required: true, state: () => databaseProbe.state() },
    broker: host.probes.broker,
    outbox: { required: false, state: () => (relay.state() === 'ok' ? 'up' : 'behind') },
    ...(consumer && { consumer: { required: false, state: () => consumer.state() } }),
    revocations: host.probes.revocations,
  };
  const app = buildServiceApp({
    service: name,
    version,
    logger,
    metrics,
    tracing,
    verifier: host.verifier,
    probes,
    isStopping: () => host.isStopping(),
    corsOrigins: config.corsOrigins,
    trustedProxies: config.trustedProxies,
    requestsPerSecond: config.requestsPerSecond,
    counts: options.siblings,
    isUnavailable: isDatabaseUnavailable,
    idempotency: idempotencyKeys,
    routes,
    documents,
    events: () => buildAsyncApi({ version, topology: host.topology }),
    apiDocsEnabled: config.apiDocsEnabled,
  });

  const running = await host.run([
    // Loads the query compiler and opens a connection before the first request needs them.
    {
      start: () => retryWhere(isDatabaseUnavailable, () => databaseClock.now(), { tries: FIRST_CONNECTION_TRIES }),
      stop: () => database.$disconnect(),
    },
    databaseProbe,
    { start: prepare },
    broker,
    relay,
    host.revocationStream,
    ...resources,
    {
      start: () => workers.forEach((worker) => worker.start()),
      stop: () => Promise.all(workers.map((worker) => worker.stop())),
    },
    ...(consumer ? [consumer] : []),
    host.server(app, { queues: [adapter.connections], exempt: parts.neverRefused }),
  ]);
  return { ...running, app };
}
