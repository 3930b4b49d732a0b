import { AppError, CapacityExceeded, InvalidInput, findAppError, type ErrorCode } from '@shop/common/errors';
import { errorBody, statusOfCode } from '@shop/common/http';
import { currentScope, type LogFacts, type Logger } from '@shop/common/logger';
import { GraphQLError, type GraphQLErrorExtensions } from 'graphql';
import { QueryTooComplex } from './query-complexity.js';

type MaskError = (error: unknown) => GraphQLError;

/** Refusals of whole requests: Yoga gives them a status, and codes of its own. */
const codeOfStatus: ReadonlyMap<unknown, ErrorCode> = new Map(
  (['METHOD_NOT_ALLOWED', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const).map((code) => [
    statusOfCode[code],
    code,
  ]),
);

/** What else can be wrong with a request, beside being invalid. */
const faultCodes: ReadonlySet<string> = new Set([
  'GRAPHQL_PARSE_FAILED',
  'QUERY_TOO_COMPLEX',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/**
 * What clients see of an expected failure: its code, message and facts, as REST answers them; and, since a field has no
 * headers, after how many seconds a limit lets them try again.
 */
export function toGraphQLError(error: AppError, at?: GraphQLError): GraphQLError {
  const { message, ...body } = errorBody(error);
  const http = at?.extensions.http;
  const extensions = {
    ...body,
    ...(error.code === 'RATE_LIMITED' && { retryAfter: error.retryAfterSeconds }),
    ...(http && { http }),
  };
  return new GraphQLError(message, { nodes: at?.nodes, source: at?.source, path: at?.path, extensions });
}

/**
 * Answers every error: expected ones with their code, faulty queries with what is wrong with them, all others generically,
 * logged whole.
 */
export function createMaskError(logger: Logger): MaskError {
  // One failed call of a service fails many fields, and is reported once. What else fails in the same request is no further
  // alarm: a request has one line of level error at most.
  const reported = new WeakSet<object>();
  const notify = (failure: object, facts: LogFacts): void => {
    if (reported.has(failure)) return;
    reported.add(failure);
    const scope = currentScope();
    if (scope !== undefined && reported.has(scope)) {
      logger.warn('request failed in another place', facts);
      return;
    }
    if (scope !== undefined) reported.add(scope);
    logger.error('request failed', facts);
  };

  return (error) => {
    const located = error instanceof GraphQLError ? error : undefined;
    const expected = findAppError(error) ?? findAppError(located?.originalError);
    if (expected !== undefined) {
      const isFailure = statusOfCode[expected.code] >= 500 && !(expected instanceof CapacityExceeded);
      if (isFailure) notify(expected, { code: expected.code, err: expected });
      return toGraphQLError(expected, located);
    }
    if (located !== undefined && isRequestFault(located)) return asRequestFault(located);
    const refusal = located?.originalError;
    if (refusal instanceof QueryTooComplex) return atField(refusal, located);
    if (isAbortedRequest(error))
      return toGraphQLError(new InvalidInput([{ field: 'body', message: 'could not be read' }]));
    const bug = new AppError('INTERNAL_ERROR', 'Internal server error');
    notify(bug, { code: bug.code, path: located?.path, err: located?.originalError ?? error });
    return toGraphQLError(bug, located);
  };
}

/** graphql-js and Yoga throw without a path, and of their own accord, what is wrong with the request itself. */
const isRequestFault = ({ path, originalError }: GraphQLError): boolean =>
  path === undefined &&
  (originalError === undefined || (originalError instanceof GraphQLError && isRequestFault(originalError)));

/** What an answer holds is only known while it is made: then one of its fields is refused. */
const atField = ({ message, extensions: { code } }: QueryTooComplex, at: GraphQLError | undefined): GraphQLError =>
  new GraphQLError(message, { nodes: at?.nodes, source: at?.source, path: at?.path, extensions: { code } });

/** The client went away in the middle of its body. A service that does is reported by an AppError. */
const isAbortedRequest = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ECONNRESET';

function asRequestFault(error: GraphQLError): GraphQLError {
  const { code, http } = error.extensions;
  return new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    extensions: { code: faultCode(code, http), http: faultStatus(code, http) },
  });
}

function faultCode(code: unknown, http: GraphQLErrorExtensions['http']): string {
  const refusal = codeOfStatus.get(http?.status);
  if (refusal !== undefined) return refusal;
  if (code === 'BAD_REQUEST') return 'INVALID_INPUT';
  return typeof code === 'string' && faultCodes.has(code) ? code : 'GRAPHQL_VALIDATION_FAILED';
}

/** With `spec`, the status counts in GraphQL's own media type only: in application/json a faulty query is 200. */
function faultStatus(code: unknown, http: GraphQLErrorExtensions['http']): GraphQLErrorExtensions['http'] {
  if (code === undefined) return { status: 400, spec: true };
  return code === 'BAD_REQUEST' ? { ...http, spec: false } : http;
}
