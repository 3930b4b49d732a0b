/** Asks a service's database. */
export type Query = <Row extends Record<string, unknown>>(text: string, values?: unknown[]) => Promise<Row[]>;

/** Rows as JSON text, each after its table's name. */
export type DatabaseRows = ReadonlySet<string>;

/** All rows of some tables, also those that the service hides; but not when an event was published, which is soon after. */
export async function readRows(query: Query, tables: readonly string[]): Promise<DatabaseRows> {
  const selects = tables.map(
    (table) => `SELECT '${table} ' || (to_jsonb(t) - 'published_at')::text AS row FROM ${table} t`,
  );
  const rows = await query<{ row: string }>(selects.join(' UNION ALL '));
  return new Set(rows.map(({ row }) => row));
}

/** What became of rows between two looks: how those are now that were added or changed, and how those were that went. */
export function changedRows(before: DatabaseRows, after: DatabaseRows): { added: string[]; gone: string[] } {
  return { added: [...after].filter((row) => !before.has(row)), gone: [...before].filter((row) => !after.has(row)) };
}
