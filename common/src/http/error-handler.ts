import type { ErrorRequestHandler, RequestHandler } from 'express';
import {
  AppError,
  CapacityExceeded,
  InvalidInput,
  InvalidToken,
  MethodNotAllowed,
  NotFound,
  PayloadTooLarge,
  RateLimited,
  ServiceUnavailable,
  UnsupportedMediaType,
  findAppError,
  type ErrorCode,
} from '../errors/index.js';
import type { Answer } from '../idempotency/index.js';
import type { Logger } from '../logger/index.js';
import { addHeader } from './answer-headers.js';
import { setRateLimitHeaders } from './rate-limit-headers.js';
import { sendAnswer } from './reply.js';

/** The status of each code: the only place that knows. */
export const statusOfCode = {
  INVALID_INPUT: 400,
  UNAUTHORIZED: 401,
  PAYMENT_DECLINED: 402,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  PRECONDITION_FAILED: 412,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  IDEMPOTENCY_KEY_REUSED: 422,
  RATE_LIMITED: 429,
  INTERNAL_ERROR: 500,
  SERVICE_UNAVAILABLE: 503,
  UPSTREAM_TIMEOUT: 504,
} as const satisfies Record<ErrorCode, number>;

/** What clients see of an error. */
export function errorBody(error: AppError) {
  const fields = error instanceof InvalidInput ? error.fields : undefined;
  return {
    code: error.code,
    message: error.message,
    ...error.facts,
    ...(fields && { details: fields.map(({ field, message }) => `${field}: ${message}`).join('; '), fields }),
  };
}

export const errorAnswer = (error: AppError): Answer => ({
  status: statusOfCode[error.code],
  body: { success: false, error: errorBody(error) },
});

/** Express and body-parser mark their errors with `status`, as the package http-errors makes them. */
function fromExpress(error: unknown): AppError | undefined {
  if (!(error instanceof Error) || !('status' in error)) return undefined;
  const { status } = error;
  if (status === 413) return new PayloadTooLarge();
  if (status === 415) return new UnsupportedMediaType('Content-Type must be application/json in UTF-8');
  if (error instanceof URIError) return new InvalidInput([{ field: 'path', message: 'is not valid' }]);
  if (typeof status !== 'number' || status < 400 || status >= 500) return undefined;
  return new InvalidInput([{ field: 'body', message: 'could not be read' }]);
}

/** RFC 6750, 3.1: who sent no token gets no error in it. */
const challengeOf = (error: AppError): string =>
  error instanceof InvalidToken ? 'Bearer error="invalid_token"' : 'Bearer';

/** No route matched. */
export const notFound: RequestHandler = () => {
  throw new NotFound('No such route');
};

/**
 * Answers every error: expected ones with their code, all others generically, logged whole. `isUnavailable` knows the
 * errors by which libraries say that a dependency can't be reached.
 */
export function errorHandler(
  logger: Logger,
  isUnavailable: (error: unknown) => boolean = () => false,
): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (thrown: unknown, _request, response, _next) => {
    const expected =
      findAppError(thrown) ?? fromExpress(thrown) ?? (isUnavailable(thrown) ? new ServiceUnavailable() : undefined);
    const error = expected ?? new AppError('INTERNAL_ERROR', 'Internal server error');
    const status = statusOfCode[error.code];
    const isFailure = status >= 500 && !(error instanceof CapacityExceeded);
    if (isFailure) logger.error('request failed', { code: error.code, err: thrown });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (status === 401) addHeader(response, 'WWW-Authenticate', challengeOf(error));
    if (error instanceof MethodNotAllowed) addHeader(response, 'Allow', error.allowed.join(', '));
    if (error instanceof RateLimited && error.policy !== undefined) {
      setRateLimitHeaders(response, error.policy, { remaining: 0, resetSeconds: error.retryAfterSeconds ?? 0 });
    }
    if (error.retryAfterSeconds !== undefined) addHeader(response, 'Retry-After', String(error.retryAfterSeconds));
    sendAnswer(response, errorAnswer(error));
  };
}
