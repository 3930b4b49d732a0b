import type { AccessTokenVerifier } from '@shop/common/auth';
import type { Logger } from '@shop/common/logger';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import { createContext, identify, type GatewayContext, type Services } from './context.js';
import { useHiddenSchema } from './hidden-schema.js';
import { useQueryLimits } from './limits.js';
import { createMaskError } from './mask-error.js';
import { useBodyLimit, useJsonOnly } from './request-body.js';
import { buildSchema } from './schema.js';

/** Where GraphQL is served; clients of the Go system expect it at /query. */
export const graphqlPaths: ReadonlySet<string> = new Set(['/graphql', '/query']);

/** Answers are for their caller alone: nobody on the way may keep them. */
const useNoStore = (): Plugin => ({
  onResponse({ response }) {
    if (!response.headers.has('Cache-Control')) response.headers.set('Cache-Control', 'no-store');
  },
});

export interface YogaParts {
  services: Services;
  verifier: AccessTokenVerifier;
  logger: Logger;
  /** Whether clients may ask for the schema and get suggestions of names. */
  introspectionEnabled: boolean;
}

export type Yoga = YogaServerInstance<object, GatewayContext>;

/** The GraphQL endpoint, without port and connections: `yoga.fetch(request)` in tests, `yoga(request, response)` on a server. */
export function buildYoga({ services, verifier, logger, introspectionEnabled }: YogaParts): Yoga {
  return createYoga<object, GatewayContext>({
    schema: buildSchema(),
    context: ({ request }) =>
      createContext(services, identify(request.headers.get('authorization') ?? undefined, verifier), {
        idempotencyKey: request.headers.get('idempotency-key') ?? undefined,
      }),
    graphqlEndpoint: `/:endpoint(${[...graphqlPaths].map((path) => path.slice(1)).join('|')})`,
    plugins: [
      useJsonOnly(),
      useBodyLimit(),
      useQueryLimits(),
      useNoStore(),
      ...(introspectionEnabled ? [] : [useHiddenSchema()]),
    ],
    maskedErrors: { maskError: createMaskError(logger) },
    // The page, CORS, health and logs are the server's around it; the body's limit is ours.
    maxRequestBodySize: false,
    graphiql: false,
    landingPage: false,
    cors: false,
    multipart: false,
    logging: false,
  });
}
