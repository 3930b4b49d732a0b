import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after `milliseconds`, or as soon as the signal aborts. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** Doubles from `first` up to `most` milliseconds; half of it is random, so that many clients don't come back at once. */
export function backOff(attempt: number, { first, most }: { first: number; most: number }): number {
  const full = Math.min(most, first * 2 ** attempt);
  return full / 2 + (Math.random() * full) / 2;
}

/** Whether the promise settled within `milliseconds`; its rejection counts as settled. */
export function settlesWithin(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    const settle = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    promise.then(settle, settle);
  });
}
