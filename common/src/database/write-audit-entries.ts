import pg from 'pg';
import type { AuditEntry } from '../contracts/index.js';
import { auditInsert } from './audit-insert.js';

const TIMEOUT = 10_000;

/** Puts entries into the audit trail of a database, over a connection of their own: for commands. Rejects where it can't. */
export async function writeAuditEntries(databaseUrl: string, entries: readonly AuditEntry[]): Promise<void> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: TIMEOUT,
    query_timeout: TIMEOUT,
    application_name: 'audit',
  });
  await client.connect();
  try {
    const { text, values } = auditInsert(entries);
    await client.query(text, values);
  } finally {
    await client.end();
  }
}
