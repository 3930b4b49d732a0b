import { setTimeout as delay } from 'node:timers/promises';
import { TIMEOUT } from './time-limits.js';

const SHORTEST_PAUSE = 20;
const LONGEST_PAUSE = 200;

/**
 * Runs a check until it no longer throws, and answers what it answers. After `timeout` milliseconds its last error is
 * thrown: what was waited for never came.
 */
export async function eventually<T>(check: () => T | Promise<T>, { timeout = TIMEOUT } = {}): Promise<T> {
  const start = Date.now();
  for (;;) {
    try {
      return await check();
    } catch (error) {
      const waited = Date.now() - start;
      if (waited > timeout) throw error;
      // What takes long is asked for less often: asking takes processor time from what is waited for.
      await delay(Math.min(Math.max(waited / 10, SHORTEST_PAUSE), LONGEST_PAUSE));
    }
  }
}
