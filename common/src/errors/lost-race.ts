import { setTimeout as pause } from 'node:timers/promises';
import { Conflict } from './errors.js';

/** Somebody else changed the thing between our reading and our writing. What is read again may still allow the change. */
export class LostRace extends Conflict {}

const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 100;

/**
 * Runs `work` again after an error that `isLost` knows, up to `tries` times in all, after random growing pauses. Throws the
 * last error.
 */
export async function retryWhere<Result>(
  isLost: (error: unknown) => boolean,
  work: () => Promise<Result>,
  { tries }: { tries: number },
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= tries || !isLost(error)) throw error;
      await pause(Math.random() * Math.min(FIRST_PAUSE_MS * 2 ** attempt, MAX_PAUSE_MS));
    }
  }
}

/** So many at once may change one thing, and each of them gets its turn. */
const RACES = 10;

/** Reads, decides and writes again after a LostRace, as often as makes sense. What is decided must come from what is read. */
export const retryLostRaces = <Result>(work: () => Promise<Result>): Promise<Result> =>
  retryWhere((error) => error instanceof LostRace, work, { tries: RACES });
