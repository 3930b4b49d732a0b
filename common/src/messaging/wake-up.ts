import { pause } from '../rabbitmq/index.js';

/** Ends a wait early. A call between two waits is not lost: the next wait ends at once. */
export class WakeUp {
  #waiting = new AbortController();
  #isCalled = false;

  call(): void {
    this.#isCalled = true;
    this.#waiting.abort();
  }

  /** Whether it was called since the wait before, or within `milliseconds` from now. */
  async within(milliseconds: number): Promise<boolean> {
    if (!this.#isCalled) {
      this.#waiting = new AbortController();
      await pause(milliseconds, this.#waiting.signal);
    }
    const isCalled = this.#isCalled;
    this.#isCalled = false;
    return isCalled;
  }
}
