import type { Query } from './database-rows.js';

/** What asks the database, over one connection alone. */
interface Session {
  $executeRawUnsafe(sql: string): Promise<unknown>;
}

/** How many rows and entries of indexes the work reads in a database that nobody else uses. */
export async function rowsRead(session: Session, query: Query, work: () => Promise<unknown>): Promise<number> {
  const before = await readSoFar(session, query);
  await work();
  return (await readSoFar(session, query)) - before;
}

async function readSoFar(session: Session, query: Query): Promise<number> {
  // A session counts by itself, and adds its counts up when it is idle for a while, or at once where it is asked to. What
  // `query` has read before would else be counted at any moment.
  await query('SELECT pg_stat_force_next_flush()');
  await session.$executeRawUnsafe('SELECT pg_stat_force_next_flush()');
  const [row] = await query<{ read: number }>(`
    SELECT ((SELECT sum(seq_tup_read) FROM pg_stat_user_tables)
      + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes))::integer AS read`);
  if (row === undefined) throw new Error('no statistics');
  return row.read;
}

/** Tables that PostgreSQL vacuums or analyzes by its defaults, which are too seldom for tables that grow or change. */
export async function tablesOnDefaults(query: Query): Promise<string[]> {
  const rows = await query<{ name: string }>(`
    SELECT relname AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
      AND NOT coalesce(reloptions, '{}') && '{autovacuum_analyze_scale_factor=0.02,autovacuum_analyze_scale_factor=0}'
    ORDER BY relname`);
  return rows.map(({ name }) => name);
}
