import type { Pool } from 'pg';

/**
 * Keeps the loss of a connection from ending the process: of one in use, it shows in the next query, which fails; of an idle
 * one, the pool opens another. The pool's own listener is off from the moment that it hands a connection out, and others come
 * too late: what the server says last can arrive together with what it said before.
 */
export function tolerateLostConnections(pool: Pool): void {
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  pool.on('error', () => undefined);
}
