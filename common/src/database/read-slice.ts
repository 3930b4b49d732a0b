import { empty, join, raw, sqltag as sql, type Sql } from '@prisma/client/runtime/client';
import type { QueryResultRow } from 'pg';
import { MAX_LIMIT, type PageRequest, type Position, type Slice } from '../paging/index.js';
import type { Statement } from './prepared-statements.js';

/** Of a Prisma client with preparedStatements. */
export interface PreparedReads {
  $read<Row extends QueryResultRow>(statement: Statement): Promise<Row[]>;
}

/** Likewise. */
export interface Lookups {
  $lookup<Row extends QueryResultRow>(statement: Statement, rows?: number): Promise<Row[]>;
}

export const newestFirst = sql`ORDER BY created_at DESC, id DESC`;

export const where = (conditions: readonly Sql[]): Sql =>
  conditions.length === 0 ? empty : sql`WHERE ${join([...conditions], ' AND ')}`;

/** The rows that follow a position in a list that is sorted by (created_at, id), newest first. */
export const isAfter = ({ createdAt, id }: Position): Sql =>
  sql`(created_at, id) < (${createdAt}::timestamptz, ${id}::uuid)`;

const mostRows = raw(String(MAX_LIMIT + 1));

/**
 * The part of a sorted query's rows that a page shows, and one row more. A limit is a parameter, so a plan for any of them
 * would be one for a tenth of the table: PostgreSQL would rather plan each time, unless the text bounds the rows.
 */
export function sliceOf(sorted: Sql, { limit, offset, after }: PageRequest): Sql {
  const skipped = after === undefined ? offset : 0;
  const isBounded = skipped === 0 && limit <= MAX_LIMIT;
  const bounded = isBounded ? sql`SELECT * FROM (${sorted} LIMIT ${mostRows}) AS bounded` : sorted;
  return sql`${bounded} LIMIT ${limit + 1}::bigint OFFSET ${skipped}::bigint`;
}

/** All rows of `table` that meet all conditions, newest first; meant for conditions that name their ids. */
export const readAll = <Row extends QueryResultRow>(
  client: PreparedReads,
  { columns, table, conditions }: { columns: Sql; table: Sql; conditions: readonly Sql[] },
): Promise<Row[]> => client.$read<Row>(sql`SELECT ${columns} FROM ${table} ${where(conditions)} ${newestFirst}`);

/** A part of the rows of `table` that meet all conditions, newest first, and one row more; beside it their number, where it is asked for. */
export async function readSlice<Row extends QueryResultRow>(
  client: PreparedReads,
  { columns, table, conditions }: { columns: Sql; table: Sql; conditions: readonly Sql[] },
  request: PageRequest,
): Promise<Slice<Row>> {
  const { after, countUpTo } = request;
  const part = where(after === undefined ? conditions : [...conditions, isAfter(after)]);
  const [rows, [counted]] = await Promise.all([
    client.$read<Row>(sliceOf(sql`SELECT ${columns} FROM ${table} ${part} ${newestFirst}`, request)),
    countUpTo === 0
      ? []
      : client.$read<{ total: number }>(sql`
          SELECT count(*)::integer AS total
          FROM (SELECT FROM ${table} ${where(conditions)} LIMIT ${countUpTo}::bigint) AS counted`),
  ]);
  return { rows, total: counted?.total ?? null };
}
