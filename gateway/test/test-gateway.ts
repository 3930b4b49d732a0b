import { AccessTokenVerifier, RevocationList } from '@shop/common/auth';
import { ServiceClient } from '@shop/common/http';
import { createMetrics, type Metrics } from '@shop/common/metrics';
import type { LogFacts, Logger } from '@shop/common/logger';
import { createTestTokens, type TestTokens } from '@shop/testing';
import { identify } from '../src/context.js';
import { DocumentBudget, type DocumentLimits } from '../src/document-budget.js';
import { perService, serviceKeys, services as knownServices, type PerService } from '../src/features.js';
import { OpenSubscriptions } from '../src/subscriptions/open-subscriptions.js';
import { Upstream } from '../src/upstream-work.js';
import { buildYoga, type Yoga } from '../src/yoga.js';
import { startStandIn, type Call, type StandIn } from './upstream.js';

export interface GraphQLAnswer {
  status: number;
  headers: Headers;
  // Each test knows what it asked for.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data: any;
  errors: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[] | undefined;
}

export const codes = ({ errors }: GraphQLAnswer) => errors?.map(({ extensions }) => extensions.code);

export interface LogEntry {
  level: string;
  message: string;
  facts: LogFacts | undefined;
}

export interface TestGateway extends PerService<StandIn> {
  yoga: Yoga;
  tokens: TestTokens;
  revocations: RevocationList;
  log: LogEntry[];
  metrics: Metrics;
  /** All calls to services, in order of arrival at each. */
  calls(): Call[];
  ask(
    query: string,
    options?: { variables?: object; token?: string; accept?: string; idempotencyKey?: string },
  ): Promise<GraphQLAnswer>;
  reset(): void;
  stop(): Promise<void>;
}

/** The answer of a GraphQL request, read. */
export async function read(response: Response): Promise<GraphQLAnswer> {
  const body = (await response.json()) as Pick<GraphQLAnswer, 'data' | 'errors'>;
  return { status: response.status, headers: response.headers, data: body.data, errors: body.errors };
}

/** More than any test takes. */
export const noDocumentLimits: DocumentLimits = {
  perClient: { quota: 1_000_000, window: 1_000 },
  inAll: { quota: 1_000_000, window: 1_000 },
};

/** The GraphQL endpoint between a test and stand-ins of the services. */
export async function createTestGateway({
  introspectionEnabled = true,
  timeout = 5_000,
  requestTimeout = 10_000,
  documentLimits = noDocumentLimits,
  upstreamLimits = { perRequest: 4, perClient: 16 },
} = {}): Promise<TestGateway> {
  const tokens = createTestTokens();
  const revocations = new RevocationList({ lifetime: 3_600_000 });
  const started = new Map(await Promise.all(serviceKeys.map(async (key) => [key, await startStandIn()] as const)));
  const standIns = perService((key) => {
    const standIn = started.get(key);
    if (standIn === undefined) throw new Error(`no stand-in of ${key}`);
    return standIn;
  });
  const metrics = createMetrics({ service: 'test' });
  const client = (name: string, { url }: StandIn) => new ServiceClient({ name, url, timeout, metrics });
  const services = perService((key) => client(knownServices[key].name, standIns[key]));
  const log: LogEntry[] = [];
  const entry = (level: string) => (message: string, facts?: LogFacts) => void log.push({ level, message, facts });
  const logger: Logger = { error: entry('error'), warn: entry('warn'), info: entry('info'), debug: entry('debug') };
  const verifier = new AccessTokenVerifier({ ...tokens, revocations });
  const subscriptions = new OpenSubscriptions({
    verifier,
    limits: { perAccount: 10, perAddress: 100, inAll: 10 },
    metrics,
  });
  const yoga = buildYoga({
    services,
    upstream: new Upstream(upstreamLimits),
    documentBudget: new DocumentBudget({ limits: documentLimits, metrics }),
    subscriptions,
    verifier,
    logger,
    metrics,
    introspectionEnabled,
    requestTimeout,
  });

  return {
    yoga,
    tokens,
    revocations,
    ...standIns,
    log,
    metrics,
    calls: () => Object.values(standIns).flatMap(({ calls }) => calls),
    ask: async (query, { variables, token, accept = 'application/json', idempotencyKey } = {}) =>
      read(
        await yoga.fetch(
          'http://gateway/graphql',
          {
            method: 'POST',
            headers: {
              'content-type': 'application/json',
              accept,
              ...(token && { authorization: `Bearer ${token}` }),
              ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
            },
            body: JSON.stringify({ query, variables }),
          },
          { caller: identify(token === undefined ? undefined : `Bearer ${token}`, verifier) },
        ),
      ),
    reset: () => {
      for (const standIn of Object.values(standIns)) standIn.reset();
      log.length = 0;
    },
    stop: async () => {
      subscriptions.close();
      await Promise.all(Object.values(services).map((service) => service.close()));
      await Promise.all(Object.values(standIns).map((standIn) => standIn.stop()));
    },
  };
}
