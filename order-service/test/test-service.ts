import path from 'node:path';
import type pg from 'pg';
import supertest, { type Test } from 'supertest';
import { v7 as newId } from 'uuid';
import type { AccessTokenClaims } from '@shop/common/auth';
import type { Role } from '@shop/common/contracts';
import type { ServiceApp } from '@shop/common/http';
import {
  assertDescribedEvents,
  createTestBroker,
  createTestDatabase,
  createTestPool,
  createTestTokens,
  DescribedAnswers,
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
import { startOrderService } from '../src/container.js';

/** Somebody who calls the API below /api/v1/orders. */
export interface TestCaller {
  id: string;
  get(path?: string): Test;
  /** `body`: also as the text that is sent. */
  post(body: object | string): Test;
  /** The same caller at another process of the service. */
  at(url: string): TestCaller;
  patch(path: string, body: object): Test;
  delete(path: string): Test;
}

export interface TestService {
  readonly config: Config;
  readonly broker: TestBroker;
  readonly tokens: TestTokens;
  readonly app: ServiceApp;
  /** Where the service listens. */
  readonly url: string;
  /** A user that nobody else has; claims of its token can be replaced. */
  caller(role?: Role, claims?: Partial<AccessTokenClaims>): TestCaller;
  /** A question to the service's own database, deleted rows included. */
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** A further service on the same database and broker. */
  startAnother(): Promise<{ url: string; stop(): Promise<void> }>;
  /** Likewise, as a process of its own that can be killed. */
  startProcess(settings: { databaseUrl: string }): Promise<ServiceProcess>;
  /** Likewise, on the same database, with its work counted. */
  startCounted(): Promise<CountedProcess>;
  /** Stops the service and starts it with other settings on the same database. */
  restart(overrides: Partial<Config>): Promise<void>;
  /** Rejects where the service answered anything that its /openapi.json does not describe, or wrote an event that /asyncapi.json does not. */
  stop(): Promise<void>;
}

const serviceDirectory = path.join(import.meta.dirname, '..');

/** The settings of a process as its environment. */
const environmentOf = (config: Config): Record<string, string> => ({
  ORDER_SERVICE_PORT: '0',
  ORDER_DATABASE_URL: config.databaseUrl,
  ...hostEnvironment(config),
});

/** The real service with a database and a broker of its own. */
export async function startTestService(overrides: Partial<Config> = {}): Promise<TestService> {
  const tokens = createTestTokens();
  const [database, broker] = await Promise.all([createTestDatabase({ serviceDirectory }), createTestBroker()]);
  const config: Config = {
    ...testServiceConfig({ tokens, brokerUrl: broker.url, databaseUrl: database.url }),
    databasePoolSize: 5,
    paymentWindow: 30 * 60_000,
    unpaidLimit: { orders: 10_000, bytes: 100_000_000, window: 3_600_000 },
    keysPerUser: 10_000,
    ...overrides,
  };
  let service = await startOrderService(config);
  const url = () => `http://127.0.0.1:${service.port}`;
  const answers = new DescribedAnswers();
  await answers.watch(url());
  const pool = createTestPool(database.url);

  return {
    config,
    broker,
    tokens,
    startAnother: async () => {
      const another = await startOrderService(config);
      return { url: `http://127.0.0.1:${another.port}`, stop: () => another.stop() };
    },
    startProcess: ({ databaseUrl }) =>
      startServiceProcess({ directory: serviceDirectory, environment: environmentOf({ ...config, databaseUrl }) }),
    startCounted: () => startCountedProcess({ directory: serviceDirectory, environment: environmentOf(config) }),
    get app() {
      return service.app;
    },
    get url() {
      return url();
    },
    caller: (role = 'user', claims = {}) => {
      const id = newId();
      return callerAt(url, { id, authorization: `Bearer ${tokens.tokenFor({ id, role }, claims)}` });
    },
    query: async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await pool.query<Row>(text, values)).rows,
    restart: async (changes) => {
      await service.stop();
      service = await startOrderService({ ...config, ...changes });
      await answers.watch(url());
    },
    stop: async () => {
      await service.stop();
      try {
        await assertDescribedEvents(pool, '/order-service');
      } finally {
        await pool.end();
        await Promise.all([database.drop(), broker.stop()]);
      }
      answers.stop();
    },
  };
}

function callerAt(url: () => string, { id, authorization }: { id: string; authorization: string }): TestCaller {
  const call = (method: 'get' | 'post' | 'patch' | 'delete', to: string) =>
    supertest(url())[method](`/api/v1/orders${to}`).set('Authorization', authorization);
  return {
    id,
    get: (to = '') => call('get', to),
    post: (body) => call('post', '').type('json').send(body),
    patch: (to, body) => call('patch', to).send(body),
    delete: (to) => call('delete', to),
    at: (other) => callerAt(() => other, { id, authorization }),
  };
}
