import pg from 'pg';
import { tolerateLostConnections } from '@shop/common/database';

/**
 * Connections for a test's own questions to a database. Losing one that nobody uses is no failure: a database is dropped
 * while the last of them are still closing.
 */
export function createTestPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  tolerateLostConnections(pool);
  pool.on('error', () => undefined);
  return pool;
}
