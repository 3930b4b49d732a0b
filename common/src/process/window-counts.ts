/** Milliseconds in which what a client does is counted together. */
export const COUNT_WINDOW = 1_000;

export interface Count {
  /** All units of the window, the latest ones included. */
  readonly total: number;
  /** When it is over, as Date.now() tells. */
  readonly endsAt: number;
}

/** Where units are counted by key, each key in a window of its own, which begins with its first unit. */
export interface Counts {
  /** A promise where another process has to be asked. */
  add(key: string, units: number): Count | Promise<Count>;
}

/**
 * Counts of one process. Not express-rate-limit's store: it answers with an object that the next request changes, so
 * several in one turn of the event loop would all read the count of the last.
 */
export class WindowCounts implements Counts {
  /** In the order of their ends, since all last equally long. */
  readonly #windows = new Map<string, { total: number; endsAt: number }>();

  add(key: string, units: number): Count {
    const now = Date.now();
    this.#forgetPast(now);
    const window = this.#windows.get(key) ?? { total: 0, endsAt: now + COUNT_WINDOW };
    window.total += units;
    this.#windows.set(key, window);
    return { ...window };
  }

  #forgetPast(now: number): void {
    for (const [key, { endsAt }] of this.#windows) {
      if (endsAt > now) return;
      this.#windows.delete(key);
    }
  }
}
