import { Client } from 'pg';
import type { Logger } from '../logger/index.js';

const QUERY_TIMEOUT = 5_000;
/**
 * The server ends the session of a relay that is frozen or cut off, and with it its lock: one that is well asks something
 * every second. A lost mark only means that an event is published twice, so marking needn't wait for the disk.
 */
const SESSION_OPTIONS = '-c idle_session_timeout=3s -c synchronous_commit=off';

/** The one connection of a relay, not yet open. */
export function createRelayClient({
  databaseUrl,
  source,
  logger,
}: {
  databaseUrl: string;
  source: string;
  logger: Logger;
}): Client {
  const client = new Client({
    connectionString: databaseUrl,
    application_name: `outbox relay of ${source}`,
    connectionTimeoutMillis: QUERY_TIMEOUT,
    query_timeout: QUERY_TIMEOUT,
    options: SESSION_OPTIONS,
    keepAlive: true,
  });
  // Every loss shows in the next query too; without a listener it would end the process.
  client.on('error', (err) => logger.debug('connection of the outbox relay failed', { err }));
  return client;
}
