import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isMoment, JsonText, resourceRegistry } from '../contracts/index.js';
import { InvalidInput } from '../errors/index.js';

/** Rows of a part of a list: at most, and where nobody says. */
export const MAX_LIMIT = 100;
export const DEFAULT_LIMIT = 10;
/** Counting costs as much as reading: a list must not get slower as the shop grows. */
const MAX_TOTAL = 10_000;

/** A row's place in a list that is sorted by (createdAt, id). */
export interface Position {
  createdAt: Date;
  id: string;
}

/** Which part of a list is asked for. */
export interface PageRequest {
  limit: number;
  offset: number;
  /** Start after this row instead of at `offset`. */
  after: Position | undefined;
  /** How many rows are counted at most; 0: none are. */
  countUpTo: number;
}

/** What a repository answers: up to `limit + 1` rows, so that one can tell whether more follow. */
export interface Slice<Row> {
  rows: readonly Row[];
  /** Counted up to `countUpTo`; null when it wasn't asked for. */
  total: number | null;
  /** More follow although these are fewer than were asked for: together they would be too large for one answer. */
  endsEarly?: boolean;
}

/** Rows that the database has written as JSON. */
export interface JsonRows {
  /** An array. */
  rows: JsonText;
  count: number;
}

/** As Slice, of rows that the database has written as JSON: `limit` of them at most, but counted up to `limit + 1`. */
export interface JsonSlice extends JsonRows {
  /** The last one in `rows`, where more follow. */
  last: Position | undefined;
  total: number | null;
  endsEarly?: boolean;
}

/** What the answer to a list says of it. */
export const pageMeta = z
  .object({
    total: z.int().nullable().describe(`Rows in all; null where they aren't counted, or are more than ${MAX_TOTAL}.`),
    limit: z.int(),
    offset: z.int().nullable().describe('null behind a cursor.'),
    hasMore: z.boolean(),
    nextCursor: z.string().nullable().describe('For `cursor`, with the same filters; null on the last page.'),
  })
  .register(resourceRegistry, {
    id: 'PageMeta',
    description: 'Which part of a list an answer holds.',
    example: { total: 1, limit: 10, offset: 0, hasMore: false, nextCursor: null },
  });
export type PageMeta = z.infer<typeof pageMeta>;

/** The query parameters of every list. */
export interface PageQuery {
  limit: number | undefined;
  offset: number | undefined;
  cursor: string | undefined;
  total: boolean | undefined;
}

/** What can stand in one, so that whatever a client makes up is refused here and not by the database. */
const cursorShape = z.tuple([z.number().refine(isMoment), z.guid(), z.string()]);

const fingerprint = (filters: object): string =>
  createHash('sha256').update(JSON.stringify(filters)).digest('base64url').slice(0, 12);

const encodeCursor = (time: number, id: string, filters: object): string =>
  Buffer.from(JSON.stringify([time, id, fingerprint(filters)])).toString('base64url');

/**
 * A cursor is a place in a list and grants nothing: who makes one up gets a part of the list that it may see anyway. So it
 * isn't signed; it must be what `encodeCursor` would write.
 */
function decodeCursor(cursor: string, filters: object): Position {
  try {
    const [time, id] = cursorShape.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if (encodeCursor(time, id, filters) === cursor) return { createdAt: new Date(time), id };
  } catch {
    // Whatever is wrong with it, the client learns only that it isn't a cursor of this list.
  }
  throw new InvalidInput([{ field: 'cursor', message: 'is not a valid cursor for this list' }]);
}

/** The part of a list that a query asks for; `filters` are all its other conditions. Throws InvalidInput. */
export function toPageRequest(query: PageQuery, filters: object): PageRequest {
  if (query.cursor !== undefined && query.offset !== undefined) {
    throw new InvalidInput([{ field: 'cursor', message: 'can not be combined with offset' }]);
  }
  return {
    limit: query.limit ?? DEFAULT_LIMIT,
    offset: query.offset ?? 0,
    after: query.cursor === undefined ? undefined : decodeCursor(query.cursor, filters),
    countUpTo: (query.total ?? query.cursor === undefined) ? MAX_TOTAL + 1 : 0,
  };
}

/** The rows of a page and what its answer says of the list. */
export function toPage<Row extends Position>(
  { rows, ...slice }: Slice<Row>,
  request: PageRequest,
  filters: object,
): { rows: readonly Row[]; meta: PageMeta } {
  const shown = rows.slice(0, request.limit);
  return { rows: shown, meta: metaOf({ ...slice, count: rows.length, last: shown.at(-1) }, request, filters) };
}

/** What the answer to a list says of rows that the database has written as JSON. */
export function metaOf(
  { count, last, total, endsEarly = false }: Omit<JsonSlice, 'rows'>,
  request: PageRequest,
  filters: object,
): PageMeta {
  // So that `offset + limit` is where the next page starts, also where this one ends early.
  const limit = endsEarly ? count : request.limit;
  const hasMore = endsEarly || count > limit;
  const nextCursor = hasMore && last !== undefined ? encodeCursor(last.createdAt.getTime(), last.id, filters) : null;
  const offset = request.after === undefined ? request.offset : null;
  const exactTotal = total !== null && total <= MAX_TOTAL ? total : null;
  return { total: exactTotal, limit, offset, hasMore, nextCursor };
}

/** No rows, of a list that has none. */
export const noneOf = ({ countUpTo }: PageRequest): JsonSlice => ({
  rows: new JsonText('[]'),
  count: 0,
  last: undefined,
  total: countUpTo === 0 ? null : 0,
});

/** What the answer to a batch read says: every visible row is there, in one piece. */
export const batchMeta = (count: number): PageMeta => ({
  total: count,
  limit: count,
  offset: 0,
  hasMore: false,
  nextCursor: null,
});

/** Batch reads name their rows, so they have no pages. Throws InvalidInput. */
export function refusePaging(query: PageQuery): void {
  const faults = (['limit', 'offset', 'cursor'] as const)
    .filter((name) => query[name] !== undefined)
    .map((field) => ({ field, message: 'can not be combined with a batch of ids' }));
  if (faults.length > 0) throw new InvalidInput(faults);
}
