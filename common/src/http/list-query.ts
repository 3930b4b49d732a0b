import { DEFAULT_LIMIT, MAX_LIMIT } from '../paging/index.js';
import { invalid, optional, queryFlag, queryInteger, refine, rule, valid, withDefault } from './validation/index.js';

const MAX_OFFSET = 1_000_000_000;

const cursorText = rule((value) => (typeof value === 'string' ? valid(value) : invalid('must be given once')));

/** The query parameters of every list. */
export const pageRules = {
  limit: optional(queryInteger({ min: 1, max: MAX_LIMIT })),
  offset: optional(queryInteger({ min: 0, max: MAX_OFFSET })),
  cursor: optional(
    refine(cursorText, (value) => (value.length <= 512 ? valid(value) : invalid('is not a valid cursor'))),
  ),
  total: optional(queryFlag()),
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
export const perGroupRule = withDefault(queryInteger({ min: 1, max: MAX_LIMIT }), DEFAULT_LIMIT);
