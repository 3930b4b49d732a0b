export { AppError, type ErrorCode } from './app-error.js';
export {
  CapacityExceeded,
  Conflict,
  Forbidden,
  IdempotencyKeyReused,
  InvalidInput,
  MethodNotAllowed,
  NotFound,
  PayloadTooLarge,
  type Precondition,
  PreconditionFailed,
  RateLimited,
  type RateLimitPolicy,
  RequestStillRunning,
  ServiceUnavailable,
  TooManyIdempotencyKeys,
  InvalidToken,
  Unauthorized,
  UnsupportedMediaType,
  UpstreamTimeout,
  type FieldFault,
} from './errors.js';
export { LostRace, retryLostRaces, retryWhere } from './lost-race.js';
export { findAppError } from './find-app-error.js';
