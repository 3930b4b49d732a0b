import type { AppError } from '../errors/index.js';

export interface AnswerHeaders {
  /** The version of what the answer shows, as an entity tag. */
  readonly ETag?: string;
  /** Where what was created is found. */
  readonly Location?: string;
}

/** A status and its envelope, without the id of the request that is answered. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** That belong to this answer alone. */
  readonly headers?: AnswerHeaders | undefined;
  /** It is the answer to an earlier request with the same idempotency key. */
  readonly isReplayed?: boolean;
}

/** A request that is to be carried out once, however often it is sent. */
export interface KeyedRequest {
  readonly userId: string;
  /** The header Idempotency-Key. */
  readonly key: string;
  /** Distinguishes this request from others under the same key. */
  readonly fingerprint: string;
}

/** A key in the hands of one attempt to carry its request out. */
export interface LeasedKey {
  readonly userId: string;
  readonly key: string;
  /** Distinguishes this attempt from one that takes over. */
  readonly attempt: string;
  /** What an earlier attempt had begun and didn't bring to an end: to be carried on, not to be begun again. */
  readonly begun: string | undefined;
}

/** `running`: another attempt holds the key. `reused`: it stands for another request. `full`: the user has too many keys. */
export type Claim =
  | { readonly outcome: 'held'; readonly leasedKey: LeasedKey }
  | { readonly outcome: 'answered'; readonly answer: Answer }
  | { readonly outcome: 'running' }
  | { readonly outcome: 'reused' }
  | { readonly outcome: 'full'; readonly retryAfterSeconds: number };

/** Keeps what was answered to each key. */
export interface IdempotencyStore {
  claim(request: KeyedRequest): Promise<Claim>;
  /** Keeps the answer, unless there is one or another attempt has taken over. */
  keep(leasedKey: LeasedKey, answer: Answer): Promise<void>;
  /** Sets the key free without an answer; what was begun under it stays to be carried on. */
  release(leasedKey: LeasedKey): Promise<void>;
}

/** What is written about an attempt in the transaction of its change. */
export interface LeaseNote {
  readonly leasedKey: LeasedKey;
  readonly answer: Answer | undefined;
  readonly begun: string | undefined;
  /** Whether the change is undone if another attempt has taken over. */
  readonly isFenced: boolean;
}

/** What a use case says about the attempt that it is part of, to be written down with what it changes. */
export interface IdempotencyLease<Value> {
  /** What an earlier attempt had begun. */
  readonly begun: string | undefined;
  /** This is made, and the request answered with it. */
  complete(value: Value): LeaseNote;
  /** This is begun; how it ends is for another transaction to say. */
  start(id: string): LeaseNote;
  /** What was begun has ended, whoever brought it to its end. After an error that may pass it can be begun again. */
  settle(result: Value | AppError): LeaseNote;
}
