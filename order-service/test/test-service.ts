import path from 'node:path';
import pg from 'pg';
import supertest, { type Test } from 'supertest';
import { v7 as newId } from 'uuid';
import type { AccessTokenClaims } from '@shop/common/auth';
import type { Role } from '@shop/common/contracts';
import { createTestBroker, createTestDatabase, createTestTokens, type TestBroker } from '@shop/common/testing';
import type { Config } from '../src/config.js';
import { startOrderService } from '../src/container.js';

/** Somebody who calls the API below /api/v1/orders. */
export interface TestCaller {
  id: string;
  get(path?: string): Test;
  post(body: object): Test;
  patch(path: string, body: object): Test;
  delete(path: string): Test;
}

export interface TestService {
  readonly config: Config;
  readonly broker: TestBroker;
  /** Where the service listens. */
  readonly url: string;
  /** A user that nobody else has; claims of its token can be replaced. */
  caller(role?: Role, claims?: Partial<AccessTokenClaims>): TestCaller;
  /** A question to the service's own database, deleted rows included. */
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Stops the service and starts it with other settings on the same database. */
  restart(overrides: Partial<Config>): Promise<void>;
  stop(): Promise<void>;
}

/** The real service with a database and a broker of its own. */
export async function startTestService(overrides: Partial<Config> = {}): Promise<TestService> {
  const tokens = createTestTokens();
  const [database, broker] = await Promise.all([
    createTestDatabase({ serviceDirectory: path.join(import.meta.dirname, '..') }),
    createTestBroker(),
  ]);
  const config: Config = {
    logLevel: 'error',
    host: '127.0.0.1',
    port: 0,
    databaseUrl: database.url,
    databasePoolSize: 5,
    brokerUrl: broker.url,
    publicKeys: tokens.publicKeys,
    tokenIssuer: tokens.issuer,
    tokenAudience: tokens.audience,
    accessTokenLifetime: 3_600_000,
    corsOrigins: [],
    trustedProxies: [],
    requestsPerSecond: 100_000,
    paymentWindow: 30 * 60_000,
    ...overrides,
  };
  let service = await startOrderService(config);
  const url = () => `http://127.0.0.1:${service.port}`;
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });

  return {
    config,
    broker,
    get url() {
      return url();
    },
    caller: (role = 'user', claims = {}) => {
      const id = newId();
      const authorization = `Bearer ${tokens.tokenFor({ id, role }, claims)}`;
      const call = (method: 'get' | 'post' | 'patch' | 'delete', to: string) =>
        supertest(url())[method](`/api/v1/orders${to}`).set('Authorization', authorization);
      return {
        id,
        get: (to = '') => call('get', to),
        post: (body) => call('post', '').send(body),
        patch: (to, body) => call('patch', to).send(body),
        delete: (to) => call('delete', to),
      };
    },
    query: async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await pool.query<Row>(text, values)).rows,
    restart: async (changes) => {
      await service.stop();
      service = await startOrderService({ ...config, ...changes });
    },
    stop: async () => {
      await service.stop();
      await pool.end();
      await Promise.all([database.drop(), broker.stop()]);
    },
  };
}
