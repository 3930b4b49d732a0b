import { Prisma } from '../generated/prisma/client.js';
import type { AuditEntry, DiscrepancyKind, DiscrepancyStatus } from '@shop/common/contracts';
import { auditClause, columnsOf, readSlice, selectColumns, type AtomicStore } from '@shop/common/database';
import type { PageRequest, Slice } from '@shop/common/paging';
import type { Database } from '../database.js';
import type { Discrepancy, DiscrepancyDraft } from './discrepancy.js';
import { recordDiscrepancies } from './record-discrepancies.js';

/** Conditions that all discrepancies of a list meet. */
export interface DiscrepancyFilters {
  readonly status: DiscrepancyStatus | undefined;
  readonly kind: DiscrepancyKind | undefined;
  readonly orderId: string | undefined;
  readonly paymentId: string | undefined;
}

const { sql } = Prisma;

const columns = selectColumns(columnsOf<Discrepancy>()(Prisma.DiscrepancyScalarFieldEnum, { others: ['key'] }));

/** What contradicts our ledger. */
export class DiscrepancyRepository {
  readonly #database: Database;
  readonly #store: AtomicStore<Database>;

  constructor({ database, store }: { database: Database; store: AtomicStore<Database> }) {
    this.#database = database;
    this.#store = store;
  }

  /** As `recordDiscrepancies`, in a transaction of its own. */
  async record(drafts: readonly DiscrepancyDraft[]): Promise<void> {
    if (drafts.length > 0) await this.#database.$executeRaw(recordDiscrepancies(drafts));
  }

  async find(id: string): Promise<Discrepancy | undefined> {
    const [row] = await this.#database.$queryRaw<Discrepancy[]>`
      SELECT ${columns} FROM discrepancies WHERE id = ${id}::uuid`;
    return row;
  }

  /** Newest first. */
  list(filters: DiscrepancyFilters, request: PageRequest): Promise<Slice<Discrepancy>> {
    return readSlice<Discrepancy>(
      this.#database,
      { columns, table: sql`discrepancies`, conditions: conditionsOf(filters) },
      request,
    );
  }

  /** Closes an open one, with who did it. undefined: it isn't there, or isn't open. */
  async close(
    id: string,
    { by, note, audit }: { by: string; note: string; audit: readonly AuditEntry[] },
  ): Promise<Discrepancy | undefined> {
    const [closed] = await this.#store.saveInOneStatement<Discrepancy>(sql`
      WITH saved AS (
        UPDATE discrepancies SET closed_at = now(), closed_by = ${by}::uuid, note = ${note}
        WHERE id = ${id}::uuid AND closed_at IS NULL RETURNING *
      ) ${auditClause(audit)} SELECT ${columns} FROM saved`);
    return closed;
  }

  /** How many are open, by kind. */
  async countOpen(): Promise<ReadonlyMap<DiscrepancyKind, number>> {
    const rows = await this.#database.$queryRaw<{ kind: DiscrepancyKind; open: number }[]>`
      SELECT kind, count(*)::integer AS open FROM discrepancies WHERE closed_at IS NULL GROUP BY kind`;
    return new Map(rows.map(({ kind, open }) => [kind, open]));
  }
}

const conditionsOf = ({ status, kind, orderId, paymentId }: DiscrepancyFilters): Prisma.Sql[] => [
  ...(status === undefined ? [] : [status === 'open' ? sql`closed_at IS NULL` : sql`closed_at IS NOT NULL`]),
  ...(kind === undefined ? [] : [sql`kind = ${kind}`]),
  ...(orderId === undefined ? [] : [sql`order_id = ${orderId}::uuid`]),
  ...(paymentId === undefined ? [] : [sql`payment_id = ${paymentId}::uuid`]),
];
