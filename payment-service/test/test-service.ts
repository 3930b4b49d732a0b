import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type pg from 'pg';
import supertest, { type Test } from 'supertest';
import { v7 as newId } from 'uuid';
import type { DomainEvent, OrderResource, Role } from '@shop/common/contracts';
import type { ServiceApp } from '@shop/common/http';
import type { LogFacts, Logger } from '@shop/common/logger';
import {
  assertDescribedEvents,
  createTestBroker,
  createTestDatabase,
  createTestPool,
  createTestTokens,
  DescribedAnswers,
  createEventSender,
  hostEnvironment,
  startCountedProcess,
  startServiceProcess,
  testServiceConfig,
  type CountedProcess,
  type ServiceProcess,
  type TestBroker,
  type TestTokens,
} from '@shop/testing';
import type { Config } from '../src/config.js';
import { startPaymentService } from '../src/container.js';
import type { SimulatedConfig } from '../src/providers/provider-settings.js';

/** Somebody who calls the API below /api/v1/payments. */
export interface TestCaller {
  id: string;
  get(path?: string): Test;
  post(path: string, body?: object): Test;
  /** The same caller at another process of the service. */
  at(url: string): TestCaller;
}

export interface LogEntry extends LogFacts {
  level: 'warn' | 'error';
  message: string;
}

export interface RunningTestService {
  app: ServiceApp;
  url: string;
  stop: () => Promise<void>;
}

/** Other settings than those of the tests. */
export type ConfigChanges = Omit<Partial<Config>, 'simulated'> & { simulated?: Partial<SimulatedConfig> };

export interface TestService {
  config: Config & { simulated: SimulatedConfig };
  broker: TestBroker;
  tokens: TestTokens;
  app: ServiceApp;
  url: string;
  /** Warnings and errors of all processes, as far as tests start them here. */
  logged: LogEntry[];
  /** Another process of the service, on the same database and broker. */
  startAnother(changes?: ConfigChanges): Promise<RunningTestService>;
  /** Likewise, as a process of its own that can be killed. */
  startProcess(changes: ConfigChanges): Promise<ServiceProcess>;
  /** Likewise, with these settings alone. */
  startProcessWith(environment: Record<string, string>): Promise<ServiceProcess>;
  /** Likewise, with its work counted. */
  startCounted(): Promise<CountedProcess>;
  /** A user that nobody else has, unless it is named. */
  caller(role?: Role, known?: { id?: string | undefined; tokenVersion?: number }): TestCaller;
  orderService: StandInOrderService;
  /** Delivers events as the broker would: each once for every time it is named. */
  publish(...events: readonly DomainEvent[]): Promise<void>;
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  stop(): Promise<void>;
}

const serviceDirectory = path.join(import.meta.dirname, '..');

/** The settings of a process as its environment. */
export const environmentOf = (config: TestService['config']): Record<string, string> => ({
  PAYMENT_SERVICE_PORT: '0',
  PAYMENT_DATABASE_URL: config.databaseUrl,
  PAYMENT_PROVIDERS: config.providers.join(','),
  SIMULATED_PROVIDER_DATABASE_URL: config.simulated.databaseUrl,
  SIMULATED_WEBHOOK_SECRETS: config.simulated.webhookSecrets
    .map((secret) => `whsec_${secret.toString('base64')}`)
    .join(','),
  ORDER_SERVICE_URL: config.orderServiceUrl,
  ...hostEnvironment(config),
});

/** The real service with a database and a broker of its own, beside a stand-in of order-service. */
export async function startTestService({ simulated, ...overrides }: ConfigChanges = {}): Promise<TestService> {
  const tokens = createTestTokens();
  const [database, broker, orderService] = await Promise.all([
    createTestDatabase({ serviceDirectory }),
    createTestBroker(),
    startStandInOrderService(),
  ]);
  const config: TestService['config'] = {
    ...testServiceConfig({ tokens, brokerUrl: broker.url, databaseUrl: database.url }),
    orderServiceUrl: orderService.url,
    providers: ['simulated'],
    simulated: { databaseUrl: database.url, webhookSecrets: [randomBytes(32)], webhookUrl: undefined, ...simulated },
    providerTimeout: 5_000,
    refundRetryPause: 100,
    paymentsPerOrder: 20,
    keysPerUser: 10_000,
    ...overrides,
  };
  const logged: LogEntry[] = [];
  const answers = new DescribedAnswers();
  const changed = (changes: ConfigChanges) => ({
    ...config,
    ...changes,
    simulated: { ...config.simulated, ...changes.simulated },
  });
  const startAnother = async (changes: ConfigChanges = {}) => {
    const running = await startPaymentService(changed(changes), { logger: recordingLogger(logged) });
    const url = `http://127.0.0.1:${running.port}`;
    await answers.watch(url);
    return { app: running.app, url, stop: () => running.stop() };
  };
  const service = await startAnother();
  const { app, url } = service;
  const pool = createTestPool(database.url);
  const sender = createEventSender(broker.url);

  const callerAt = (base: string, id: string, role: Role, tokenVersion: number): TestCaller => {
    const token = tokens.tokenFor({ id, role }, { ver: tokenVersion });
    const call = (method: 'get' | 'post', to: string) =>
      supertest(base)[method](`/api/v1/payments${to}`).set('Authorization', `Bearer ${token}`);
    return {
      id,
      get: (to = '') => call('get', to),
      post: (to, body) => (body === undefined ? call('post', to) : call('post', to).send(body)),
      at: (other) => callerAt(other, id, role, tokenVersion),
    };
  };

  return {
    config,
    broker,
    tokens,
    app,
    url,
    logged,
    startAnother,
    startProcess: (changes) =>
      startServiceProcess({ directory: serviceDirectory, environment: environmentOf(changed(changes)) }),
    startProcessWith: (environment) => startServiceProcess({ directory: serviceDirectory, environment }),
    startCounted: () => startCountedProcess({ directory: serviceDirectory, environment: environmentOf(config) }),
    caller: (role = 'user', { id = newId(), tokenVersion = 1 } = {}) => callerAt(url, id, role, tokenVersion),
    orderService,
    publish: sender.publish,
    query: async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await pool.query<Row>(text, values)).rows,
    stop: async () => {
      await sender.stop();
      await service.stop();
      try {
        await assertDescribedEvents(pool, '/payment-service');
      } finally {
        await pool.end();
        await Promise.all([database.drop(), broker.stop(), orderService.stop()]);
      }
      answers.stop();
    },
  };
}

const recordingLogger = (entries: LogEntry[]): Logger => ({
  error: (message, facts) => entries.push({ ...facts, level: 'error', message }),
  warn: (message, facts) => entries.push({ ...facts, level: 'warn', message }),
  info: () => undefined,
  debug: () => undefined,
});

export interface StandInOrderService {
  url: string;
  /** What GET /api/v1/orders/:id answers; any other order is not found. */
  orders: Map<string, OrderResource>;
  /** The Authorization headers that came in. */
  authorizations: (string | undefined)[];
  /** What it answers instead; `silent` never answers. */
  fault: 'none' | 'failing' | 'silent';
  stop(): Promise<void>;
}

/** Answers as order-service does, from memory. */
async function startStandInOrderService(): Promise<StandInOrderService> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const refuse = (status: number, code: string) =>
      answer(status, { success: false, error: { code, message: code }, requestId: 'test' });
    standIn.authorizations.push(request.headers.authorization);
    if (standIn.fault === 'silent') return;
    const order = standIn.orders.get(request.url?.split('/').at(-1) ?? '');
    if (standIn.fault === 'failing') refuse(500, 'INTERNAL_ERROR');
    else if (order === undefined) refuse(404, 'NOT_FOUND');
    else answer(200, { success: true, message: 'Order retrieved', data: order });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const standIn: StandInOrderService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    orders: new Map(),
    authorizations: [],
    fault: 'none',
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return standIn;
}
