/** What PostgreSQL is to compute for each field, the optional ones too: those that it leaves null are shown as null. */
export type Expressions<Resource> = Readonly<Record<keyof Resource, string>>;

/** A time as Date's toISOString writes it. */
export const jsonTime = (column: string): string =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Minor units as toMajorUnits shows them: both divide doubles, and write the shortest text that reads back as the same. */
export const jsonAmount = (column: string, decimals: string): string => `${column}::float8 / 10 ^ ${decimals}`;

/** One object for each row of the query that it stands in; their order is that of the fields. */
export function jsonObject(fields: Readonly<Record<string, string>>): string {
  const columns = Object.entries(fields).map(([field, expression]) => `${expression} AS "${field}"`);
  return `(SELECT row_to_json(object) FROM (SELECT ${columns.join(', ')}) AS object)`;
}

/** An array of objects, one for each row of `from`. */
export const jsonArray = (
  fields: Readonly<Record<string, string>>,
  { from, orderBy }: { from: string; orderBy: string },
): string => `coalesce((SELECT json_agg(${jsonObject(fields)} ORDER BY ${orderBy}) FROM ${from}), '[]'::json)`;
