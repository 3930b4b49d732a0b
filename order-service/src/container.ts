import { createRequire } from 'node:module';
import type { Express } from 'express';
import { v7 as newId } from 'uuid';
import { z } from 'zod';
import { AccessTokenVerifier, RevocationList } from '@shop/common/auth';
import {
  AtomicStore,
  AuditTrail,
  connectionsOfProcess,
  createDatabaseAdapter,
  DatabaseClock,
  DatabaseProbe,
  IdempotencyKeys,
  isDatabaseUnavailable,
  PastEvents,
} from '@shop/common/database';
import { listen, type HttpServer, type Probe } from '@shop/common/http';
import { BackgroundWorker, stopInOrder } from '@shop/common/lifecycle';
import { createLogger } from '@shop/common/logger';
import {
  countSkippedEvents,
  createTopology,
  EventConsumer,
  OutboxRelay,
  RevocationStream,
} from '@shop/common/messaging';
import { createMetrics } from '@shop/common/metrics';
import { BrokerConnection } from '@shop/common/rabbitmq';
import { startTracing } from '@shop/common/tracing';
import { buildApp } from './app.js';
import type { Config } from './config.js';
import { createDatabase } from './database.js';
import { countOrderEvents } from './orders/order.figures.js';
import { OrderHandler } from './orders/order.handler.js';
import { OrderRepository } from './orders/order.repository.js';
import { OrderService } from './orders/order.service.js';
import { paymentEvents } from './orders/payment-events.consumer.js';

const SERVICE = 'order-service';
/** Milliseconds that running requests get to end in when the service stops. */
const SERVER_GRACE = 10_000;
/** Milliseconds between two looks for what is past its time. */
const PURGE_POLL = 60_000;
/** Milliseconds that a request with an idempotency key has: far more than it needs. */
const REQUEST_LEASE = 10_000;

const { version } = z.object({ version: z.string() }).parse(createRequire(import.meta.url)('../package.json'));

export interface RunningService {
  readonly app: Express;
  readonly port: number;
  /** Takes requests for a little longer, not ready any more. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** Builds and starts the whole service. It serves while the broker is down; it rejects when its database is. */
export async function startOrderService(config: Config): Promise<RunningService> {
  const logger = createLogger({ service: SERVICE, level: config.logLevel });
  const metrics = createMetrics({ service: SERVICE });
  const tracing = await startTracing(config.tracing, { service: SERVICE, version, logger });

  const database = createDatabase(
    createDatabaseAdapter({
      url: config.databaseUrl,
      poolSize: config.databasePoolSize,
      applicationName: SERVICE,
      onConnectionLost: (err) => logger.warn('database connection lost', { err }),
      metrics,
      tracing,
    }),
  );
  const topology = createTopology({ accessTokenLifetime: config.accessTokenLifetime });
  const broker = new BrokerConnection({ url: config.brokerUrl, name: SERVICE, topology, logger });
  const relay = new OutboxRelay({
    databaseUrl: config.databaseUrl,
    connection: broker,
    source: `/${SERVICE}`,
    logger,
    metrics,
    tracing,
    onPublished: countOrderEvents(metrics),
  });
  const store = new AtomicStore({
    client: database,
    onCommit: () => relay.wake(),
    onSkip: countSkippedEvents(metrics),
  });

  const idempotencyKeys = new IdempotencyKeys({
    client: database,
    lease: REQUEST_LEASE,
    maxPerUser: config.keysPerUser,
  });
  const auditTrail = new AuditTrail({ client: database });

  const revocations = new RevocationList({ lifetime: config.accessTokenLifetime });
  const revocationStream = new RevocationStream({
    connection: broker,
    stream: topology.revocations,
    revocations,
    logger,
  });
  const verifier = new AccessTokenVerifier({
    publicKeys: config.publicKeys,
    issuer: config.tokenIssuer,
    formerIssuers: config.formerTokenIssuers,
    audience: config.tokenAudience,
    revocations,
  });

  const databaseClock = new DatabaseClock({ client: database });
  const orders = new OrderService({
    orders: new OrderRepository({ database, store, unpaidLimit: config.unpaidLimit }),
    clock: () => databaseClock.now(),
    newId,
    paymentWindow: config.paymentWindow,
  });
  const keyPurge = new BackgroundWorker({
    name: 'old idempotency keys',
    work: () => idempotencyKeys.purge(),
    poll: PURGE_POLL,
    logger,
  });
  const auditPurge = new BackgroundWorker({
    name: 'old audit entries',
    work: () => auditTrail.purge(),
    poll: PURGE_POLL,
    logger,
  });
  const pastEvents = new PastEvents({ client: database });
  const eventPurge = new BackgroundWorker({
    name: 'old events',
    work: () => pastEvents.purge(),
    poll: PURGE_POLL,
    logger,
  });
  const consumer = new EventConsumer({
    connection: broker,
    queue: topology.orderService,
    handlers: paymentEvents(orders),
    logger,
    metrics,
    tracing,
  });

  let isStopping = false;
  const databaseProbe = new DatabaseProbe({
    url: config.databaseUrl,
    service: SERVICE,
    budget: { connections: connectionsOfProcess(config.databasePoolSize), processes: config.databaseMaxProcesses },
    logger,
  });
  const probes: Record<string, Probe> = {
    database: { vital: true, state: () => databaseProbe.state() },
    broker: { vital: false, state: () => broker.state() },
    outbox: { vital: false, state: () => (relay.state() === 'ok' ? 'up' : 'behind') },
    consumer: { vital: false, state: () => consumer.state() },
    revocations: { vital: false, state: () => revocationStream.state() },
  };
  const app = buildApp({
    service: SERVICE,
    version,
    logger,
    metrics,
    tracing,
    verifier,
    probes,
    isStopping: () => isStopping,
    isUnavailable: isDatabaseUnavailable,
    idempotency: idempotencyKeys,
    corsOrigins: config.corsOrigins,
    trustedProxies: config.trustedProxies,
    requestsPerSecond: config.requestsPerSecond,
    orders: new OrderHandler(orders),
    auditTrail,
  });

  let server: HttpServer | undefined;
  const drain = async (): Promise<void> => {
    isStopping = true;
    await server?.drain(config.stopDelay ?? 0);
  };
  const stop = async (): Promise<void> => {
    isStopping = true;
    await stopInOrder([
      async () => server?.stop(SERVER_GRACE),
      () => consumer.stop(),
      () => Promise.all([keyPurge, auditPurge, eventPurge].map((worker) => worker.stop())),
      () => revocationStream.stop(),
      () => relay.stop(),
      () => broker.stop(),
      () => databaseProbe.stop(),
      () => database.$disconnect(),
      async () => tracing?.stop(),
    ]);
    logger.info('stopped');
  };
  try {
    // Loads the query compiler and opens a connection before the first request needs them.
    await database.$queryRaw`SELECT 1`;
    databaseProbe.start();
    relay.start();
    revocationStream.start();
    consumer.start();
    keyPurge.start();
    auditPurge.start();
    eventPurge.start();
    await revocationStream.untilReady();
    server = await listen(app, {
      host: config.host,
      port: config.port,
      allowedHosts: [SERVICE, ...(config.allowedHosts ?? [])],
    });
  } catch (error) {
    await stop();
    throw error;
  }
  logger.info('listening', { host: config.host, port: server.port, version });
  return { app, port: server.port, drain, stop };
}
