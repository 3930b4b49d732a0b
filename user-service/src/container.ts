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
  DatabaseProbe,
  isDatabaseUnavailable,
  PastEvents,
} from '@shop/common/database';
import { addressBlock, listen, type HttpServer, type Probe } from '@shop/common/http';
import { BackgroundWorker, stopInOrder } from '@shop/common/lifecycle';
import { createLogger, currentScope } from '@shop/common/logger';
import { createTopology, OutboxRelay, RevocationStream } from '@shop/common/messaging';
import { createMetrics } from '@shop/common/metrics';
import { BrokerConnection } from '@shop/common/rabbitmq';
import { startTracing } from '@shop/common/tracing';
import { buildApp } from './app.js';
import type { Config } from './config.js';
import { createDatabase } from './database.js';
import { AccessTokenIssuer } from './sessions/access-token-issuer.js';
import { createEmailHash } from './sessions/email-hash.js';
import { RefreshTokens } from './sessions/refresh-tokens.js';
import { SessionHandler } from './sessions/session.handler.js';
import { SessionRepository } from './sessions/session.repository.js';
import { SessionService } from './sessions/session.service.js';
import { AttemptBudgetRepository } from './throttling/attempt-budget.repository.js';
import { Throttle } from './throttling/throttle.service.js';
import { ensureFirstAdmin } from './users/first-admin.js';
import { Gate } from './users/gate.js';
import { exposeHashing } from './users/hashing-figures.js';
import { PasswordHasher } from './users/password-hasher.js';
import { countUserEvents } from './users/user.figures.js';
import { UserHandler } from './users/user.handler.js';
import { UserRepository } from './users/user.repository.js';
import { UserService } from './users/user.service.js';

const SERVICE = 'user-service';
/** Milliseconds that running requests get to end in when the service stops. */
const SERVER_GRACE = 10_000;
/** Milliseconds between two looks for rows that are past their time. */
const PURGE_POLL = 600_000;
/**
 * Log-ins and the like whose limits are looked up: one after the other, so that a burst of them is no burst of queries that
 * everything else has to wait behind; how many may be in line, and for how many milliseconds.
 */
const ATTEMPTS = { atOnce: 1, maxWaiting: 500, maxWait: 5_000 };

const { version } = z.object({ version: z.string() }).parse(createRequire(import.meta.url)('../package.json'));

export interface RunningService {
  readonly app: Express;
  readonly port: number;
  /** Takes requests for a little longer, not ready any more. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** Builds and starts the whole service. It serves while the broker is down; it rejects when its database is. */
export async function startUserService(
  config: Config,
  { clock = () => new Date() }: { clock?: () => Date } = {},
): Promise<RunningService> {
  const logger = createLogger({ service: SERVICE, level: config.logLevel });
  const metrics = createMetrics({ service: SERVICE });
  const tracing = await startTracing(config.tracing, { service: SERVICE, version, logger });
  const passwords = new PasswordHasher({ cost: config.bcryptCost });
  exposeHashing(metrics, passwords);

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
    onPublished: countUserEvents(metrics),
  });
  const store = new AtomicStore({ client: database, onCommit: () => relay.wake() });

  const revocations = new RevocationList({ lifetime: config.accessTokenLifetime });
  const revocationStream = new RevocationStream({
    connection: broker,
    stream: topology.revocations,
    revocations,
    logger,
  });
  const { publicKeys, tokenIssuer: issuer, tokenAudience: audience } = config;
  const verifier = new AccessTokenVerifier({
    publicKeys,
    issuer,
    formerIssuers: config.formerTokenIssuers,
    audience,
    revocations,
  });

  const auditTrail = new AuditTrail({ client: database });
  const pastEvents = new PastEvents({ client: database });
  const users = new UserRepository({ database, store });
  const userService = new UserService({ users, revocations, clock });
  const attemptBudgets = new AttemptBudgetRepository({ database });
  const sessionService = new SessionService({
    users,
    userService,
    sessions: new SessionRepository({ database, store }),
    passwords,
    accessTokens: new AccessTokenIssuer({
      privateKey: config.privateKey,
      issuer,
      audience,
      lifetime: config.accessTokenLifetime,
      newId,
      clock,
    }),
    refreshTokens: new RefreshTokens({ secret: config.refreshTokenSecret }),
    throttle: new Throttle({
      limits: config.attemptLimits,
      budgets: attemptBudgets,
      gate: new Gate(ATTEMPTS),
      clientAddress: () => addressBlock(currentScope()?.clientAddress),
    }),
    auditTrail,
    hashOfEmail: createEmailHash({ secret: config.refreshTokenSecret }),
    accessTokenLifetime: config.accessTokenLifetime,
    revocations,
    newId,
    clock,
  });

  const purge = (name: string, work: () => Promise<boolean>) =>
    new BackgroundWorker({ name, work, poll: PURGE_POLL, logger });
  const purges = [
    purge('budgets that are full again', () => attemptBudgets.purge()),
    purge('old log-ins', () => sessionService.forgetOld()),
    purge('old audit entries', () => auditTrail.purge()),
    purge('old events', () => pastEvents.purge()),
  ];

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
    revocations: { vital: false, state: () => revocationStream.state() },
  };
  const app = buildApp({
    service: SERVICE,
    version,
    logger,
    metrics,
    tracing,
    verifier,
    publicKeys,
    tokenIssuer: issuer,
    probes,
    isStopping: () => isStopping,
    corsOrigins: config.corsOrigins,
    trustedProxies: config.trustedProxies,
    requestsPerSecond: config.requestsPerSecond,
    isUnavailable: isDatabaseUnavailable,
    sessions: new SessionHandler(sessionService),
    users: new UserHandler(userService),
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
      () => passwords.close(),
      () => Promise.all(purges.map((worker) => worker.stop())),
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
    if (config.firstAdmin !== undefined) {
      await ensureFirstAdmin({ ...config.firstAdmin, users, passwords, newId, clock, logger });
    }
    relay.start();
    for (const worker of purges) worker.start();
    revocationStream.start();
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
