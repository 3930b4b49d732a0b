import { AppError, type AppErrorOptions } from './app-error.js';

/** One fault of one input field; `field` is a path such as `items[0].quantity`. */
export interface FieldFault {
  field: string;
  message: string;
}

/** The request itself is wrong; sending it again unchanged can't succeed. */
export class InvalidInput extends AppError {
  readonly fields: readonly FieldFault[];

  constructor(fields: readonly FieldFault[], options?: AppErrorOptions) {
    super('INVALID_INPUT', 'Validation failed', options);
    this.fields = fields;
  }
}

/** The caller isn't known: no token, or one that is malformed, expired, revoked or forged. */
export class Unauthorized extends AppError {
  constructor(message = 'Authentication required', options?: AppErrorOptions) {
    super('UNAUTHORIZED', message, options);
  }
}

/** An access token came along, and is malformed, expired, revoked or forged. */
export class InvalidToken extends Unauthorized {}

/** The caller is known and may not do this. */
export class Forbidden extends AppError {
  constructor(message = 'Not allowed', options?: AppErrorOptions) {
    super('FORBIDDEN', message, options);
  }
}

/** There is no such thing, or it isn't the caller's: the two look alike. */
export class NotFound extends AppError {
  constructor(message = 'Not found', options?: AppErrorOptions) {
    super('NOT_FOUND', message, options);
  }
}

/** The thing exists and its state, or another change at the same time, forbids this. */
export class Conflict extends AppError {
  constructor(message: string, options?: AppErrorOptions) {
    super('CONFLICT', message, options);
  }
}

/** What the client demands of the version that its change starts from (If-Match) isn't so. */
export class PreconditionFailed extends AppError {
  constructor() {
    super('PRECONDITION_FAILED', 'It is not the version that the request is for: read it again');
  }
}

/** What a change demands of the version that it starts from. Throws PreconditionFailed. */
export type Precondition = (version: number) => void;

/** The first request with the same idempotency key has no answer yet. */
export class RequestStillRunning extends Conflict {
  constructor() {
    super('A request with this Idempotency-Key is still running', { retryAfterSeconds: 1 });
  }
}

/** The idempotency key stands for another request. */
export class IdempotencyKeyReused extends AppError {
  constructor() {
    super('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used for another request');
  }
}

export class MethodNotAllowed extends AppError {
  readonly allowed: readonly string[];

  constructor(allowed: readonly string[]) {
    super('METHOD_NOT_ALLOWED', 'Method not allowed');
    this.allowed = allowed;
  }
}

export class UnsupportedMediaType extends AppError {
  constructor(message = 'Content-Type must be application/json', options?: AppErrorOptions) {
    super('UNSUPPORTED_MEDIA_TYPE', message, options);
  }
}

export class PayloadTooLarge extends AppError {
  constructor(message = 'Request body is too large', options?: AppErrorOptions) {
    super('PAYLOAD_TOO_LARGE', message, options);
  }
}

/** A limit as clients see it: so many tries in so many seconds. */
export interface RateLimitPolicy {
  readonly name: string;
  readonly quota: number;
  readonly windowSeconds: number;
}

export class RateLimited extends AppError {
  /** The limit that was reached, where the client doesn't know it yet. */
  readonly policy: RateLimitPolicy | undefined;

  constructor(
    retryAfterSeconds: number,
    { policy, message = 'Too many requests' }: { policy?: RateLimitPolicy | undefined; message?: string } = {},
  ) {
    super('RATE_LIMITED', message, { retryAfterSeconds });
    this.policy = policy;
  }
}

/** A user has as many idempotency keys as may be kept for it. */
export class TooManyIdempotencyKeys extends RateLimited {
  constructor(retryAfterSeconds: number) {
    super(retryAfterSeconds, { message: 'Too many idempotency keys: each is kept for 24 hours' });
  }
}

/** Something that this process depends on is down or too busy. */
export class ServiceUnavailable extends AppError {
  constructor(message = 'Service temporarily unavailable', options: AppErrorOptions = {}) {
    super('SERVICE_UNAVAILABLE', message, { retryAfterSeconds: 1, ...options });
  }
}

/** This process has no room for more at present. Nothing is broken, so that it is no error in the log. */
export class CapacityExceeded extends ServiceUnavailable {}

/** Something that this process depends on didn't answer in time. */
export class UpstreamTimeout extends AppError {
  constructor(message = 'A dependency did not answer in time', options?: AppErrorOptions) {
    super('UPSTREAM_TIMEOUT', message, options);
  }
}
