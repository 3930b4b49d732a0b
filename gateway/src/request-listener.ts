import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AccessTokenVerifier } from '@shop/common/auth';
import { AppError, findAppError } from '@shop/common/errors';
import { addHeader, noteRoute, statusOfCode, withEntry, type EntryParts, type RateLimit } from '@shop/common/http';
import type { RequestScope } from '@shop/common/logger';
import { identify } from './context.js';
import { wantsPage } from './graphiql/graphiql.js';
import { toGraphQLError } from './mask-error.js';
import { sendAnswer } from './send-answer.js';
import { ENDPOINT, graphqlPaths, type Yoga } from './yoga.js';

export interface ListenerParts extends EntryParts {
  /** Answers whatever isn't GraphQL. */
  app: RequestListener;
  yoga: Yoga;
  verifier: AccessTokenVerifier;
  limitRate: RateLimit;
  graphiqlEnabled: boolean;
}

/**
 * The gateway's whole HTTP face. GraphQL goes straight to Yoga, which costs half of what it does behind Express.
 */
export function buildListener(parts: ListenerParts): RequestListener {
  const { app, graphiqlEnabled } = parts;
  return withEntry(parts, (request, response, scope) => {
    const path = pathOf(request);
    if (!graphqlPaths.has(path) || (graphiqlEnabled && wantsPage(request))) app(request, response);
    else void answerGraphQL(path, request, response, scope, parts);
  });
}

/** Without a slash at its end, as Express reads its own routes. */
function pathOf({ url = '' }: IncomingMessage): string {
  const path = url.split('?', 1)[0] ?? '';
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

async function answerGraphQL(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  scope: RequestScope,
  { yoga, verifier, limitRate, logger }: ListenerParts,
): Promise<void> {
  noteRoute(request, path);
  if (request.method === 'OPTIONS') {
    response.setHeader('Allow', 'GET, POST, OPTIONS');
    response.setHeader('Cache-Control', 'no-store');
    response.statusCode = 204;
    response.end();
    return;
  }
  try {
    const caller = identify(request.headers.authorization, verifier);
    if (caller.actor) scope.actorId = caller.actor.id;
    await limitRate(response, { accountId: caller.actor?.id, address: scope.clientAddress });
    if (path !== ENDPOINT) request.url = request.url?.replace(path, ENDPOINT);
    await sendAnswer(
      await yoga.handleNodeRequestAndResponse(request, response, { req: request, caller }),
      request,
      response,
    );
  } catch (error) {
    const expected = findAppError(error);
    if (expected === undefined) logger.error('request failed', { err: error });
    refuse(response, expected ?? new AppError('INTERNAL_ERROR', 'Internal server error'));
  }
}

const bodyOfRefusal = (error: AppError): string => JSON.stringify({ errors: [toGraphQLError(error)] });

/** How a request for GraphQL is refused; undefined where it is for something else. */
export const refusalBody = (request: IncomingMessage, error: AppError): string | undefined =>
  graphqlPaths.has(pathOf(request)) ? bodyOfRefusal(error) : undefined;

/** Answers a request that isn't let through to GraphQL, in the form of its answers. */
function refuse(response: ServerResponse, error: AppError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error.retryAfterSeconds !== undefined) addHeader(response, 'Retry-After', String(error.retryAfterSeconds));
  addHeader(response, 'Cache-Control', 'no-store');
  addHeader(response, 'Content-Type', 'application/json; charset=utf-8');
  response.statusCode = statusOfCode[error.code];
  response.end(bodyOfRefusal(error));
}
