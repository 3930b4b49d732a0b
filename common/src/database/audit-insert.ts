import { empty, sqltag as sql, type Sql } from '@prisma/client/runtime/client';
import { v7 as uuidv7 } from 'uuid'; // in order within a millisecond, too, unlike Node's own
import type { AuditEntry } from '../contracts/index.js';
import { currentScope } from '../logger/index.js';
import type { Given } from './fixed-statement.js';

interface AuditInsertOptions {
  /**
   * Inserts no entry for which this query has no rows, e.g. `SELECT FROM saved` for a guarded write named `saved`. It may
   * name `entry."subjectId"`.
   */
  onlyIf?: Sql;
}

/** An entry with its identity, and the address, request and trace that it comes from. */
export type AuditRow = ReturnType<typeof toAuditRow>;

/** For an entry about what happens now, in the current scope. */
export function toAuditRow({ action, actor, subject, details = {} }: AuditEntry) {
  const scope = currentScope();
  return {
    id: uuidv7(),
    action,
    actorId: actor?.id,
    actorRole: actor?.role,
    subjectKind: subject?.kind,
    subjectId: subject?.id,
    details,
    clientAddress: scope?.clientAddress,
    requestId: scope?.requestId,
    traceId: scope?.traceparent.split('-')[1],
  };
}

/**
 * The statement that puts entries into the audit trail, with identity, time, and the address, request and trace of the
 * current scope. For a data-modifying CTE beside the change itself, as `outboxInsert`.
 */
export const auditInsert = (entries: readonly AuditEntry[], options: AuditInsertOptions = {}): Sql =>
  auditRowsInsert(entries.map(toAuditRow), options);

/** Likewise, of entries that became rows when each of them happened. */
export const auditRowsInsert = (rows: readonly AuditRow[], options: AuditInsertOptions = {}): Sql =>
  insertOf(JSON.stringify(rows), options);

/** As `auditInsert`, for a statement that is put together once. */
export const givenAuditInsert = (given: Given<readonly AuditEntry[]>, options: AuditInsertOptions = {}): Sql =>
  insertOf(
    given((entries) => JSON.stringify(entries.map(toAuditRow))),
    options,
  );

/** `rows`: as JSON, or what stands for it. */
function insertOf(rows: string | symbol, { onlyIf }: AuditInsertOptions): Sql {
  const insert = sql`
    INSERT INTO audit_trail (id, action, actor_id, actor_role, subject_kind, subject_id, details, client_address,
                             request_id, trace_id)
    SELECT id, action, "actorId", "actorRole", "subjectKind", "subjectId", details, "clientAddress", "requestId", "traceId"
    FROM json_to_recordset(${rows}::json) AS entry (
      id uuid, action text, "actorId" uuid, "actorRole" text, "subjectKind" text, "subjectId" uuid, details jsonb,
      "clientAddress" inet, "requestId" text, "traceId" text
    )`;
  return onlyIf === undefined ? insert : sql`${insert} WHERE EXISTS (${onlyIf})`;
}

/**
 * What a one-statement write has behind its CTE `saved` to write its entries with it; empty where there are none:
 *
 *     WITH saved AS (UPDATE ... RETURNING id) ${auditClause(entries)} SELECT id FROM saved
 */
export const auditClause = (entries: readonly AuditEntry[] = []): Sql =>
  entries.length === 0 ? empty : sql`, audited AS (${auditInsert(entries, { onlyIf: sql`SELECT FROM saved` })})`;
