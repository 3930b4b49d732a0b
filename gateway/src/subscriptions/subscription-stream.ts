import { isDeepStrictEqual } from 'node:util';
import { findAppError, type ErrorCode } from '@shop/common/errors';
import { backOff, pause } from '@shop/common/rabbitmq';

/** What is pushed: a resource of a service, as it is at some moment. */
export interface Snapshot {
  readonly id: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** An event's word that something is not what it was. `sequence` is the aggregate's version. */
export interface Change {
  readonly aggregate: string;
  readonly sequence: number;
}

export interface PushesOptions<T extends Snapshot> {
  /** The resource as the subscriber may see it now; undefined while there is none yet. Throws where it may not. */
  read: () => Promise<T | undefined>;
  /** Notified once, whatever ends it. */
  onEnd: () => void;
}

/** What passes by itself; every other failure to read ends the subscription. */
const passing: ReadonlySet<ErrorCode> = new Set(['SERVICE_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'RATE_LIMITED']);
const READ_PAUSE = { first: 500, most: 10_000 };

/**
 * What one subscriber is sent: after changes, the resource as it is then, if that is news. Nothing is queued for a
 * subscriber who takes its time, which gets the newest state in the end. Own iterator: `return()` of an async generator
 * would wait for the next change, and the subscription would outlive its subscriber.
 */
export class SubscriptionStream<T extends Snapshot> implements AsyncIterableIterator<T, undefined> {
  readonly #options: PushesOptions<T>;
  readonly #ended = new AbortController();
  /** The last sequence learned of each aggregate. */
  readonly #received = new Map<string, number>();
  #isChanged = false;
  #wake: (() => void) | undefined;
  #last: T | undefined;
  #error: Error | undefined;

  constructor(options: PushesOptions<T>) {
    this.#options = options;
  }

  /** Reads what later states are compared with. Throws why the subscriber may not see it. */
  async start(): Promise<void> {
    this.#last = await this.#options.read();
  }

  /** Something may have changed; `change` says what, so that repeated and late events cost nothing. */
  notice(change?: Change): void {
    if (change !== undefined) {
      if (change.sequence <= (this.#received.get(change.aggregate) ?? -1)) return;
      this.#received.set(change.aggregate, change.sequence);
    }
    this.#isChanged = true;
    this.#wake?.();
  }

  /** Nothing more is pushed but the error, if there is one. */
  end(error?: Error): void {
    if (this.#ended.signal.aborted) return;
    this.#error = error;
    this.#ended.abort();
    this.#wake?.();
    this.#options.onEnd();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      await this.#change();
      const current = await this.#read();
      if (this.#isEnded()) return this.#lastWord();
      if (current === undefined || !hasChanged(current, this.#last)) continue;
      this.#last = current;
      return { done: false, value: current };
    }
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Resolves at the next change, which may have been already, or at the end. */
  async #change(): Promise<void> {
    if (this.#isChanged || this.#isEnded()) return;
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
  }

  /** Tries again, with growing pauses, what fails for the moment; ends with every other error. */
  async #read(): Promise<T | undefined> {
    for (let failures = 0; !this.#isEnded(); failures++) {
      this.#isChanged = false;
      try {
        return await this.#options.read();
      } catch (error) {
        const code = findAppError(error)?.code;
        if (code === undefined || !passing.has(code))
          this.end(error instanceof Error ? error : new Error(String(error)));
        else await pause(backOff(failures, READ_PAUSE), this.#ended.signal);
      }
    }
    return undefined;
  }

  #isEnded(): boolean {
    return this.#ended.signal.aborted;
  }

  #lastWord(): IteratorResult<T, undefined> {
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error;
    return { done: true, value: undefined };
  }
}

const hasChanged = (current: Snapshot, last: Snapshot | undefined): boolean =>
  last === undefined || (!isOlder(current, last) && !isDeepStrictEqual(current, last));

/** Times are all of one form, so that their texts sort as they do. */
const isOlder = (a: Snapshot, b: Snapshot): boolean =>
  a.createdAt < b.createdAt || (a.id === b.id && a.updatedAt < b.updatedAt);
