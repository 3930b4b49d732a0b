import { Socket } from 'node:net';
import type { Pool, PoolClient } from 'pg';

/**
 * Breaks connections in use over which nothing has come or gone for so many milliseconds; their queries fail then. Not pg's
 * `query_timeout`: by what it wraps around each query, V8 keeps the query and its rows until a full collection of garbage.
 */
export function breakSilentConnections(pool: Pool, milliseconds: number): void {
  const inUse = new Set<PoolClient>();
  pool.on('acquire', (client) => inUse.add(client));
  pool.on('release', (_error, client) => inUse.delete(client));
  pool.on('connect', (client) => {
    const { stream } = client.connection;
    if (!(stream instanceof Socket)) throw new TypeError('a connection of pg is a socket');
    stream.setTimeout(milliseconds, () => {
      if (inUse.has(client)) stream.destroy(new Error('Query read timeout'));
    });
  });
}
