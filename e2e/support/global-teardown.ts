import pg from 'pg';
import { assertDescribedEvents } from '@shop/testing';
import { services } from '../../stack/services.ts';

/** Holds the events of all tests against their description, and stops the system that the set-up started. */
export default async function globalTeardown(): Promise<void> {
  const stack = globalThis.endToEndStack;
  if (stack === undefined) return;
  try {
    for (const { name, database } of services) {
      if (database === undefined) continue;
      const pool = new pg.Pool({ connectionString: stack.environment[database.variables.DATABASE_URL], max: 1 });
      try {
        await assertDescribedEvents(pool, `/${name}`);
      } finally {
        await pool.end();
      }
    }
  } finally {
    await stack.stop();
  }
}
