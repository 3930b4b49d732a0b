/** Ends a wait early. A call between two waits is not lost: the next wait ends at once. One waits at a time. */
export class WakeUp {
  #isCalled = false;
  #endWait = (): void => undefined;

  /** Costs next to nothing: it comes with every write. (To abort a timer takes an error, with its stack.) */
  call(): void {
    this.#isCalled = true;
    this.#endWait();
  }

  /** Whether it was called since the wait before, or within `milliseconds` from now. */
  async within(milliseconds: number): Promise<boolean> {
    if (!this.#isCalled) await this.#wait(milliseconds);
    const isCalled = this.#isCalled;
    this.#isCalled = false;
    return isCalled;
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#endWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
