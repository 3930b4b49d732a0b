import { setTimeout as pause } from 'node:timers/promises';
import { isWriteConflict } from './database-errors.js';

const MAX_TRIES = 4;
const FIRST_PAUSE_MS = 20;

/** Runs a whole transaction again after a deadlock or a serialization failure: a few times, after random growing pauses. */
export async function retryWriteConflicts<Result>(transaction: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction();
    } catch (error) {
      if (attempt === MAX_TRIES || !isWriteConflict(error)) throw error;
      await pause(Math.random() * FIRST_PAUSE_MS * 2 ** attempt);
    }
  }
}
