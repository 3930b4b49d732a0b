/**
 * So many at a time, in the order in which they come. Whoever comes while there is room waits for nothing, where p-limit
 * makes a dozen promises for each call.
 */
export class Semaphore {
  #free: number;
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
    this.#free = limit;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get isIdle(): boolean {
    return this.#free === this.#limit;
  }

  /** Until it is one's turn; undefined where it is now. Whoever had it releases it. */
  acquire(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free--;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
