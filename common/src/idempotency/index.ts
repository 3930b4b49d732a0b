export type {
  Answer,
  IdempotencyLease,
  LeaseNote,
  Claim,
  LeasedKey,
  IdempotencyStore,
  KeyedRequest,
} from './idempotency.js';
