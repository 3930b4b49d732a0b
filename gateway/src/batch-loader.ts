import DataLoader from 'dataloader';

/** The services take this many ids in one call. */
export const MAX_BATCH_SIZE = 100;

/** Loads rows that are asked for one by one in one call; what a service doesn't answer is null. */
export const batchLoader = <Row>(
  fetch: (ids: readonly string[]) => Promise<readonly Row[]>,
  idOf: (row: Row) => string,
): DataLoader<string, Row | null> =>
  new DataLoader(
    async (ids) => {
      const rows = new Map((await fetch(ids)).map((row) => [idOf(row), row]));
      return ids.map((id) => rows.get(id) ?? null);
    },
    { maxBatchSize: MAX_BATCH_SIZE },
  );
