import path from 'node:path';

/** The repository's root. */
export const repository = path.dirname(import.meta.dirname);
