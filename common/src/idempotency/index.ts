export type { Answer, Attempt, AttemptNote, Claim, HeldKey, IdempotencyStore, KeyedRequest } from './idempotency.js';
