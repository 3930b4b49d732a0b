import { sqltag as sql, type Sql } from '@prisma/client/runtime/client';
import type { AuditAction, AuditEntry, AuditResource } from '../contracts/index.js';
import type { PageRequest, Slice } from '../paging/index.js';
import type { DatabaseClient } from './atomic-store.js';
import { auditInsert } from './audit-insert.js';
import { readSlice } from './read-slice.js';

/** How long an entry is kept; the table itself refuses to let go of a younger one. */
const RETENTION = sql`interval '1 year'`;
const PURGE_BATCH = 1_000;

/** Conditions that all entries of a list meet. */
export interface AuditFilters {
  readonly actorId: string | undefined;
  readonly subjectId: string | undefined;
  readonly action: AuditAction | undefined;
  /** Inclusive. */
  readonly from: Date | undefined;
  /** Exclusive. */
  readonly to: Date | undefined;
}

/** An entry as it is stored. */
export type AuditRecord = Omit<AuditResource, 'createdAt'> & { createdAt: Date };

const columns = sql`
  id, action, actor_id AS "actorId", actor_role AS "actorRole", subject_kind AS "subjectKind", subject_id AS "subjectId",
  details, host(client_address) AS "clientAddress", request_id AS "requestId", trace_id AS "traceId",
  created_at AS "createdAt"`;

/** The audit trail of a service, in its own database. Its clock alone counts. */
export class AuditTrail {
  readonly #client: DatabaseClient;

  constructor({ client }: { client: DatabaseClient }) {
    this.#client = client;
  }

  /** Notes what changed nothing, such as a failed login. What changes something is noted by its own write. */
  async note(entry: AuditEntry): Promise<void> {
    await this.#client.$executeRaw(auditInsert([entry]));
  }

  /** Newest first. */
  list(filters: AuditFilters, request: PageRequest): Promise<Slice<AuditRecord>> {
    return readSlice<AuditRecord>(
      this.#client,
      { columns, table: sql`audit_trail`, conditions: conditionsOf(filters) },
      request,
    );
  }

  /**
   * Clears from where up to `limit` of a user's actions came, and what was done to it by nobody known. The table allows it
   * for an anonymised user alone. True: there may be more of them.
   */
  async anonymise(userId: string, limit = PURGE_BATCH): Promise<boolean> {
    const anonymised = await this.#client.$executeRaw(sql`
      WITH theirs AS MATERIALIZED (
        SELECT id FROM audit_trail
        WHERE (actor_id = ${userId}::uuid OR subject_id = ${userId}::uuid AND actor_id IS NULL)
          AND (client_address IS NOT NULL OR request_id IS NOT NULL)
        LIMIT ${limit}::integer FOR UPDATE
      )
      UPDATE audit_trail AS entry SET client_address = NULL, request_id = NULL FROM theirs WHERE entry.id = theirs.id`);
    return anonymised === limit;
  }

  /** Deletes up to `limit` entries that are past their time. True: there may be more of them. */
  async purge(limit = PURGE_BATCH): Promise<boolean> {
    const purged = await this.#client.$executeRaw(sql`
      WITH expired AS MATERIALIZED (
        SELECT id FROM audit_trail WHERE created_at <= now() - ${RETENTION}
        ORDER BY created_at LIMIT ${limit}::integer FOR UPDATE SKIP LOCKED
      )
      DELETE FROM audit_trail AS entry USING expired WHERE entry.id = expired.id`);
    return purged === limit;
  }
}

const conditionsOf = ({ actorId, subjectId, action, from, to }: AuditFilters): Sql[] => [
  ...(actorId === undefined ? [] : [sql`actor_id = ${actorId}::uuid`]),
  ...(subjectId === undefined ? [] : [sql`subject_id = ${subjectId}::uuid`]),
  ...(action === undefined ? [] : [sql`action = ${action}`]),
  ...(from === undefined ? [] : [sql`created_at >= ${from}::timestamptz`]),
  ...(to === undefined ? [] : [sql`created_at < ${to}::timestamptz`]),
];
