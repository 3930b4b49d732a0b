import type { AuditEntry, EventDraft, ResourceView } from '@shop/common/contracts';
import {
  auditClause,
  GroupedWrites,
  readJsonRows,
  readPage,
  readView,
  toJsonRows,
  toJsonSlice,
  toOutboxRow,
  type AtomicStore,
  type InboundEvent,
  type InboxVerdict,
} from '@shop/common/database';
import { RequestStillRunning } from '@shop/common/errors';
import type { LeaseNote } from '@shop/common/idempotency';
import type { JsonRows, JsonSlice, PageRequest } from '@shop/common/paging';
import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import { OrderChangedMeanwhile, OrdersTooLarge, TooManyUnpaidOrders } from './order.errors.js';
import type { DetailedOrder, Order } from './order.js';
import {
  conditionsOf,
  detailedOrderJson,
  orderJson,
  isListOfOwner,
  readDetailedOrder,
  readList,
  readOrderView,
  readSizesOfNewest,
  toDetailedOrder,
  type DetailedOrderRow,
  type ListedOrders,
  type OrderFilters,
  type OrderSize,
  type OrderViewRow,
} from './order.reads.js';
import {
  updateStatus,
  applyStatusEffects,
  placeOrders,
  type PlacedOrder,
  type StatusEffect,
  type UnpaidLimit,
} from './order-statements.js';

/** An order as answers show it. */
export type OrderView = ResourceView & { bytes: number };
/** Waits until there is room for orders of so many bytes. */
export type Admit = (bytes: number) => Promise<void>;

const { sql } = Prisma;
/** As JSON: a hundred orders of 20 items each have as much. No order alone has more than a quarter of it. */
const MAX_PAGE_BYTES = 1_000_000;
const MAX_BATCH_BYTES = 2_000_000;

/** All access to the tables of orders. Deleted orders are invisible; lists are newest first. */
export class OrderRepository {
  readonly #database: Database;
  readonly #store: AtomicStore<Database>;
  readonly #unpaidLimit: UnpaidLimit;
  /** Those of one user see each other's. */
  readonly #inserts = new GroupedWrites<PlacedOrder, boolean>({
    write: (placed) => this.#insert(placed),
    keyOf: ({ order }) => order.userId,
  });
  readonly #effects = new GroupedWrites<StatusEffect, InboxVerdict | undefined>({
    write: (effects) => this.#follow(effects),
    keyOf: ({ order }) => order.id,
  });

  constructor({
    database,
    store,
    unpaidLimit,
  }: {
    database: Database;
    store: AtomicStore<Database>;
    unpaidLimit: UnpaidLimit;
  }) {
    this.#database = database;
    this.#store = store;
    this.#unpaidLimit = unpaidLimit;
  }

  /** With `userId`, only if the order is that user's. */
  async find(id: string, userId?: string): Promise<DetailedOrder | undefined> {
    const [row] = await this.#database.$lookup<DetailedOrderRow>(readDetailedOrder(id, userId));
    return row && toDetailedOrder(row);
  }

  /** As answers show it. */
  findView(id: string, userId?: string): Promise<OrderView | undefined> {
    return readView<OrderViewRow>(this.#database, readOrderView(id, userId));
  }

  /** `detailed`: each with what has become of it. Ends before its limit where the answer would be too large. */
  async list(
    filters: OrderFilters,
    request: PageRequest,
    { detailed, admit }: { detailed: boolean; admit: Admit },
  ): Promise<JsonSlice> {
    const { sizes, ...slice } = await this.#readList(filters, request, detailed);
    if (sizes === null) return toJsonSlice(slice);
    const fitting = sizes.slice(0, countFitting(sizes));
    const endsEarly = fitting.length < sizes.length;
    const shown = fitting.slice(0, request.limit);
    const { rows } = await this.#readSized(shown, { detailed, admit });
    const last = shown.at(-1);
    return {
      rows,
      count: fitting.length,
      last: last && { id: last.id, createdAt: new Date(last.createdAt) },
      total: slice.total,
      endsEarly,
    };
  }

  /** With `userId`, only those that are that user's. Throws OrdersTooLarge. */
  async listByIds(ids: readonly string[], admit: Admit, userId?: string): Promise<JsonRows> {
    const all = { limit: ids.length, offset: 0, after: undefined, countUpTo: 0 };
    const { sizes, ...found } = await this.#readList({ ids, userId }, all, false);
    if (found.bytes > MAX_BATCH_BYTES) throw new OrdersTooLarge('ids');
    return sizes === null ? toJsonRows(found) : this.#readSized(sizes, { detailed: false, admit });
  }

  /** Up to `perUser` orders of each user. Throws OrdersTooLarge. */
  async listNewestOfUsers(userIds: readonly string[], perUser: number, admit: Admit): Promise<JsonRows> {
    const sizes = await this.#database.$read<OrderSize>(readSizesOfNewest(userIds, perUser));
    if (bytesOf(sizes) > MAX_BATCH_BYTES) throw new OrdersTooLarge('userIds');
    return this.#readSized(sizes, { detailed: false, admit });
  }

  async #readList(filters: OrderFilters, request: PageRequest, detailed: boolean): Promise<ListedOrders> {
    const isIndexed = isListOfOwner(filters);
    const statement = readList(filters, request, { detailed });
    const row = await readPage<ListedOrders>(this.#database, statement, { ...request, isIndexed });
    if (row === undefined) throw new Error('an aggregate without a row');
    return row;
  }

  /** Once there is room for them. */
  async #readSized(
    sizes: readonly OrderSize[],
    { detailed, admit }: { detailed: boolean; admit: Admit },
  ): Promise<JsonRows> {
    await admit(bytesOf(sizes));
    const json = detailed ? detailedOrderJson : orderJson;
    const conditions = conditionsOf({ ids: sizes.map(({ id }) => id) });
    return readJsonRows(this.#database, { json, table: sql`orders`, conditions });
  }

  /**
   * A new order, with the event that describes it and a note about the request that asked for it. Throws
   * RequestStillRunning when another attempt at the request has taken over, and TooManyUnpaidOrders.
   */
  async insert(order: DetailedOrder, event: EventDraft, note?: LeaseNote): Promise<void> {
    const placed = { order, event: toOutboxRow(event) };
    const isSaved = note ? (await this.#insert([placed], note))[0] : await this.#inserts.add(placed);
    if (isSaved === undefined) throw new RequestStillRunning();
    if (!isSaved) throw new TooManyUnpaidOrders(await this.#secondsUntilRoom(order.userId));
  }

  /** One statement, since most writes are this one. Whether each was saved; none are there where the note is refused. */
  async #insert(placed: readonly PlacedOrder[], note?: LeaseNote): Promise<boolean[]> {
    const statement = placeOrders(placed, this.#unpaidLimit, note);
    const verdicts = await this.#store.saveInOneStatement<{ id: string; fits: boolean }>(statement);
    const fits = new Map(verdicts.map((verdict) => [verdict.id, verdict.fits]));
    return verdicts.length === 0 ? [] : placed.map(({ order }) => fits.get(order.id) === true);
  }

  /** Until the oldest of a user's unpaid orders doesn't count any more: no longer than the window, whichever clock is ahead. */
  async #secondsUntilRoom(userId: string): Promise<number> {
    const window = sql`${this.#unpaidLimit.window}::integer * interval '1 millisecond'`;
    const [row] = await this.#database.$queryRaw<{ seconds: number | null }[]>(sql`
      SELECT ceil(extract(epoch FROM min(least(created_at, now())) + ${window} - now()))::integer AS seconds
      FROM orders
      WHERE user_id = ${userId}::uuid AND created_at > now() - ${window} AND status IN ('pending', 'cancelled')
        AND deleted_at IS NULL`);
    return Math.max(1, row?.seconds ?? 1);
  }

  /**
   * An order in its next status, with the event that describes it, who did it, and the event that caused it; a cause that
   * had its effect before changes nothing. Throws OrderChangedMeanwhile when the order isn't any more what it was when it
   * was read.
   */
  async saveStatus(
    order: DetailedOrder,
    event: EventDraft,
    { audit, cause }: { audit?: readonly AuditEntry[]; cause?: InboundEvent } = {},
  ): Promise<void> {
    const step = { order, event: toOutboxRow(event) };
    if (cause !== undefined && (await this.#effects.add({ ...step, cause }))) return;
    if (!(await this.#store.saveEffect(updateStatus(step, { audit, cause }), { cause })))
      throw new OrderChangedMeanwhile();
  }

  /** What came of each cause; undefined where its order isn't as it was read, or is locked. */
  async #follow(effects: readonly StatusEffect[]): Promise<(InboxVerdict | undefined)[]> {
    const causes = effects.map(({ cause }) => cause);
    const verdicts = await this.#store.saveEffects(applyStatusEffects(effects), causes);
    return causes.map(({ eventId }) => verdicts.get(eventId));
  }

  /** An event of another service was handled and had no effect. */
  async markProcessed(cause: InboundEvent): Promise<void> {
    await this.#store.markProcessed(cause);
  }

  /** Whether the order was still there, unchanged. */
  async remove({ id, version }: Order, { at, audit }: { at: Date; audit: readonly AuditEntry[] }): Promise<boolean> {
    const rows = await this.#store.saveInOneStatement(sql`
      WITH saved AS (
        UPDATE orders SET deleted_at = ${at}::timestamptz, version = ${version + 1}::integer
        WHERE id = ${id}::uuid AND version = ${version}::integer AND deleted_at IS NULL
        RETURNING id
      ) ${auditClause(audit)} SELECT id FROM saved`);
    return rows.length > 0;
  }
}

const bytesOf = (sizes: readonly OrderSize[]): number => sizes.reduce((sum, { bytes }) => sum + bytes, 0);

/** How many of them an answer holds, one at least. */
function countFitting(sizes: readonly OrderSize[]): number {
  let size = 0;
  const first = sizes.findIndex(({ bytes }) => (size += bytes) > MAX_PAGE_BYTES);
  return first === -1 ? sizes.length : Math.max(1, first);
}
