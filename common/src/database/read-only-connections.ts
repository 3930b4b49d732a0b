import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import { READ_ONLY_SQL_STATE } from './database-errors.js';

const refusal = z.object({ code: z.literal(READ_ONLY_SQL_STATE) });

/**
 * Closes connections that may only read, once they come back to the pool: a session that was opened while its database
 * was read-only stays so, and would be handed out again and again after the database can be written.
 */
export function replaceReadOnlyConnections(pool: Pool): void {
  const readOnly = new WeakSet<PoolClient>();
  pool.on('connect', (client) => {
    client.connection.on('errorMessage', (message) => {
      if (refusal.safeParse(message).success) readOnly.add(client);
    });
  });
  pool.on('release', (_error, client) => {
    if (readOnly.has(client)) void client.end();
  });
}
