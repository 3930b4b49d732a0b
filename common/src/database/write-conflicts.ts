import { retryWhere } from '../errors/index.js';
import { isWriteConflict } from './database-errors.js';

const MAX_TRIES = 4;

/** Runs a whole transaction again after a deadlock or a serialization failure. */
export const retryWriteConflicts = <Result>(transaction: () => Promise<Result>): Promise<Result> =>
  retryWhere(isWriteConflict, transaction, { tries: MAX_TRIES });
