import { findAppError } from '../errors/index.js';
import { findDatabaseFailure } from '../database/index.js';

const MAX_MESSAGE = 300;

/** What differs from event to event in one and the same error: quoted values, and words with a digit such as ids. */
const withoutValues = (message: string): string =>
  message
    .slice(0, MAX_MESSAGE)
    .split(/["'`]/)
    .map((part, index) => (index % 2 === 0 ? part : '?'))
    .join(' ')
    .split(/\s/)
    .map((word) => (/\d/.test(word) ? '?' : word))
    .join(' ');

/** What two errors have in common where they are the same fault: class, code, and message without values. */
export function identityOf(error: unknown): string {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const code = findDatabaseFailure(error)?.sqlState ?? findAppError(error)?.code ?? '';
  return `${name} ${code} ${withoutValues(message)}`;
}

export interface FailureStreakOptions {
  /** How many different events fail alike, none succeeding between, before that counts as an outage. */
  length: number;
  /** Milliseconds that one error may pass for an outage. */
  limit: number;
  clock?: () => number;
}

/**
 * Tells an outage that nobody foresaw from events that are at fault themselves: different events that fail one after
 * another with the same error, and none that succeeds between. An error that has passed for an outage for `limit` does so
 * no more until it has not been seen for as long: a kind of event that always fails must not hold up all others for good.
 */
export class FailureStreak {
  readonly #length: number;
  readonly #limit: number;
  readonly #clock: () => number;
  #identity: string | undefined;
  #since: number | undefined;
  readonly #ids = new Set<string>();
  #exempt: { identity: string; seenAt: number } | undefined;

  constructor({ length, limit, clock = Date.now }: FailureStreakOptions) {
    this.#length = length;
    this.#limit = limit;
    this.#clock = clock;
  }

  /**
   * An event failed. True: this passes for an outage. Only events that failed for the first time make a streak: faulty ones
   * come again together, when those between them have long succeeded.
   */
  add(error: unknown, { id, isFirstTry }: { id: string; isFirstTry: boolean }): boolean {
    const identity = identityOf(error);
    const now = this.#clock();
    if (this.#isExempt(identity, now)) return false;
    if (identity !== this.#identity) this.reset();
    this.#identity = identity;
    if (isFirstTry && this.#ids.size < this.#length) this.#ids.add(id);
    if (this.#ids.size < this.#length) return false;
    this.#since ??= now;
    if (now - this.#since < this.#limit) return true;
    this.#exempt = { identity, seenAt: now };
    this.reset();
    return false;
  }

  /** An event succeeded. */
  reset(): void {
    this.#identity = undefined;
    this.#since = undefined;
    this.#ids.clear();
  }

  #isExempt(identity: string, now: number): boolean {
    if (this.#exempt?.identity !== identity) return false;
    const isOver = now - this.#exempt.seenAt > this.#limit;
    this.#exempt = isOver ? undefined : { identity, seenAt: now };
    return !isOver;
  }
}
