import { hash } from 'node:crypto';

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
  /** An address of an account: where it is familiar, it has a budget of its own, and this one doesn't count. */
  readonly familiarPlace?: HashedKey;
}

export const keyOf = (...parts: readonly string[]): HashedKey => hash('sha256', JSON.stringify(parts), 'buffer');

export const budgetOf = (limit: AttemptLimit, ...counted: readonly string[]): AttemptBudget => ({
  limit,
  key: keyOf(limit.name, ...counted),
});

/** Milliseconds after which a try comes back; whole ones, so that `quota` of them never exceed the window. */
export const pauseOf = ({ window, quota }: AttemptLimit): number => Math.max(1, Math.floor(window / quota));

/** Milliseconds that all tries but the last one take to come back: beyond it none is left. */
export const toleranceOf = (limit: AttemptLimit): number => pauseOf(limit) * (limit.quota - 1);
