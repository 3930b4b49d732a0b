import { CapacityExceeded, RateLimited } from '../errors/index.js';

/** Waits until there is room for a request or an answer of so many bytes. Throws RateLimited and ServiceUnavailable. */
export type Admit = (bytes: number) => Promise<void>;

export interface BulkheadOptions {
  /** Bytes that all together may have inside, and that one account may; a single thing may be as large as that. */
  total: number;
  perAccount: number;
  /** How many of an account may wait in line, and of all. */
  maxWaiting: { total: number; perAccount: number };
  /** Milliseconds in line. */
  maxWait: number;
}

/** A place inside, until it is left. */
export interface Place {
  /** From now on it takes only so large a part of what all have together; of what its account has it takes as much as before. */
  shrinkTo(part: number): void;
  leave(): void;
}

interface Waiting {
  account: string;
  bytes: number;
  enter: (place: Place) => void;
}

/**
 * Lets in what is large only as far as there is room for it, for each account and for the process; the rest waits in line,
 * briefly, or is refused. So whoever asks for much at once has it one after the other, and memory stays bounded.
 */
export class Bulkhead {
  readonly #options: BulkheadOptions;
  readonly #ofAccount = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();
  #inside = 0;

  constructor(options: BulkheadOptions) {
    this.#options = options;
  }

  /** Throws RateLimited where the account has its share, and CapacityExceeded where the process has. */
  enter(account: string, bytes: number): Promise<Place> {
    const { perAccount, total, maxWait, maxWaiting } = this.#options;
    const wanted = { account, bytes: Math.min(bytes, perAccount, total) };
    if (this.#hasRoom(wanted)) return Promise.resolve(this.#admit(wanted));
    const ofAccount = [...this.#waiting].filter((waiting) => waiting.account === account).length;
    if (ofAccount >= maxWaiting.perAccount) return Promise.reject(tooManyOfAccount());
    if (this.#waiting.size >= maxWaiting.total) return Promise.reject(tooManyOfAll());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        reject(this.#isShareOf(account, wanted.bytes) ? tooManyOfAll() : tooManyOfAccount());
      }, maxWait);
      const waiting: Waiting = {
        ...wanted,
        enter: (place) => {
          clearTimeout(timer);
          resolve(place);
        },
      };
      this.#waiting.add(waiting);
    });
  }

  #isShareOf(account: string, bytes: number): boolean {
    return (this.#ofAccount.get(account) ?? 0) + bytes <= this.#options.perAccount;
  }

  #hasRoom({ account, bytes }: { account: string; bytes: number }): boolean {
    return this.#inside + bytes <= this.#options.total && this.#isShareOf(account, bytes);
  }

  #admit({ account, bytes }: { account: string; bytes: number }): Place {
    let taken = bytes;
    this.#inside += taken;
    this.#ofAccount.set(account, (this.#ofAccount.get(account) ?? 0) + bytes);
    const shrinkTo = (part: number): void => {
      const rest = Math.min(taken, Math.ceil(bytes * part));
      this.#inside -= taken - rest;
      taken = rest;
      this.#letIn();
    };
    let isInside = true;
    const leave = (): void => {
      if (!isInside) return;
      isInside = false;
      const left = (this.#ofAccount.get(account) ?? 0) - bytes;
      if (left > 0) this.#ofAccount.set(account, left);
      else this.#ofAccount.delete(account);
      shrinkTo(0);
    };
    return { shrinkTo, leave };
  }

  /** In the order in which they came, whoever fits. */
  #letIn(): void {
    for (const waiting of this.#waiting) {
      if (!this.#hasRoom(waiting)) continue;
      this.#waiting.delete(waiting);
      waiting.enter(this.#admit(waiting));
    }
  }
}

const tooManyOfAccount = () => new RateLimited(1, { message: 'Too many large requests at a time' });
const tooManyOfAll = () => new CapacityExceeded('Too busy with large requests, try again shortly');
