import { sqltag as sql, type Sql } from '@prisma/client/runtime/client';
import type { QueryResultRow } from 'pg';
import { JsonText, type ResourceView } from '../contracts/index.js';
import type { JsonRows, JsonSlice, PageRequest } from '../paging/index.js';
import type { Statement } from './prepared-statements.js';
import { isAfter, newestFirst, sliceOf, where, type Lookups, type PreparedReads } from './read-slice.js';

/** The resource that a statement finds by its key, as its text in a column `json`, with the other columns. */
export async function readView<Row extends { json: string; version: number }>(
  client: Lookups,
  statement: Statement,
): Promise<(Omit<Row, 'json'> & ResourceView) | undefined> {
  const [row] = await client.$lookup<Row>(statement);
  return row && { ...row, json: new JsonText(row.json) };
}

/** Which rows, and what each is as JSON: jsonObject. */
interface JsonSource {
  json: Sql;
  /** Also the name by which `json` knows it. */
  table: Sql;
  conditions: readonly Sql[];
}

/** `isIndexed`: whether an index has the rows of all its conditions in the order of the list. */
interface Indexed {
  isIndexed: boolean;
}

export interface JsonRowsRow {
  /** null where there are none. */
  rows: string | null;
  count: number;
}

export interface JsonSliceRow extends JsonRowsRow {
  total: number | null;
  /** Milliseconds since the epoch; null where no more follow. */
  lastAt: number | null;
  lastId: string | null;
}

/** Of a query with columns `json`, `created_at` and `id`: what toJsonRows reads. */
export const selectJsonRows = sql`string_agg(json, ',' ORDER BY created_at DESC, id DESC) AS rows, count(*)::integer AS count`;

export const toJsonRows = ({ rows, count }: JsonRowsRow = { rows: null, count: 0 }): JsonRows => ({
  rows: new JsonText(`[${rows ?? ''}]`),
  count,
});

/** Likewise of a query of up to `limit + 1` rows with their `place`, from 1: what toJsonSlice reads but `total`. */
export const selectJsonSlice = (limit: number): Sql => sql`
  string_agg(json, ',' ORDER BY place) FILTER (WHERE place <= ${limit}::bigint) AS rows, count(*)::integer AS count,
  max(round(extract(epoch FROM created_at) * 1000)::float8) FILTER (WHERE place = ${limit}::bigint) AS "lastAt",
  max(id::text) FILTER (WHERE place = ${limit}::bigint) AS "lastId"`;

export const toJsonSlice = (row: JsonSliceRow | undefined): JsonSlice => ({
  ...toJsonRows(row),
  last: row?.lastAt == null || row.lastId === null ? undefined : { createdAt: new Date(row.lastAt), id: row.lastId },
  total: row?.total ?? null,
});

/** How many rows meet all conditions, up to so many; null where they aren't counted. */
export const countOf = (table: Sql, conditions: readonly Sql[], upTo: number): Sql =>
  upTo === 0
    ? sql`NULL::integer`
    : sql`(SELECT count(*)::integer FROM (SELECT FROM ${table} ${where(conditions)} LIMIT ${upTo}::bigint) AS counted)`;

/** Runs the statement of a page. One that nothing has to be counted or skipped for is found at once. */
export async function readPage<Row extends QueryResultRow>(
  client: PreparedReads & Lookups,
  statement: Statement,
  { limit, offset, countUpTo, isIndexed }: PageRequest & Indexed,
): Promise<Row | undefined> {
  const isLookup = isIndexed && offset === 0 && countUpTo === 0;
  const [row] = await (isLookup ? client.$lookup<Row>(statement, limit) : client.$read<Row>(statement));
  return row;
}

/** A part of the rows of `table` that meet all conditions, newest first, and what tells whether more follow. */
export async function readJsonSlice(
  client: PreparedReads & Lookups,
  { json, table, conditions, isIndexed }: JsonSource & Indexed,
  request: PageRequest,
): Promise<JsonSlice> {
  const { limit, after, countUpTo } = request;
  const part = where(after === undefined ? conditions : [...conditions, isAfter(after)]);
  const statement = sql`
    SELECT ${countOf(table, conditions, countUpTo)} AS total, ${selectJsonSlice(limit)}
    FROM (
      SELECT created_at, id, row_number() OVER () AS place, ${json}::text AS json
      FROM (${sliceOf(sql`SELECT * FROM ${table} ${part} ${newestFirst}`, request)}) AS ${table}
    ) AS listed`;
  return toJsonSlice(await readPage<JsonSliceRow>(client, statement, { ...request, isIndexed }));
}

/**
 * All rows of `table` that meet all conditions, newest first; meant for conditions that name their ids. `atMost`: how many
 * small ones an index finds at once; absent: they take longer.
 */
export async function readJsonRows(
  client: PreparedReads & Lookups,
  { json, table, conditions }: JsonSource,
  atMost?: number,
): Promise<JsonRows> {
  const statement = sql`
    SELECT ${selectJsonRows}
    FROM (SELECT created_at, id, ${json}::text AS json FROM ${table} ${where(conditions)}) AS listed`;
  const [row] = await (atMost === undefined
    ? client.$read<JsonRowsRow>(statement)
    : client.$lookup<JsonRowsRow>(statement, atMost));
  return toJsonRows(row);
}
