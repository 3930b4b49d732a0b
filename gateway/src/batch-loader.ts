import { TOO_LARGE_TOGETHER } from '@shop/common/contracts';
import { InvalidInput } from '@shop/common/errors';
import DataLoader from 'dataloader';

/** The services take this many ids in one call. */
export const MAX_BATCH_SIZE = 100;

/** Loads rows that are asked for one by one in one call; what a service doesn't answer is null. */
export class BatchLoader<Row> {
  readonly #loader: DataLoader<string, Row | null>;
  readonly #loaded = new Map<string, Row | null>();

  constructor(fetch: (ids: readonly string[]) => Promise<readonly Row[]>, idOf: (row: Row) => string) {
    this.#loader = new DataLoader(
      async (ids) => {
        try {
          const rows = new Map((await fetchInParts(ids, fetch)).map((row) => [idOf(row), row]));
          return ids.map((id) => {
            const row = rows.get(id) ?? null;
            this.#loaded.set(id, row);
            return row;
          });
        } catch (error) {
          // An answer for each id: a batch that rejects is forgotten, and fetched again for the next field.
          return ids.map(() => (error instanceof Error ? error : new Error('A batch failed', { cause: error })));
        }
      },
      { maxBatchSize: MAX_BATCH_SIZE },
    );
  }

  /** What is loaded already comes at once: a field that waits for a promise costs several times as much. */
  load(id: string): Row | null | Promise<Row | null> {
    const loaded = this.#loaded.get(id);
    return loaded === undefined ? this.#loader.load(id) : loaded;
  }
}

const isTooLarge = (error: unknown): boolean =>
  error instanceof InvalidInput && error.fields.some(({ message }) => message === TOO_LARGE_TOGETHER);

/** A batch whose rows are too large for one answer is asked for in halves, one after the other. */
export async function fetchInParts<Row>(
  ids: readonly string[],
  fetch: (ids: readonly string[]) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  try {
    return await fetch(ids);
  } catch (error) {
    if (ids.length === 1 || !isTooLarge(error)) throw error;
  }
  const half = Math.ceil(ids.length / 2);
  return [...(await fetchInParts(ids.slice(0, half), fetch)), ...(await fetchInParts(ids.slice(half), fetch))];
}
