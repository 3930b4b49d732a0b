import { AppError } from './app-error.js';

const MAX_CAUSES = 10;

/** The first expected failure among an error and its causes: libraries wrap what our code throws. */
export function findAppError(error: unknown): AppError | undefined {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    if (current instanceof AppError) return current;
    current = current.cause;
  }
  return undefined;
}
