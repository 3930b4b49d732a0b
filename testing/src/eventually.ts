import { setTimeout as delay } from 'node:timers/promises';
import { TIMEOUT } from './time-limits.js';

const POLL = 20;

/**
 * Runs a check until it no longer throws, and answers what it answers. After `timeout` milliseconds its last error is
 * thrown: what was waited for never came.
 */
export async function eventually<T>(check: () => T | Promise<T>, { timeout = TIMEOUT } = {}): Promise<T> {
  const deadline = Date.now() + timeout;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(POLL);
    }
  }
}
