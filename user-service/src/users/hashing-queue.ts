import { CapacityExceeded } from '@shop/common/errors';

export interface GateMetrics {
  inside: number;
  waiting: number;
  /** Sent away since the start. */
  refused: number;
}

/**
 * Lets only so many in at once; the others wait in line, briefly, or are sent away with CapacityExceeded. (p-limit and
 * the like bound neither their line nor the time in it.)
 */
export class HashingQueue {
  readonly #atOnce: number;
  readonly #maxWait: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Set<() => void>();
  #inside = 0;
  #refused = 0;

  /** `maxWait` in milliseconds. */
  constructor({ atOnce, maxWait, maxWaiting }: { atOnce: number; maxWait: number; maxWaiting: number }) {
    this.#atOnce = atOnce;
    this.#maxWait = maxWait;
    this.#maxWaiting = maxWaiting;
  }

  get metrics(): GateMetrics {
    return { inside: this.#inside, waiting: this.#waiting.size, refused: this.#refused };
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#atOnce) this.#inside++;
    else await this.#wait();
    try {
      return await work();
    } finally {
      this.#letNextIn();
    }
  }

  #wait(): Promise<void> {
    if (this.#waiting.size >= this.#maxWaiting) return Promise.reject(this.#refusal());
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(enter);
        reject(this.#refusal());
      }, this.#maxWait);
      this.#waiting.add(enter);
    });
  }

  #refusal(): CapacityExceeded {
    this.#refused++;
    return new CapacityExceeded('Too busy at the moment, try again shortly', {
      retryAfterSeconds: Math.ceil(this.#maxWait / 1_000),
    });
  }

  /** Whoever leaves hands its place to the one who waits longest. */
  #letNextIn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#inside--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
