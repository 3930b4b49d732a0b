import { DEFAULT_LIMIT, MAX_LIMIT } from '../paging/index.js';
import {
  described,
  invalid,
  optional,
  queryFlag,
  queryInteger,
  refine,
  valid,
  withDefault,
} from './validation/index.js';
import { queryText } from './validation/query-rules.js';

const MAX_OFFSET = 1_000_000_000;
const MAX_CURSOR = 512;

/** The query parameters of every list. */
export const pageRules = {
  limit: optional(
    described(queryInteger({ min: 1, max: MAX_LIMIT }), `Rows of a page; ${DEFAULT_LIMIT} where it is absent.`),
  ),
  offset: optional(described(queryInteger({ min: 0, max: MAX_OFFSET }), 'Rows to skip; a cursor costs less.')),
  cursor: optional(
    described(
      refine(queryText, (value) => (value.length <= MAX_CURSOR ? valid(value) : invalid('is not a valid cursor')), {
        maxLength: MAX_CURSOR,
      }),
      'Where to go on: `meta.nextCursor` of the page before, with the same filters and without `offset`.',
    ),
  ),
  total: optional(
    described(queryFlag(), 'Whether `meta.total` is counted; by default it is, but not behind a cursor.'),
  ),
};

const countOf = (ids: unknown): number =>
  [ids]
    .flat()
    .reduce<number>((sum, part) => sum + (typeof part === 'string' ? part.split(',', MAX_LIMIT).length : 0), 0);
const numberOf = (value: unknown): number => Math.min(Math.max(Number(value ?? DEFAULT_LIMIT), 1), MAX_LIMIT) || 1;

/** How many rows a query asks for at most, before anybody has checked it. */
export function rowsWanted({ ids, orderIds, userIds, perUser, limit }: Readonly<Record<string, unknown>>): number {
  if (userIds !== undefined) return countOf(userIds) * numberOf(perUser);
  if (ids === undefined && orderIds === undefined) return numberOf(limit);
  return Math.max(countOf(ids), countOf(orderIds)) || numberOf(limit);
}

/** `perUser` of batch reads: as `limit`. */
export const perGroupRule = withDefault(
  described(queryInteger({ min: 1, max: MAX_LIMIT }), 'Rows of each user, the newest; for a batch of `userIds`.'),
  DEFAULT_LIMIT,
);
