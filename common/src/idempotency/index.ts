export type {
  Answer,
  AnswerHeaders,
  IdempotencyLease,
  LeaseNote,
  Claim,
  LeasedKey,
  IdempotencyStore,
  KeyedRequest,
} from './idempotency.js';
