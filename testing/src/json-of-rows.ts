import { createTestDatabase } from './test-database.js';
import { createTestPool } from './test-pool.js';

const inSnakeCase = (field: string): string => field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** As JSON that PostgreSQL reads as a row. */
const rowOf = (fields: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([field, value]: [string, unknown]) => [
      inSnakeCase(field),
      typeof value === 'bigint' ? Number(value) : value,
    ]),
  );

/** The tables of a service, for what its expressions make of rows. */
export interface JsonOfRows {
  /**
   * What an expression in SQL makes of each row of the first of these tables. The rows stand in no table, so no constraint
   * keeps out what is stored rarely. Their fields are named as those of a Prisma model.
   */
  of(json: string, tables: Readonly<Record<string, readonly object[]>>): Promise<unknown[]>;
  stop(): Promise<void>;
}

export async function createJsonOfRows(serviceDirectory: string): Promise<JsonOfRows> {
  const database = await createTestDatabase({ serviceDirectory });
  const pool = createTestPool(database.url);
  return {
    async of(json, tables) {
      const names = Object.keys(tables);
      const given = names.map(
        (name, index) =>
          `${name} AS (SELECT * FROM json_populate_recordset(NULL::public.${name}, $${index + 1}::json) WITH ORDINALITY)`,
      );
      const { rows } = await pool.query<{ json: unknown }>(
        `WITH ${given.join(', ')} SELECT ${json} AS json FROM ${names[0]} ORDER BY ordinality`,
        Object.values(tables).map((all) => JSON.stringify(all.map(rowOf))),
      );
      return rows.map(({ json: made }) => made);
    },
    async stop() {
      await pool.end();
      await database.drop();
    },
  };
}
