import { empty, join, sqltag as sql, type Sql } from '@prisma/client/runtime/client';
import type { QueryResultRow } from 'pg';
import type { PageRequest, Position, Slice } from '../paging/index.js';
import type { Statement } from './prepared-statements.js';

/** Of a Prisma client with preparedStatements. */
export interface PreparedReads {
  $read<Row extends QueryResultRow>(statement: Statement): Promise<Row[]>;
}

export const newestFirst = sql`ORDER BY created_at DESC, id DESC`;

export const where = (conditions: readonly Sql[]): Sql =>
  conditions.length === 0 ? empty : sql`WHERE ${join([...conditions], ' AND ')}`;

/** The rows that follow a position in a list that is sorted by (created_at, id), newest first. */
export const isAfter = ({ createdAt, id }: Position): Sql =>
  sql`(created_at, id) < (${createdAt}::timestamptz, ${id}::uuid)`;

/** All rows of `table` that meet all conditions, newest first; meant for conditions that name their ids. */
export const readAll = <Row extends QueryResultRow>(
  client: PreparedReads,
  { columns, table, conditions }: { columns: Sql; table: Sql; conditions: readonly Sql[] },
): Promise<Row[]> => client.$read<Row>(sql`SELECT ${columns} FROM ${table} ${where(conditions)} ${newestFirst}`);

/** A part of the rows of `table` that meet all conditions, newest first, and one row more; beside it their number, where it is asked for. */
export async function readSlice<Row extends QueryResultRow>(
  client: PreparedReads,
  { columns, table, conditions }: { columns: Sql; table: Sql; conditions: readonly Sql[] },
  { limit, offset, after, countUpTo }: PageRequest,
): Promise<Slice<Row>> {
  const part = where(after === undefined ? conditions : [...conditions, isAfter(after)]);
  const [rows, [counted]] = await Promise.all([
    client.$read<Row>(sql`
      SELECT ${columns} FROM ${table} ${part} ${newestFirst}
      LIMIT ${limit + 1}::bigint OFFSET ${after === undefined ? offset : 0}::bigint`),
    countUpTo === 0
      ? []
      : client.$read<{ total: number }>(sql`
          SELECT count(*)::integer AS total
          FROM (SELECT FROM ${table} ${where(conditions)} LIMIT ${countUpTo}::bigint) AS counted`),
  ]);
  return { rows, total: counted?.total ?? null };
}
