import type { AccessTokenVerifier } from '@shop/common/auth';
import type { Logger } from '@shop/common/logger';
import type { Metrics } from '@shop/common/metrics';
import type { Tracing } from '@shop/common/tracing';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import { useNotAcceptable } from './accepted-type.js';
import { useAnswerLimit } from './answer-limit.js';
import { useCacheControl } from './cache-control.js';
import { createContext, identify, stillValid, type ContextParts, type GatewayContext } from './context.js';
import type { DocumentBudget } from './document-budget.js';
import { useDocumentCache } from './document-cache.js';
import { useHiddenSchema } from './hidden-schema.js';
import { useIntrospectionCache } from './introspection-cache.js';
import { useQueryLimits } from './limits.js';
import { createMaskError } from './mask-error.js';
import { useOperationMetrics } from './operation-metrics.js';
import { useOperationSpans } from './operation-spans.js';
import { useNoPersistedQueries } from './persisted-queries.js';
import { useJsonBody, useReadableParameters } from './request-body.js';
import { buildSchema } from './schema.js';
import { useTimeLimit } from './time-limit.js';
import { useSilentErrors } from './without-values.js';
import { useSubscriptions, type ServerContext } from './subscriptions/use-subscriptions.js';

/** Where Yoga serves GraphQL: one plain path, since it parses the address of each request for a pattern. */
export const ENDPOINT = '/graphql';

/** Where GraphQL is served; clients of the Go system expect it at /query. */
export const graphqlPaths: ReadonlySet<string> = new Set([ENDPOINT, '/query']);

export interface YogaParts extends ContextParts {
  verifier: AccessTokenVerifier;
  logger: Logger;
  metrics: Metrics;
  tracing?: Tracing | undefined;
  documentBudget: DocumentBudget;
  /** Whether clients may ask for the schema and get suggestions of names. */
  introspectionEnabled: boolean;
  /** Milliseconds for all calls of services that one request makes. */
  requestTimeout: number;
}

export type Yoga = YogaServerInstance<ServerContext, GatewayContext>;

/** The GraphQL endpoint, without port and connections: `yoga.fetch(request)` in tests, `yoga(request, response)` on a server. */
export function buildYoga({
  verifier,
  logger,
  metrics,
  tracing,
  documentBudget,
  introspectionEnabled,
  requestTimeout,
  ...parts
}: YogaParts): Yoga {
  const schema = buildSchema();
  return createYoga<ServerContext, GatewayContext>({
    schema,
    context: ({ request, caller }) =>
      createContext(
        parts,
        caller ? stillValid(caller, verifier) : identify(request.headers.get('authorization') ?? undefined, verifier),
        request,
      ),
    graphqlEndpoint: ENDPOINT,
    plugins: [
      useOperationMetrics(metrics, schema),
      ...(tracing ? [useOperationSpans(tracing)] : []),
      useJsonBody(),
      useReadableParameters(),
      useNoPersistedQueries(),
      useQueryLimits(schema),
      ...(introspectionEnabled ? [] : [useHiddenSchema()]),
      useIntrospectionCache(),
      useDocumentCache(documentBudget),
      useTimeLimit(requestTimeout),
      useSubscriptions(),
      useNotAcceptable(),
      useCacheControl(),
      useSilentErrors(),
      useAnswerLimit(),
    ],
    maskedErrors: { maskError: createMaskError(logger) },
    // The page, CORS, health and logs are the server's around it; the body's limit and the cache are ours.
    maxRequestBodySize: false,
    parserAndValidationCache: false,
    graphiql: false,
    landingPage: false,
    cors: false,
    multipart: false,
    logging: false,
  });
}
