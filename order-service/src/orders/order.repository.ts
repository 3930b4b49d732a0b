import type { AuditEntry, EventDraft } from '@shop/common/contracts';
import {
  leaseClauses,
  auditClause,
  causeClauses,
  outboxInsert,
  type AtomicStore,
  type InboundEvent,
  type Statement,
} from '@shop/common/database';
import { RequestStillRunning } from '@shop/common/errors';
import type { LeaseNote } from '@shop/common/idempotency';
import type { PageRequest, Slice } from '@shop/common/paging';
import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import { OrderChangedMeanwhile, OrdersTooLarge, TooManyUnpaidOrders } from './order.errors.js';
import { SYSTEM, type DetailedOrder, type Order } from './order.js';
import {
  readByIds,
  readDetailedOrder,
  readHistories,
  readItems,
  readPage,
  readSizesOfNewest,
  toDetailedOrder,
  toHistory,
  toOrder,
  type DetailedOrderRow,
  type HistoryRow,
  type ItemsRow,
  type ListedOrder,
  type ListedOrders,
  type OrderFilters,
} from './order.reads.js';

export type OrderSliceRequest = PageRequest;
export type OrderSlice = Slice<Order>;
export type DetailedOrderSlice = Slice<DetailedOrder>;
/** Waits until there is room for orders of so many bytes. */
export type Admit = (bytes: number) => Promise<void>;

/** How many orders a user may have placed in a length of time that nobody has paid, and how many bytes of them. */
export interface UnpaidLimit {
  orders: number;
  bytes: number;
  /** In milliseconds. */
  window: number;
}

const { sql } = Prisma;
/** As JSON: a hundred orders of 20 items each have as much. No order alone has more than a quarter of it. */
const MAX_PAGE_BYTES = 1_000_000;
const MAX_BATCH_BYTES = 2_000_000;
/** How many large orders are read at a time. */
const MAX_IDS = 100;

/** All access to the tables of orders. Deleted orders are invisible; lists are newest first. */
export class OrderRepository {
  readonly #database: Database;
  readonly #store: AtomicStore<Database>;
  readonly #unpaidLimit: UnpaidLimit;

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
    const [row] = await this.#database.$read<DetailedOrderRow>(readDetailedOrder(id, userId));
    return row && toDetailedOrder(row);
  }

  /** Ends before its limit where the answer would be too large. */
  async list(filters: OrderFilters, request: OrderSliceRequest, admit: Admit): Promise<OrderSlice> {
    const { orders, total } = await this.#read(readPage(filters, request));
    const fitting = orders.slice(0, countFitting(orders));
    await admit(sizeOf(fitting));
    return { rows: await this.#withItems(fitting), total, endsEarly: fitting.length < orders.length };
  }

  /** The same with what has become of each. */
  async listDetailed(filters: OrderFilters, request: OrderSliceRequest, admit: Admit): Promise<DetailedOrderSlice> {
    const { rows: orders, ...slice } = await this.list(filters, request, admit);
    const histories = await this.#database.$read<HistoryRow>(readHistories(orders.map(({ id }) => id)));
    const historyOf = new Map(histories.map(({ orderId, statusHistory }) => [orderId, toHistory(statusHistory)]));
    return { ...slice, rows: orders.map((order) => ({ ...order, statusHistory: historyOf.get(order.id) ?? [] })) };
  }

  /** With `userId`, only those that are that user's. Throws OrdersTooLarge. */
  async listByIds(ids: readonly string[], admit: Admit, userId?: string): Promise<Order[]> {
    const { orders } = await this.#read(readByIds(ids, userId));
    if (sizeOf(orders) > MAX_BATCH_BYTES) throw new OrdersTooLarge('ids');
    await admit(sizeOf(orders));
    return this.#withItems(orders);
  }

  /** Up to `perUser` orders of each user. Throws OrdersTooLarge. */
  async listNewestOfUsers(userIds: readonly string[], perUser: number, admit: Admit): Promise<Order[]> {
    const newest = await this.#database.$read<{ id: string; bytes: number }>(readSizesOfNewest(userIds, perUser));
    if (sizeOf(newest) > MAX_BATCH_BYTES) throw new OrdersTooLarge('userIds');
    await admit(sizeOf(newest));
    const found: Order[] = [];
    for (let start = 0; start < newest.length; start += MAX_IDS) {
      const ids = newest.slice(start, start + MAX_IDS).map(({ id }) => id);
      const { orders } = await this.#read(readByIds(ids, undefined));
      found.push(...(await this.#withItems(orders)));
    }
    return found;
  }

  async #read(statement: Statement): Promise<{ orders: ListedOrder[]; total: number | null }> {
    const [row] = await this.#database.$read<ListedOrders>(statement);
    return { orders: row?.orders ?? [], total: row?.total ?? null };
  }

  async #withItems(orders: readonly ListedOrder[]): Promise<Order[]> {
    const missing = orders.filter(({ items }) => items === null).map(({ id }) => id);
    const rows = missing.length === 0 ? [] : await this.#database.$read<ItemsRow>(readItems(missing));
    const itemsOf = new Map(rows.map(({ orderId, items }) => [orderId, items]));
    return orders.map((order) => toOrder(order, order.items ?? itemsOf.get(order.id) ?? []));
  }

  /**
   * A new order, with the event that describes it and a note about the request that asked for it: one statement, since
   * most writes are this one. Throws RequestStillRunning when another attempt at the request has taken over, and
   * TooManyUnpaidOrders.
   */
  async insert(order: DetailedOrder, event: EventDraft, note?: LeaseNote): Promise<void> {
    // One JSON parameter: the statement's text stays the same for any number of items, so it is prepared once.
    const items = JSON.stringify(
      order.items.map((item, position) => ({ ...item, position, unitPrice: item.unitPrice.toString() })),
    );
    const { held, isAllowed, noted } = leaseClauses(note);
    const { orders, bytes, window } = this.#unpaidLimit;
    const [row] = await this.#store.saveInOneStatement<{ isSaved: boolean }>(sql`
      WITH ${held} room AS MATERIALIZED (
        SELECT may_place_order(${order.userId}::uuid, ${order.bytes}::integer, ${orders}::integer, ${bytes}::bigint,
                               ${window}::integer * interval '1 millisecond') AS is_there
        WHERE ${isAllowed}
      ), saved AS (
        INSERT INTO orders (id, user_id, status, total_amount, currency, currency_decimals, shipping_address, notes,
                            payable_until, version, created_at, updated_at, bytes)
        SELECT ${order.id}::uuid, ${order.userId}::uuid, ${order.status}::order_status, ${order.totalAmount}::bigint,
               ${order.currency}, ${order.currencyDecimals}::smallint, ${order.shippingAddress}, ${order.notes},
               ${order.payableUntil}::timestamptz,
               ${order.version}::integer, ${order.createdAt}::timestamptz, ${order.updatedAt}::timestamptz,
               ${order.bytes}::integer
        FROM room WHERE is_there
        RETURNING id
      ), items AS (
        INSERT INTO order_items (id, order_id, position, product_id, product_name, quantity, unit_price)
        SELECT item.id, saved.id, position, "productId", "productName", quantity, "unitPrice"
        FROM saved, json_to_recordset(${items}::json) AS item (
          id uuid, position integer, "productId" text, "productName" text, quantity integer, "unitPrice" bigint
        )
      ), history AS (${historyInsert(order)}), published AS (${outboxInsert([event], { onlyIf: sql`SELECT FROM saved` })})
      ${noted} SELECT saved.id IS NOT NULL AS "isSaved" FROM room LEFT JOIN saved ON true`);
    if (row === undefined) throw new RequestStillRunning();
    if (!row.isSaved) throw new TooManyUnpaidOrders(await this.#secondsUntilRoom(order.userId));
  }

  /** Until the oldest of a user's unpaid orders doesn't count any more. */
  async #secondsUntilRoom(userId: string): Promise<number> {
    const window = sql`${this.#unpaidLimit.window}::integer * interval '1 millisecond'`;
    const [row] = await this.#database.$queryRaw<{ seconds: number | null }[]>(sql`
      SELECT ceil(extract(epoch FROM min(created_at) + ${window} - now()))::integer AS seconds
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
    const isAsRead = sql`
      id = ${order.id}::uuid AND version = ${order.version - 1}::integer AND deleted_at IS NULL`;
    const { noted, isNew, verdict } = causeClauses(cause, sql`SELECT FROM orders WHERE ${isAsRead} FOR UPDATE`);
    const statement = sql`
      WITH ${noted} saved AS (
        UPDATE orders
        SET status = ${order.status}::order_status, status_reason = ${order.statusReason},
            version = ${order.version}::integer, updated_at = ${order.updatedAt}::timestamptz
        WHERE ${isAsRead} AND ${isNew}
        RETURNING id
      ), history AS (${historyInsert(order)}), published AS (${outboxInsert([event], { onlyIf: sql`SELECT FROM saved` })})
      ${auditClause(audit)} ${verdict}`;
    if (!(await this.#store.saveEffect(statement, { cause }))) throw new OrderChangedMeanwhile();
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

/** The last entry of an order's history, as part of the statement whose CTE `saved` writes the order. */
function historyInsert({ version, statusHistory }: DetailedOrder): Prisma.Sql {
  const change = statusHistory.at(-1);
  if (change === undefined) throw new Error('an order without history');
  const { status, at, by, reason } = change;
  return sql`
    INSERT INTO order_status_history (order_id, version, status, at, changed_by, reason)
    SELECT id, ${version}::integer, ${status}::order_status, ${at}::timestamptz, ${by === SYSTEM ? null : by}::uuid, ${reason}
    FROM saved`;
}

const sizeOf = (heads: readonly { bytes: number }[]): number => heads.reduce((sum, { bytes }) => sum + bytes, 0);

/** How many of them an answer holds, one at least. */
function countFitting(heads: readonly { bytes: number }[]): number {
  let size = 0;
  const first = heads.findIndex(({ bytes }) => (size += bytes) > MAX_PAGE_BYTES);
  return first === -1 ? heads.length : Math.max(1, first);
}
