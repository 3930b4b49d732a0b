import { sqltag as sql } from '@prisma/client/runtime/client';
import type { DatabaseClient } from './atomic-store.js';
import { PUBLISHED_RETENTION_DAYS } from '../config/index.js';

/** Longer than a queue delivers an event again; what comes later still is stale by its sequence. */
const HANDLED_RETENTION = sql`interval '1 day'`;
const PURGE_BATCH = 1_000;

/**
 * What a service remembers of events that are done with: in its outbox those that are published, in its inbox those that
 * had their effect. The database's clock alone counts.
 */
export class EventRetention {
  readonly #client: DatabaseClient;

  constructor({ client }: { client: DatabaseClient }) {
    this.#client = client;
  }

  /** Deletes up to `limit` events each from outbox and inbox that are past their time. True: there may be more of them. */
  async purge(limit = PURGE_BATCH): Promise<boolean> {
    const published = await this.#client.$executeRaw(sql`
      WITH expired AS MATERIALIZED (
        SELECT position FROM outbox_published WHERE published_at <= now() - make_interval(days => ${PUBLISHED_RETENTION_DAYS}::integer)
        ORDER BY published_at LIMIT ${limit}::integer FOR UPDATE SKIP LOCKED
      )
      DELETE FROM outbox_published AS event USING expired WHERE event.position = expired.position`);
    const handled = await this.#client.$executeRaw(sql`
      WITH expired AS MATERIALIZED (
        SELECT event_id FROM inbox WHERE handled_at <= now() - ${HANDLED_RETENTION}
        ORDER BY handled_at LIMIT ${limit}::integer FOR UPDATE SKIP LOCKED
      )
      DELETE FROM inbox AS event USING expired WHERE event.event_id = expired.event_id`);
    return published === limit || handled === limit;
  }
}
