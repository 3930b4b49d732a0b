import { Client } from 'pg';

const CONNECT_TIMEOUT = 5_000;
const STATEMENT_TIMEOUT = 10 * 60_000;

/** A connection of its own, on which a comparison may take its time. */
export function comparisonClient(connectionString: string): Client {
  const client = new Client({
    connectionString,
    application_name: 'reconcile',
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    statement_timeout: STATEMENT_TIMEOUT,
  });
  client.on('error', () => undefined); // a lost connection fails the next query, which says so
  return client;
}
