import { setTimeout as delay } from 'node:timers/promises';
import { sqltag as sql, type Sql } from '@prisma/client/runtime/client';

const PROBE_TIMEOUT_MS = 1_000;

/** Whether the database answers a query within a second. For readiness probes; never throws. */
export async function databaseState(client: { $queryRaw(query: Sql): PromiseLike<unknown> }): Promise<'up' | 'down'> {
  const answered = new AbortController();
  const answer = Promise.resolve(client.$queryRaw(sql`SELECT 1`)).then(
    () => 'up' as const,
    () => 'down' as const,
  );
  const silence = delay(PROBE_TIMEOUT_MS, 'down' as const, { signal: answered.signal }).catch(() => 'down' as const);
  try {
    return await Promise.race([answer, silence]);
  } finally {
    answered.abort();
  }
}
