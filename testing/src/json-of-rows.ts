import type { Query } from './database-rows.js';

const inSnakeCase = (field: string): string => field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** As JSON that PostgreSQL reads as a row. */
const rowOf = (fields: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([field, value]: [string, unknown]) => [
      inSnakeCase(field),
      typeof value === 'bigint' ? Number(value) : value,
    ]),
  );

/**
 * What an expression in SQL makes of each row of the first of these tables. The rows stand in no table, so no constraint
 * keeps out what is stored rarely. Their fields are named as those of a Prisma model.
 */
export async function jsonOfRows(
  query: Query,
  json: string,
  tables: Readonly<Record<string, readonly object[]>>,
): Promise<unknown[]> {
  const names = Object.keys(tables);
  const given = names.map(
    (name, index) =>
      `${name} AS (SELECT * FROM json_populate_recordset(NULL::public.${name}, $${index + 1}::json) WITH ORDINALITY)`,
  );
  const rows = await query<{ json: unknown }>(
    `WITH ${given.join(', ')} SELECT ${json} AS json FROM ${names[0]} ORDER BY ordinality`,
    Object.values(tables).map((rows) => JSON.stringify(rows.map(rowOf))),
  );
  return rows.map(({ json: made }) => made);
}
