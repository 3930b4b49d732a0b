export { DatabaseClock } from './database-clock.js';
export { deployMigrations, migrationStatus } from './migrations/migrate.js';
export { revertMigrations } from './migrations/revert.js';
export { createDatabaseAdapter, type DatabaseAdapter } from './database-adapter.js';
export {
  findDatabaseFailure,
  isDatabaseUnavailable,
  isUniqueViolation,
  transientFailureOf,
} from './database-errors.js';
export { preparedStatements, type Statement } from './prepared-statements.js';
export { fixedStatement, type Given } from './fixed-statement.js';
export { tolerateLostConnections } from './lost-connections.js';
export { writeAuditEntries } from './write-audit-entries.js';
export { connectionsOfProcess, DatabaseProbe } from './database-probe.js';
export { columnsOf } from './columns-of.js';
export { selectColumns, selectJson, type JsonRow } from './json-rows.js';
export { jsonAmount, jsonArray, jsonObject, jsonTime, type Expressions } from './json-resources.js';
export {
  countOf,
  readJsonRows,
  readJsonSlice,
  readPage,
  readView,
  selectJsonRows,
  selectJsonSlice,
  toJsonRows,
  toJsonSlice,
  type JsonRowsRow,
  type JsonSliceRow,
} from './json-slices.js';
export { isAfter, newestFirst, readAll, readSlice, sliceOf } from './read-slice.js';
export {
  AtomicStore,
  type DatabaseClient,
  type SaveOptions,
  type SaveResult,
  type TransactionOf,
} from './atomic-store.js';
export { leaseClauses } from './lease-note.js';
export {
  auditClause,
  auditInsert,
  auditRowsInsert,
  givenAuditInsert,
  toAuditRow,
  type AuditRow,
} from './audit-insert.js';
export { AnonymisedUsers, type ClearPersonalData } from './anonymised-users.js';
export { AuditTrail, type AuditFilters, type AuditRecord } from './audit-trail.js';
export { IdempotencyKeys } from './idempotency-keys.js';
export { GroupedWrites } from './grouped-writes.js';
export { outboxInsert, outboxRowsInsert, toOutboxRow, type OutboxRow } from './outbox.js';
export { causeClauses, causesClauses, type InboundEvent, type InboxVerdict } from './inbox.js';
export { EventRetention } from './event-retention.js';
export { softDelete } from './soft-delete/soft-delete.js';
export { SoftDeleteUnsupported } from './soft-delete/visible-arguments.js';
