import type { ITXClientDenyList, Sql } from '@prisma/client/runtime/client';
import type { QueryResultRow } from 'pg';
import type { AuditEntry, EventDraft } from '../contracts/index.js';
import { RequestStillRunning } from '../errors/index.js';
import type { LeaseNote } from '../idempotency/index.js';
import { noteLease } from './lease-note.js';
import { auditInsert } from './audit-insert.js';
import { type InboundEvent, type InboxVerdict, markProcessed } from './inbox.js';
import { outboxInsert } from './outbox.js';
import type { Statement } from './prepared-statements.js';
import { retryWriteConflicts } from './write-conflicts.js';

/** How long a transaction waits for a connection, and how long it may take from then on. */
const TRANSACTION_LIMITS = { maxWait: 2_000, timeout: 5_000 };

interface RawQueries {
  $queryRaw<Rows>(query: Sql): PromiseLike<Rows>;
  $executeRaw(query: Sql): PromiseLike<number>;
}

/** What the store needs of a generated Prisma client, extended or not. */
export interface DatabaseClient extends RawQueries {
  $read<Row extends QueryResultRow>(statement: Statement): Promise<Row[]>;
  $write<Row extends QueryResultRow>(statement: Statement): Promise<Row[]>;
  $transaction<Result>(
    run: (transaction: RawQueries) => Promise<Result>,
    limits: { maxWait: number; timeout: number },
  ): Promise<Result>;
}

/** The client inside a transaction, of which prepared statements are no part. */
export type TransactionOf<Client> = Omit<Client, ITXClientDenyList | '$read' | '$lookup' | '$write'>;

/** What a write changed, the events that describe it, and who did it. */
export interface Written<Value> {
  value: Value;
  events: readonly EventDraft[];
  audit?: readonly AuditEntry[] | undefined;
  /** About the request that asked for the change. */
  note?: LeaseNote | undefined;
}

export interface SaveOptions {
  /** The event that the write is the effect of. */
  cause?: InboundEvent | undefined;
}

/** `duplicate`: the cause had its effect before. `stale`: a later event of its aggregate had. Neither ran the write. */
export type SaveResult<Value> = { outcome: 'saved'; value: Value } | { outcome: Exclude<InboxVerdict, 'new'> };

export interface AtomicStoreOptions<Client> {
  client: Client;
  /** Called after each commit, to wake the relay. Must not throw. */
  onCommit: () => void;
  /** Called when a cause makes a write needless, to count it. Must not throw. */
  onSkip?: (cause: InboundEvent, reason: Exclude<InboxVerdict, 'new'>) => void;
}

/** Saves a change, the events that describe it, who did it and the event that caused it in one transaction: all or nothing. */
export class AtomicStore<Client extends DatabaseClient> {
  readonly #client: Client;
  readonly #onCommit: () => void;
  readonly #onSkip: AtomicStoreOptions<Client>['onSkip'];

  constructor({ client, onCommit, onSkip }: AtomicStoreOptions<Client>) {
    this.#client = client;
    this.#onCommit = onCommit;
    this.#onSkip = onSkip;
  }

  /**
   * Runs `write` in a transaction that also notes the cause, the events and the audit entries. After a deadlock or a
   * serialization failure it runs again, so it must do nothing but read and write through its transaction. Throws what
   * `write` throws, and RequestStillRunning when another attempt has taken over the request that a fenced note is about.
   */
  async save<Value>(
    write: (transaction: TransactionOf<Client>) => Promise<Written<Value>>,
    { cause }: SaveOptions = {},
  ): Promise<SaveResult<Value>> {
    const result = await retryWriteConflicts(() =>
      this.#client.$transaction(async (transaction): Promise<SaveResult<Value>> => {
        if (cause) {
          const [noted] = await transaction.$queryRaw<[{ verdict: InboxVerdict }]>(markProcessed(cause));
          if (noted.verdict !== 'new') return { outcome: noted.verdict };
        }
        // $transaction hands out this very client without the methods that a transaction lacks.
        const { value, events, audit = [], note } = await write(transaction as unknown as TransactionOf<Client>);
        if (events.length > 0) await transaction.$executeRaw(outboxInsert(events));
        if (audit.length > 0) await transaction.$executeRaw(auditInsert(audit));
        if (note) {
          const notedRows = await transaction.$executeRaw(noteLease(note));
          if (notedRows === 0 && note.isFenced) throw new RequestStillRunning();
        }
        return { outcome: 'saved', value };
      }, TRANSACTION_LIMITS),
    );
    if (result.outcome === 'saved') this.#onCommit();
    else if (cause) this.#onSkip?.(cause, result.outcome);
    return result;
  }

  /**
   * Runs one prepared statement that holds the change, `outboxInsert(events)` and `auditClause(entries)`, and returns its
   * rows: a tenth of a transaction's cost. No rows mean that its guard stopped it. `Row` is the caller's word for what the
   * statement selects.
   */
  async saveInOneStatement<Row extends QueryResultRow>(statement: Sql): Promise<Row[]> {
    const rows = await retryWriteConflicts(() => this.#client.$write<Row>(statement));
    if (rows.length > 0) this.#onCommit();
    return rows;
  }

  /**
   * Runs one prepared statement that holds `causeClauses(cause)`, the effect and `outboxInsert(events)`. undefined: its guard
   * stopped it.
   */
  async saveEffect(statement: Sql, { cause }: SaveOptions): Promise<InboxVerdict | undefined> {
    const [row] = await retryWriteConflicts(() => this.#client.$write<{ verdict: InboxVerdict }>(statement));
    if (row?.verdict === 'new') this.#onCommit();
    else if (row !== undefined && cause !== undefined) this.#onSkip?.(cause, row.verdict);
    return row?.verdict;
  }

  /** As `saveEffect`, with `causesClauses`: the verdicts of several causes, by their eventId; none where a guard stopped one. */
  async saveEffects(statement: Sql, causes: readonly InboundEvent[]): Promise<ReadonlyMap<string, InboxVerdict>> {
    const rows = await retryWriteConflicts(() =>
      this.#client.$write<{ eventId: string; verdict: InboxVerdict }>(statement),
    );
    const verdicts = new Map(rows.map(({ eventId, verdict }) => [eventId, verdict]));
    if (rows.some(({ verdict }) => verdict === 'new')) this.#onCommit();
    for (const cause of causes) {
      const verdict = verdicts.get(cause.eventId);
      if (verdict !== undefined && verdict !== 'new') this.#onSkip?.(cause, verdict);
    }
    return verdicts;
  }

  /** Notes a cause that has no effect. */
  async markProcessed(cause: InboundEvent): Promise<void> {
    await this.saveEffect(markProcessed(cause), { cause });
  }
}
