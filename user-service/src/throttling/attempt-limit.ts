import { createHash } from 'node:crypto';

/** So many tries at once; each comes back after `window / quota`. */
export interface AttemptLimit {
  /** Under which clients see it. */
  readonly name: string;
  readonly quota: number;
  /** Milliseconds. */
  readonly window: number;
}

/** A hash is of one length, and keeps addresses of people who have no account out of the database. */
export type HashedKey = Uint8Array<ArrayBuffer>;

/** What somebody has of a limit. */
export interface AttemptBudget {
  readonly limit: AttemptLimit;
  readonly key: HashedKey;
  /** Whether it counts and refuses only where the account hasn't logged in from the address before. */
  readonly isForStrangers?: boolean;
}

export const keyOf = (...parts: readonly string[]): HashedKey =>
  new Uint8Array(createHash('sha256').update(JSON.stringify(parts)).digest());

export const budgetOf = (limit: AttemptLimit, ...counted: readonly string[]): AttemptBudget => ({
  limit,
  key: keyOf(limit.name, ...counted),
});

/** Milliseconds after which a try comes back; whole ones, so that `quota` of them never exceed the window. */
export const pauseOf = ({ window, quota }: AttemptLimit): number => Math.max(1, Math.floor(window / quota));
