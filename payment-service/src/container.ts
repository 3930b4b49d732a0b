import { createRequire } from 'node:module';
import type { Express } from 'express';
import { v7 as newId } from 'uuid';
import { z } from 'zod';
import { AccessTokenVerifier, RevocationList } from '@shop/common/auth';
import { AtomicStore, createDatabaseAdapter, databaseState, isDatabaseUnavailable } from '@shop/common/database';
import { listen, ServiceClient, type HttpServer, type Probe } from '@shop/common/http';
import { stopInOrder } from '@shop/common/lifecycle';
import { createLogger, type Logger } from '@shop/common/logger';
import { createTopology, EventConsumer, OutboxRelay, RevocationStream } from '@shop/common/messaging';
import { createMetrics } from '@shop/common/metrics';
import { BrokerConnection } from '@shop/common/rabbitmq';
import { buildApp } from './app.js';
import type { Config } from './config.js';
import { createDatabase } from './database.js';
import { OrderAccountRepository } from './payments/order-account.repository.js';
import { orderEvents } from './payments/order-events.consumer.js';
import { PayableOrderClient } from './payments/payable-order.client.js';
import { PaymentHandler } from './payments/payment.handler.js';
import { PaymentRepository } from './payments/payment.repository.js';
import { PaymentService } from './payments/payment.service.js';
import { RefundRepository } from './payments/refund.repository.js';
import { RefundService } from './payments/refund.service.js';
import { RefundWorker } from './payments/refund.worker.js';
import { ManualProvider } from './providers/manual/manual-provider.js';
import { Providers } from './providers/providers.js';
import { SimulatedLedger } from './providers/simulated/simulated-ledger.js';
import { SimulatedProvider } from './providers/simulated/simulated-provider.js';

const SERVICE = 'payment-service';
/** Milliseconds that running requests get to end in when the service stops. */
const SERVER_GRACE = 10_000;
const ORDER_SERVICE_TIMEOUT = 2_000;
/** Milliseconds beyond the provider's own time in which the outcome of a refund is written down. */
const REFUND_LEASE = 5_000;

const { version } = z.object({ version: z.string() }).parse(createRequire(import.meta.url)('../package.json'));

export interface RunningService {
  readonly app: Express;
  readonly port: number;
  stop(): Promise<void>;
}

/** Builds and starts the whole service. It serves while the broker is down; it rejects when its database is. */
export async function startPaymentService(
  config: Config,
  { logger = createLogger({ service: SERVICE, level: config.logLevel }) }: { logger?: Logger } = {},
): Promise<RunningService> {
  const metrics = createMetrics({ service: SERVICE });

  const database = createDatabase(
    createDatabaseAdapter({
      url: config.databaseUrl,
      poolSize: config.databasePoolSize,
      applicationName: SERVICE,
      onConnectionLost: (err) => logger.warn('database connection lost', { err }),
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
  });
  const store = new AtomicStore({ client: database, onCommit: () => relay.wake() });

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
    audience: config.tokenAudience,
    revocations,
  });

  const ledger = new SimulatedLedger({
    url: config.simulatedProviderDatabaseUrl,
    newId,
    onConnectionLost: (err) => logger.warn('connection to the simulated provider lost', { err }),
  });
  const providers = new Providers({
    online: new SimulatedProvider(ledger),
    byHand: new ManualProvider(),
    timeout: config.providerTimeout,
  });
  const orderService = new ServiceClient({
    name: 'order-service',
    url: config.orderServiceUrl,
    timeout: ORDER_SERVICE_TIMEOUT,
  });

  const clock = () => new Date();
  const payments = new PaymentRepository({ database, store });
  const accounts = new OrderAccountRepository({ store });
  const refundService = new RefundService({
    payments,
    accounts,
    refunds: new RefundRepository({ database }),
    providers,
    logger,
    clock,
    newId,
    random: Math.random,
    firstPause: config.refundRetryPause,
    lease: config.providerTimeout + REFUND_LEASE,
  });
  const refundWorker = new RefundWorker({ refunds: refundService, logger });
  const paymentService = new PaymentService({
    payments,
    accounts,
    orders: new PayableOrderClient(orderService),
    providers,
    refunds: refundWorker,
    logger,
    clock,
    newId,
  });
  const consumer = new EventConsumer({
    connection: broker,
    queue: topology.paymentService,
    handlers: orderEvents(paymentService),
    logger,
    metrics,
  });

  let isStopping = false;
  const probes: Record<string, Probe> = {
    database: { vital: true, state: () => databaseState(database) },
    broker: { vital: false, state: () => broker.state() },
    outbox: { vital: false, state: () => (relay.state() === 'ok' ? 'up' : 'behind') },
  };
  const app = buildApp({
    service: SERVICE,
    version,
    logger,
    metrics,
    verifier,
    probes,
    isStopping: () => isStopping,
    corsOrigins: config.corsOrigins,
    trustedProxies: config.trustedProxies,
    requestsPerSecond: config.requestsPerSecond,
    isUnavailable: isDatabaseUnavailable,
    payments: new PaymentHandler({ payments: paymentService, refunds: refundService }),
  });

  let server: HttpServer | undefined;
  const stop = async (): Promise<void> => {
    isStopping = true;
    await stopInOrder([
      async () => server?.stop(SERVER_GRACE),
      () => consumer.stop(),
      () => refundWorker.stop(),
      () => orderService.close(),
      () => ledger.close(),
      () => revocationStream.stop(),
      () => relay.stop(),
      () => broker.stop(),
      () => database.$disconnect(),
    ]);
    logger.info('stopped');
  };
  try {
    // Loads the query compiler and opens a connection before the first request needs them.
    await database.$queryRaw`SELECT 1`;
    relay.start();
    revocationStream.start();
    consumer.start();
    refundWorker.start();
    server = await listen(app, { host: config.host, port: config.port });
  } catch (error) {
    await stop();
    throw error;
  }
  logger.info('listening', { host: config.host, port: server.port, version });
  return { app, port: server.port, stop };
}
