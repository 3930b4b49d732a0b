import type { Client } from 'pg';

/** Connections of a process beside its pool: the relay's and the readiness probe's. */
const OWN_CONNECTIONS = 2;

/** Connections that a process opens to its database at most. */
export const connectionsOfProcess = (poolSize: number): number => poolSize + OWN_CONNECTIONS;

/** How many connections the user of this one may have at a time: the least of what server, database and role allow. */
export async function connectionBudget(client: Client): Promise<number> {
  const { rows } = await client.query<{ available: number }>(`
    SELECT least(
      current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
        - coalesce(current_setting('reserved_connections', true)::integer, 0),
      (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()),
      (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user)
    ) AS available`);
  return rows[0]?.available ?? 0;
}
