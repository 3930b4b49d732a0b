import { createRequire } from 'node:module';
import { AccessTokenVerifier, RevocationList } from '@shop/common/auth';
import { ServiceClient, createRateLimit, listen, type HttpServer, type Probe } from '@shop/common/http';
import { stopInOrder } from '@shop/common/lifecycle';
import { createLogger } from '@shop/common/logger';
import { EventBroadcast, RevocationStream, createTopology } from '@shop/common/messaging';
import { createMetrics } from '@shop/common/metrics';
import { BrokerConnection } from '@shop/common/rabbitmq';
import { startTracing } from '@shop/common/tracing';
import { z } from 'zod';
import { buildApp } from './app.js';
import type { Config } from './config.js';
import { DocumentBudget } from './document-budget.js';
import { graphiqlRouter } from './graphiql/graphiql.js';
import { serviceProbe } from './probes.js';
import { buildListener } from './request-listener.js';
import { OpenSubscriptions } from './subscriptions/open-subscriptions.js';
import { Upstream } from './upstream-work.js';
import { buildYoga, graphqlPaths } from './yoga.js';

const SERVICE = 'gateway';
/** Milliseconds that running requests get to end in when the gateway stops. */
const SERVER_GRACE = 10_000;

const { version } = z.object({ version: z.string() }).parse(createRequire(import.meta.url)('../package.json'));

export interface RunningGateway {
  readonly port: number;
  /** Takes requests for a little longer, not ready any more. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** Builds and starts the gateway. It serves while the broker and the services are down. */
export async function startGateway(config: Config): Promise<RunningGateway> {
  const logger = createLogger({ service: SERVICE, level: config.logLevel });
  const metrics = createMetrics({ service: SERVICE });
  const tracing = await startTracing(config.tracing, { service: SERVICE, version, logger });

  const client = (name: string, url: string) =>
    new ServiceClient({ name, url, timeout: config.upstreamTimeout, metrics, tracing });
  const services = {
    users: client('user-service', config.userServiceUrl),
    orders: client('order-service', config.orderServiceUrl),
    payments: client('payment-service', config.paymentServiceUrl),
  };

  const topology = createTopology({ accessTokenLifetime: config.accessTokenLifetime });
  const broker = new BrokerConnection({ url: config.brokerUrl, name: SERVICE, topology, logger });
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

  const subscriptions = new OpenSubscriptions({
    verifier,
    limits: config.subscriptionLimits,
    metrics,
  });
  const eventBroadcast = new EventBroadcast({
    connection: broker,
    queue: topology.gatewaySubscriptions,
    onEvent: (event) => subscriptions.hear(event),
    onBegin: () => subscriptions.refresh(),
    logger,
  });

  let isStopping = false;
  const probes: Record<string, Probe> = {
    'user-service': serviceProbe(services.users),
    'order-service': serviceProbe(services.orders),
    'payment-service': serviceProbe(services.payments),
    broker: { vital: false, state: () => broker.state() },
    revocations: { vital: false, state: () => revocationStream.state() },
  };
  const app = buildApp({
    service: SERVICE,
    version,
    logger,
    metrics,
    probes,
    isStopping: () => isStopping,
    graphiql: config.graphiqlEnabled ? await graphiqlRouter(['/', ...graphqlPaths]) : undefined,
  });
  const yoga = buildYoga({
    services,
    upstream: new Upstream(config.upstreamLimits),
    documentBudget: new DocumentBudget({ limits: config.documentLimits, metrics }),
    subscriptions,
    verifier,
    logger,
    metrics,
    tracing,
    introspectionEnabled: config.introspectionEnabled,
    requestTimeout: config.requestTimeout,
  });
  const listener = buildListener({
    app,
    yoga,
    verifier,
    limitRate: createRateLimit({ perSecond: config.requestsPerSecond }),
    graphiqlEnabled: config.graphiqlEnabled,
    corsOrigins: config.corsOrigins,
    trustedProxies: config.trustedProxies,
    logger,
    metrics,
    tracing,
  });

  let server: HttpServer | undefined;
  const drain = async (): Promise<void> => {
    isStopping = true;
    await server?.drain(config.stopDelay ?? 0);
  };
  const stop = async (): Promise<void> => {
    isStopping = true;
    await stopInOrder([
      async () => subscriptions.close(),
      async () => server?.stop(SERVER_GRACE),
      () => eventBroadcast.stop(),
      () => revocationStream.stop(),
      () => broker.stop(),
      ...Object.values(services).map((service) => () => service.close()),
      async () => tracing?.stop(),
    ]);
    logger.info('stopped');
  };
  try {
    revocationStream.start();
    eventBroadcast.start();
    await revocationStream.untilReady();
    server = await listen(listener, {
      host: config.host,
      port: config.port,
      allowedHosts: [SERVICE, ...(config.allowedHosts ?? [])],
    });
  } catch (error) {
    await stop();
    throw error;
  }
  logger.info('listening', { host: config.host, port: server.port, version });
  return { port: server.port, drain, stop };
}
