// What a database consists of, by its catalog.
import type pg from 'pg';
import { migrationsTable, qualified } from './connections.ts';

export interface TableOfCatalog {
  schema: string;
  name: string;
  columns: string[];
}

/** Those that hold rows: of a partitioned one its partitions. */
export async function tablesOf(client: pg.Client): Promise<TableOfCatalog[]> {
  const { rows } = await client.query<TableOfCatalog>(
    `SELECT nspname AS schema, relname AS name,
            array_agg(attname::text ORDER BY attnum) FILTER (WHERE attgenerated = '') AS columns
       FROM pg_class AS c
       JOIN pg_namespace AS n ON n.oid = relnamespace
       JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
      WHERE relkind = 'r' AND relpersistence <> 't' AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
      GROUP BY nspname, relname ORDER BY nspname, relname`,
  );
  return rows;
}

export async function sequencesOf(client: pg.Client): Promise<{ schema: string; name: string; value: string }[]> {
  const { rows } = await client.query<{ schema: string; name: string; value: string }>(
    `SELECT schemaname AS schema, sequencename AS name, last_value::text AS value
       FROM pg_sequences WHERE last_value IS NOT NULL ORDER BY schemaname, sequencename`,
  );
  return rows;
}

/** Applied ones, oldest first; those that were rolled back are not. */
export async function migrationsOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT migration_name AS name FROM public.${migrationsTable}
      WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY migration_name`,
  );
  return rows.map(({ name }) => name);
}

/** Statements that make the tables outside of the schema that migrations look after, with their constraints and indexes. */
export async function foreignDefinitions(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ statement: string }>(
    `WITH foreign_tables AS (
       SELECT c.oid, nspname, format('%I.%I', nspname, relname) AS name
         FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
        WHERE relkind = 'r' AND relpersistence <> 't' AND nspname NOT LIKE 'pg\\_%'
          AND nspname NOT IN ('information_schema', 'public')
     ), statements (part, name, statement) AS (
       SELECT DISTINCT 1, nspname::text, format('CREATE SCHEMA IF NOT EXISTS %I', nspname) FROM foreign_tables
       UNION ALL
       SELECT 2, name, format('CREATE TABLE %s (%s)', name, string_agg(
                format('%I %s', attname, format_type(atttypid, atttypmod))
                || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
                || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), ''), ', ' ORDER BY attnum))
         FROM foreign_tables JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped
         LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        GROUP BY name
       UNION ALL
       SELECT 3, conname::text, format('ALTER TABLE %s ADD CONSTRAINT %I %s', name, conname, pg_get_constraintdef(pg_constraint.oid))
         FROM foreign_tables JOIN pg_constraint ON conrelid = foreign_tables.oid AND contype IN ('p', 'u', 'c')
       UNION ALL
       SELECT 4, indexrelid::regclass::text, pg_get_indexdef(indexrelid)
         FROM foreign_tables JOIN pg_index ON indrelid = oid
        WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
     )
     SELECT statement FROM statements ORDER BY part, name`,
  );
  return rows.map(({ statement }) => statement);
}

/** Whether anything but the list of migrations has rows. */
export async function holdsRows(client: pg.Client): Promise<boolean> {
  const tables = (await tablesOf(client)).filter(({ name }) => name !== migrationsTable);
  if (tables.length === 0) return false;
  const questions = tables.map((table) => `EXISTS (SELECT FROM ${qualified(table)})`);
  const { rows } = await client.query<{ found: boolean }>(`SELECT ${questions.join(' OR ')} AS found`);
  return rows[0]?.found === true;
}
