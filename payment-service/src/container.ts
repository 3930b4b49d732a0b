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
import { listen, ServiceClient, type HttpServer, type Probe } from '@shop/common/http';
import { BackgroundWorker, stopInOrder } from '@shop/common/lifecycle';
import { createLogger, type Logger } from '@shop/common/logger';
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
import { DiscrepancyHandler } from './discrepancies/discrepancy.handler.js';
import { createDiscrepancyMetrics } from './discrepancies/discrepancy.metrics.js';
import { DiscrepancyRepository } from './discrepancies/discrepancy.repository.js';
import { DiscrepancyService } from './discrepancies/discrepancy.service.js';
import { ChargeRepository } from './payments/charge.repository.js';
import { ChargeService } from './payments/charge.service.js';
import { ChargingService } from './payments/charging.service.js';
import { IncidentService } from './payments/incident.service.js';
import { OrderAccountRepository } from './payments/order-account.repository.js';
import { OrderExpiryRepository } from './payments/order-expiry.repository.js';
import { OrderExpiryService } from './payments/order-expiry.service.js';
import { orderEvents } from './payments/order-events.consumer.js';
import { PayableOrderClient } from './payments/payable-order.client.js';
import { CHARGE_PATIENCE } from './payments/payment.js';
import { countPaymentEvents } from './payments/payment.figures.js';
import { PaymentHandler } from './payments/payment.handler.js';
import { PaymentRepository } from './payments/payment.repository.js';
import { PaymentService } from './payments/payment.service.js';
import { createRefundFigures } from './payments/refund.figures.js';
import { RefundRepository } from './payments/refund.repository.js';
import { RefundService } from './payments/refund.service.js';
import { ProviderSet } from './providers/provider-set.js';
import { BooksComparison } from './reconciliation/books-comparison.js';
import { ComparisonTurns } from './reconciliation/comparison-turns.repository.js';
import { HourlyComparisonService } from './reconciliation/hourly-comparison.service.js';
import { WebhookHandler } from './webhooks/webhook.handler.js';
import { WebhookRepository } from './webhooks/webhook.repository.js';
import { WebhookService } from './webhooks/webhook.service.js';

const SERVICE = 'payment-service';
/** Milliseconds that running requests get to end in when the service stops. */
const SERVER_GRACE = 10_000;
const ORDER_SERVICE_TIMEOUT = 2_000;
/** Milliseconds beyond the provider's own time in which an outcome is written down. */
const WRITING_TIME = 5_000;
/** Milliseconds between two looks at what providers have to be asked, and at what is old enough to be forgotten. */
const POLL = 1_000;
const PURGE_POLL = 60_000;
/** Milliseconds between two looks at how many refunds fail again and again, and how many discrepancies are open. */
const WATCH_POLL = 5_000;

const { version } = z.object({ version: z.string() }).parse(createRequire(import.meta.url)('../package.json'));

export interface RunningService {
  readonly app: Express;
  readonly port: number;
  /** Takes requests for a little longer, not ready any more. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** Builds and starts the whole service. It serves while the broker is down; it rejects when its database is. */
export async function startPaymentService(
  config: Config,
  { logger = createLogger({ service: SERVICE, level: config.logLevel }) }: { logger?: Logger } = {},
): Promise<RunningService> {
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
    onPublished: countPaymentEvents(metrics),
  });
  const store = new AtomicStore({
    client: database,
    onCommit: () => relay.wake(),
    onSkip: countSkippedEvents(metrics),
  });

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

  const clock = () => new Date();
  const databaseClock = new DatabaseClock({ client: database });
  let server: HttpServer | undefined;
  const providerSet = new ProviderSet({
    config,
    timeout: config.providerTimeout,
    logger,
    clock,
    webhookUrl: (name) => webhookUrl(name, config.host, server?.port ?? config.port),
  });
  const { providers } = providerSet;
  const orderService = new ServiceClient({
    name: 'order-service',
    url: config.orderServiceUrl,
    timeout: ORDER_SERVICE_TIMEOUT,
    metrics,
    tracing,
  });

  const requestLifetime = config.providerTimeout + WRITING_TIME;
  const lease = 2 * requestLifetime; // whoever holds one asks the provider twice at most
  const idempotencyKeys = new IdempotencyKeys({ client: database, lease, maxPerUser: config.keysPerUser });
  const auditTrail = new AuditTrail({ client: database });
  const pastEvents = new PastEvents({ client: database });
  const discrepancies = new DiscrepancyService({
    discrepancies: new DiscrepancyRepository({ database, store }),
    metrics: createDiscrepancyMetrics(metrics),
    logger,
  });
  const payments = new PaymentRepository({ database, store });
  const accounts = new OrderAccountRepository({ store });
  const refundService = new RefundService({
    payments,
    accounts,
    refunds: new RefundRepository({ database }),
    providers,
    discrepancies,
    logger,
    newId,
    figures: createRefundFigures(metrics),
    random: Math.random,
    firstPause: config.refundRetryPause,
    lease,
  });
  const work = (name: string, step: () => Promise<boolean>, poll = POLL) =>
    new BackgroundWorker({ name, work: step, poll, logger });
  const refundWorker = work('refunds', () => refundService.carryOutDue());
  const charges = new ChargeRepository({ database });
  const charging = new ChargingService({ charges, providers });
  const paymentService = new PaymentService({
    paymentsPerOrder: config.paymentsPerOrder,
    payments,
    accounts,
    orders: new PayableOrderClient(orderService),
    providers,
    charging,
    discrepancies,
    refunds: refundWorker,
    logger,
    newId,
  });
  const chargeService = new ChargeService({
    charges,
    payments,
    outcomes: paymentService,
    charging,
    logger,
    clock: () => databaseClock.now(),
    random: Math.random,
    requestLifetime,
    lease,
    patience: CHARGE_PATIENCE * config.providerTimeout,
  });
  const webhooks = new WebhookService({
    readers: providerSet.readers,
    webhooks: new WebhookRepository({ database }),
    charges: chargeService,
    refunds: refundService,
    incidents: new IncidentService({ payments, discrepancies }),
    logger,
    clock,
  });
  const expiry = new OrderExpiryService({ expiries: new OrderExpiryRepository({ store }), logger });
  const hourlyComparison = new HourlyComparisonService({
    turns: new ComparisonTurns({ database, url: config.databaseUrl }),
    comparison: new BooksComparison({
      databaseUrl: config.databaseUrl,
      ledgers: providerSet.ledgers,
      providerTimeout: config.providerTimeout,
    }),
    discrepancies,
    clock: () => databaseClock.now(),
  });
  const workers = [
    work('comparison of the books', () => hourlyComparison.compareIfDue(), WATCH_POLL),
    work('expiry of unpaid orders', () => expiry.expireDue()),
    refundWorker,
    work('watch over refunds', () => refundService.watchFailing(), WATCH_POLL),
    work('watch over discrepancies', () => discrepancies.watch(), WATCH_POLL),
    work('reconciliation', () => chargeService.settleDue()),
    work('old webhooks', () => webhooks.forgetOld(), PURGE_POLL),
    work('old idempotency keys', () => idempotencyKeys.purge(), PURGE_POLL),
    work('old audit entries', () => auditTrail.purge(), PURGE_POLL),
    work('old events', () => pastEvents.purge(), PURGE_POLL),
  ];
  const consumer = new EventConsumer({
    connection: broker,
    queue: topology.paymentService,
    handlers: orderEvents(paymentService),
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
    corsOrigins: config.corsOrigins,
    trustedProxies: config.trustedProxies,
    requestsPerSecond: config.requestsPerSecond,
    isUnavailable: isDatabaseUnavailable,
    idempotency: idempotencyKeys,
    payments: new PaymentHandler({ payments: paymentService, refunds: refundService }),
    webhooks: new WebhookHandler(webhooks),
    discrepancies: new DiscrepancyHandler(discrepancies),
    auditTrail,
  });

  const drain = async (): Promise<void> => {
    isStopping = true;
    await server?.drain(config.stopDelay ?? 0);
  };
  const stop = async (): Promise<void> => {
    isStopping = true;
    await stopInOrder([
      async () => server?.stop(SERVER_GRACE),
      () => consumer.stop(),
      () => Promise.all(workers.map((worker) => worker.stop())),
      () => orderService.close(),
      () => providerSet.stop(),
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
    for (const worker of workers) worker.start();
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

/** Where the service itself takes a provider's webhooks. */
function webhookUrl(provider: string, host: string, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}/api/v1/payments/webhooks/${provider}`;
}
