import { randomUUID } from 'node:crypto';
import type pg from 'pg';

interface QueriedService {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
}

/** What nobody may do to the audit trail, the owner of its table no more than others. Each expects a row to be there. */
export const auditTamperings: readonly string[] = [
  `UPDATE audit_trail SET actor_id = NULL, actor_role = NULL`,
  `UPDATE audit_trail SET created_at = now() - interval '2 years'`,
  `INSERT INTO audit_trail SELECT * FROM audit_trail LIMIT 1 ON CONFLICT (id) DO UPDATE SET action = excluded.action`,
  `DELETE FROM audit_trail`,
  `TRUNCATE audit_trail`,
  `SET LOCAL session_replication_role = replica; DELETE FROM audit_trail`,
];

/** Puts a row of a certain age into the audit trail, e.g. '1 year'. Answers its id. */
export async function addAuditEntry(service: QueriedService, action: string, age: string): Promise<string> {
  const id = randomUUID();
  await service.query(
    `INSERT INTO audit_trail (id, action, details, created_at) VALUES ($1, $2, '{}', now() - $3::interval)`,
    [id, action, age],
  );
  return id;
}
