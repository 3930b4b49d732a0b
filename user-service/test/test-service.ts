import path from 'node:path';
import pg from 'pg';
import supertest, { type Test } from 'supertest';
import {
  assertDescribedEvents,
  createTestBroker,
  createTestDatabase,
  createTestPool,
  createTestTokens,
  DescribedAnswers,
  eventually,
  hostEnvironment,
  startCountedProcess,
  testServiceConfig,
  type CountedProcess,
  type TestBroker,
  type TestTokens,
} from '@shop/testing';
import type { UserResource } from '@shop/common/contracts';
import type { RunningService } from '@shop/common/service';
import type { Config } from '../src/config.js';
import { startUserService } from '../src/container.js';

export const PASSWORD = 'correct horse battery';
export const ADMIN = { email: 'admin@example.com', password: 'admin-password' };

/** What a login is answered. */
export interface Pair {
  token: string;
  refreshToken: string;
  expiresIn: number;
  user: UserResource;
}

/** A user who is logged in, and calls the API below /api/v1/users. */
export type TestUser = Pair & Caller & { id: string; email: string };

export interface OutboxRow {
  type: string;
  subject: string;
  sequence: number;
  data: Record<string, unknown>;
}

type Method = 'get' | 'post' | 'put' | 'delete';

/** Calls below /api/v1/users at `url`. */
export const callerOf = (url: string, token?: string) => {
  const call = (method: Method, to: string): Test => {
    const test = supertest(url)[method](`/api/v1/users${to}`);
    return token === undefined ? test : test.set('Authorization', `Bearer ${token}`);
  };
  return {
    get: (to = '') => call('get', to),
    post: (to: string, body?: object) => call('post', to).send(body),
    put: (to: string, body: object) => call('put', to).send(body),
    delete: (to: string) => call('delete', to),
  };
};
export type Caller = ReturnType<typeof callerOf>;

let users = 0;

export const registration = (changes: object = {}) => ({
  email: `user-${process.pid}-${++users}@example.com`,
  password: PASSWORD,
  firstName: 'Ada',
  lastName: 'Lovelace',
  ...changes,
});

export interface TestService {
  service: RunningService;
  config: Config;
  broker: TestBroker;
  tokens: TestTokens;
  url: string;
  /** Nobody in particular. */
  anybody: Caller;
  /** A new user, registered through the API. */
  register: (changes?: object) => Promise<TestUser>;
  login: (credentials: { email: string; password: string }) => Promise<TestUser>;
  /** The first admin, in a login of its own. */
  admin: () => Promise<TestUser>;
  /** Another process of the same service: same database, same broker. */
  startAnother: (overrides?: Partial<Config>) => Promise<RunningService>;
  /** Likewise one to which it is `later` milliseconds later, until a condition holds; it looks for old rows as it starts. */
  runLater: (later: number, until: () => Promise<void>, overrides?: Partial<Config>) => Promise<void>;
  /** Likewise as a process of its own, with its work counted. */
  startCounted: () => Promise<CountedProcess>;
  /** The events that were written of a subject, oldest first. */
  eventsOf: (subject: string) => Promise<OutboxRow[]>;
  /** A question to the service's own database, deleted rows included. */
  query: <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>;
  /** A connection of one's own to the service's database; its user ends it. */
  connect: () => Promise<pg.Client>;
  /** Moves the service's clock on. Access tokens live by the real one. */
  passTime: (milliseconds: number) => void;
  /** Sets the service's clock right again. */
  restoreTime: () => void;
  /** Rejects where the service answered anything that its /openapi.json does not describe, or wrote an event that /asyncapi.json does not. */
  stop: () => Promise<void>;
}

const serviceDirectory = path.join(import.meta.dirname, '..');

/** The settings of a process as its environment; its logins are not limited. */
const environmentOf = (config: Config): Record<string, string> => ({
  USER_SERVICE_PORT: '0',
  USER_DATABASE_URL: config.databaseUrl,
  JWT_PRIVATE_KEY: config.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
  REFRESH_TOKEN_SECRET: config.refreshTokenSecret,
  BCRYPT_COST: String(config.bcryptCost),
  ...Object.fromEntries(
    ['LOGIN_LIMIT', 'LOGIN_ACCOUNT_LIMIT', 'LOGIN_ADDRESS_LIMIT', 'LOGIN_RATE_LIMIT'].map((name) => [name, '1000/1m']),
  ),
  ...hostEnvironment(config),
});

/** The real service with a database and a broker of its own. */
export async function startTestService(overrides: Partial<Config> = {}): Promise<TestService> {
  const tokens = createTestTokens();
  const [database, broker] = await Promise.all([createTestDatabase({ serviceDirectory }), createTestBroker()]);
  const config: Config = {
    ...testServiceConfig({ tokens, brokerUrl: broker.url, databaseUrl: database.url }),
    privateKey: tokens.privateKey,
    refreshTokenSecret: 'test-refresh-token-secret',
    bcryptCost: 4,
    // All tests come from one address: its limits are for the tests that are about them.
    attemptLimits: {
      login: { name: 'login', quota: 10, window: 900_000 },
      loginOfAccount: { name: 'login-account', quota: 50, window: 3_600_000 },
      loginFromAddress: { name: 'login-address', quota: 100_000, window: 900_000 },
      everyLogin: { name: 'logins', quota: 100_000, window: 60_000 },
      registrationFromAddress: { name: 'registration', quota: 100_000, window: 3_600_000 },
      refreshFromAddress: { name: 'refresh', quota: 100_000, window: 900_000 },
      passwordChange: { name: 'password-change', quota: 10, window: 900_000 },
    },
    firstAdmin: ADMIN,
    personalDataRetention: 30 * 86_400_000,
    ...overrides,
  };
  let ahead = 0;
  const service = await startUserService(config, { clock: () => new Date(Date.now() + ahead) });
  const url = `http://127.0.0.1:${service.port}`;
  const answers = new DescribedAnswers();
  await answers.watch(url);
  const pool = createTestPool(database.url);
  const anybody = callerOf(url);

  const toTestUser = (pair: Pair): TestUser => ({
    ...pair,
    id: pair.user.id,
    email: pair.user.email,
    ...callerOf(url, pair.token),
  });
  const query = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    (await pool.query<Row>(text, values)).rows;
  const login = async (credentials: { email: string; password: string }) =>
    toTestUser((await anybody.post('/login', credentials).expect(200)).body.data);

  return {
    service,
    config,
    broker,
    tokens,
    url,
    anybody,
    register: async (changes = {}) =>
      toTestUser((await anybody.post('/register', registration(changes)).expect(201)).body.data),
    login,
    admin: () => login(ADMIN),
    startAnother: (others = {}) => startUserService({ ...config, ...others }),
    runLater: async (later, until, others = {}) => {
      const another = await startUserService({ ...config, ...others }, { clock: () => new Date(Date.now() + later) });
      try {
        await eventually(until);
      } finally {
        await another.stop();
      }
    },
    startCounted: () => startCountedProcess({ directory: serviceDirectory, environment: environmentOf(config) }),
    eventsOf: (subject) =>
      query<OutboxRow>('SELECT type, subject, sequence, data FROM outbox WHERE subject = $1 ORDER BY position', [
        subject,
      ]),
    query,
    connect: async () => {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      return client;
    },
    passTime: (milliseconds) => {
      ahead += milliseconds;
    },
    restoreTime: () => {
      ahead = 0;
    },
    stop: async () => {
      await service.stop();
      try {
        await assertDescribedEvents(pool, '/user-service');
      } finally {
        await pool.end();
        await Promise.all([database.drop(), broker.stop()]);
      }
      answers.stop();
    },
  };
}

/** Until a request is answered with a status. */
export const untilStatus = (status: number, request: () => Test, options?: { timeout: number }): Promise<void> =>
  eventually(async () => {
    const answer = await request();
    if (answer.status !== status) throw new Error(`${answer.status} instead of ${status}`);
  }, options);
