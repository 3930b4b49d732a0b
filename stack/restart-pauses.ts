// How long a crashed program has to wait before it is started again.
import { setTimeout as delay } from 'node:timers/promises';
import { isDiskFull } from './disk-room.ts';

const longestPauseMs = 30_000;
/** A program that ran for so long has recovered: its next crash counts as the first. */
const recoveredAfterMs = 60_000;
const lookEveryMs = 500;

export class RestartPauses {
  readonly #firstPauseMs: number;
  #failures = 0;
  #readySince: number | undefined;

  constructor(firstPauseMs: number) {
    this.#firstPauseMs = firstPauseMs;
  }

  /** It became ready. */
  succeeded(): void {
    this.#readySince = Date.now();
  }

  /** It crashed, or could not be started: tells the milliseconds to wait, twice as long each time, 30 s at most. */
  failed(): number {
    if (this.#readySince !== undefined && Date.now() - this.#readySince > recoveredAfterMs) this.#failures = 0;
    this.#readySince = undefined;
    const pauseMs = this.#firstPauseMs * 2 ** this.#failures++ * (1 + Math.random() / 2);
    return Math.min(pauseMs, longestPauseMs);
  }
}

/** Waits; on a disk that is full until there is room, at most. Rejects when the signal aborts. */
export async function pauseBeforeRestart(pauseMs: number, directory: string, signal: AbortSignal): Promise<void> {
  const wasFull = isDiskFull(directory);
  const deadline = Date.now() + pauseMs;
  for (let left = pauseMs; left > 0; left = deadline - Date.now()) {
    await delay(wasFull ? Math.min(lookEveryMs, left) : left, undefined, { signal });
    if (wasFull && !isDiskFull(directory)) return;
  }
}
