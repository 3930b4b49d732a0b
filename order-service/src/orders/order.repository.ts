import type { AuditEntry, EventDraft } from '@shop/common/contracts';
import { attemptClauses, auditClause, outboxInsert, type AtomicStore, type Cause } from '@shop/common/database';
import { RequestStillRunning } from '@shop/common/errors';
import type { Admit, AttemptNote, PageRequest, Slice } from '@shop/common/http';
import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import { OrderChangedMeanwhile, OrdersTooLarge, TooManyUnpaidOrders } from './order.errors.js';
import {
  BYTES_OF_ITEM,
  bytesOf,
  SYSTEM,
  type DetailedOrder,
  type Order,
  type OrderItem,
  type OrderStatus,
} from './order.js';

/** Conditions that all orders of a list meet. */
export interface OrderFilters {
  userId?: string | undefined;
  status?: OrderStatus | undefined;
  /** Inclusive. */
  createdFrom?: Date | undefined;
  /** Exclusive. */
  createdTo?: Date | undefined;
}
export type OrderSliceRequest = PageRequest;
export type OrderSlice = Slice<Order>;

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
/** Each number of ids makes another SQL text, and each text is prepared and kept. */
const MAX_IDS = 100;
const newestFirst = [{ createdAt: 'desc' }, { id: 'desc' }] satisfies Prisma.OrderOrderByWithRelationInput[];
/** The columns of an order under the names of its fields. */
const orderColumns = sql`
  id, user_id AS "userId", status, status_reason AS "statusReason", total_amount AS "totalAmount", currency,
  currency_decimals AS "currencyDecimals", shipping_address AS "shippingAddress", notes, payable_until AS "payableUntil",
  version, created_at AS "createdAt", updated_at AS "updatedAt", bytes`;
/** What belongs to an order, as JSON: one statement reads all of it. Amounts are whole numbers that JSON holds exactly. */
const itemsOfOrder = sql`
  SELECT json_agg(item ORDER BY item.position)
  FROM (SELECT position, id, product_id AS "productId", product_name AS "productName", quantity, unit_price AS "unitPrice"
        FROM order_items WHERE order_id = orders.id) AS item`;
const historyOfOrder = sql`
  SELECT json_agg(change ORDER BY change.version)
  FROM (SELECT version, status, at, changed_by AS by, reason FROM order_status_history WHERE order_id = orders.id) AS change`;

type OrderHead = Prisma.OrderGetPayload<object>;
/** An order without its items, which are nearly all of what it has. */
type MeasuredHead = OrderHead & { bytes: number };
type ItemRow = Prisma.OrderItemGetPayload<object>;
interface DetailedOrderRow extends Omit<OrderHead, 'deletedAt'> {
  items: (Omit<ItemRow, 'orderId' | 'unitPrice'> & { unitPrice: number })[] | null;
  statusHistory: { status: OrderStatus; at: string; by: string | null; reason: string | null }[];
}

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
    const [row] = await this.#database.$read<DetailedOrderRow>(sql`
      SELECT ${orderColumns}, (${itemsOfOrder}) AS items, (${historyOfOrder}) AS "statusHistory" FROM orders
      WHERE id = ${id}::uuid AND (${userId ?? null}::uuid IS NULL OR user_id = ${userId ?? null}::uuid)
        AND deleted_at IS NULL`);
    return row && toDetailedOrder(row);
  }

  /** Ends before its limit where the answer would be too large. */
  async list(
    filters: OrderFilters,
    { limit, offset, after, countUpTo }: OrderSliceRequest,
    admit: Admit,
  ): Promise<OrderSlice> {
    const { userId, status, createdFrom, createdTo } = filters;
    const where: Prisma.OrderWhereInput = { userId, status, createdAt: { gte: createdFrom, lt: createdTo } };
    const [found, total] = await Promise.all([
      this.#database.order.findMany({
        where: after === undefined ? where : { AND: [where, isAfter(after)] },
        orderBy: newestFirst,
        skip: after === undefined ? offset : 0,
        take: limit + 1,
      }),
      countUpTo > 0 ? this.#database.order.count({ where, take: countUpTo }) : null,
    ]);
    const heads = await this.#measure(found);
    const fitting = heads.slice(0, countFitting(heads));
    await admit(sizeOf(fitting));
    return { rows: await this.#withItems(fitting), total, endsEarly: fitting.length < heads.length };
  }

  /** With `userId`, only those that are that user's. Throws OrdersTooLarge. */
  async listByIds(ids: readonly string[], admit: Admit, userId?: string): Promise<Order[]> {
    const heads = await this.#measure(await this.#findHeads(ids, userId));
    if (sizeOf(heads) > MAX_BATCH_BYTES) throw new OrdersTooLarge('ids');
    await admit(sizeOf(heads));
    return this.#withItems(heads);
  }

  /** Up to `perUser` orders of each user. Throws OrdersTooLarge. */
  async listNewestOfUsers(userIds: readonly string[], perUser: number, admit: Admit): Promise<Order[]> {
    const newest = await this.#database.$queryRaw<{ id: string; bytes: number | null }[]>(sql`
      SELECT newest.id, newest.bytes
      FROM unnest(${[...userIds]}::uuid[]) AS users (id)
      CROSS JOIN LATERAL (
        SELECT id, bytes, created_at FROM orders
        WHERE user_id = users.id AND deleted_at IS NULL
        ORDER BY created_at DESC, id DESC
        LIMIT ${perUser}
      ) AS newest
      ORDER BY newest.created_at DESC, newest.id DESC`);
    const size = sizeOf(await this.#measure(newest));
    if (size > MAX_BATCH_BYTES) throw new OrdersTooLarge('userIds');
    await admit(size);
    const orders: Order[] = [];
    for (let start = 0; start < newest.length; start += MAX_IDS) {
      const heads = await this.#findHeads(newest.slice(start, start + MAX_IDS).map(({ id }) => id));
      orders.push(...(await this.#withItems(await this.#measure(heads))));
    }
    return orders;
  }

  #findHeads(ids: readonly string[], userId?: string): Promise<OrderHead[]> {
    return this.#database.order.findMany({ where: { id: { in: [...ids] }, userId }, orderBy: newestFirst });
  }

  async #withItems(heads: readonly MeasuredHead[]): Promise<Order[]> {
    if (heads.length === 0) return [];
    const items = await this.#database.orderItem.findMany({
      where: { orderId: { in: heads.map(({ id }) => id) } },
      orderBy: { position: 'asc' },
    });
    const ofOrder = Map.groupBy(items, ({ orderId }) => orderId);
    return heads.map((head) => toOrder(head, ofOrder.get(head.id) ?? []));
  }

  /** What orders have that nobody measured when they were placed. */
  async #measure<Head extends { id: string; bytes: number | null }>(
    heads: readonly Head[],
  ): Promise<(Head & { bytes: number })[]> {
    const unknown = heads.filter(({ bytes }) => bytes === null).map(({ id }) => id);
    const measured = new Map<string, number>();
    for (let start = 0; start < unknown.length; start += MAX_IDS) {
      const rows = await this.#database.$queryRaw<{ id: string; bytes: number }[]>(sql`
        SELECT order_id AS id,
               sum(${BYTES_OF_ITEM}::integer + octet_length(product_id) + octet_length(product_name))::integer AS bytes
        FROM order_items WHERE order_id = ANY (${unknown.slice(start, start + MAX_IDS)}::uuid[]) GROUP BY order_id`);
      for (const { id, bytes } of rows) measured.set(id, bytes);
    }
    return heads.map((head) => ({ ...head, bytes: head.bytes ?? measured.get(head.id) ?? 0 }));
  }

  /**
   * A new order, with the event that tells of it and a note about the request that asked for it: one statement, since
   * most writes are this one. Throws RequestStillRunning when another attempt at the request has taken over, and
   * TooManyUnpaidOrders.
   */
  async insert(order: DetailedOrder, event: EventDraft, note?: AttemptNote): Promise<void> {
    // One JSON parameter: the statement's text stays the same for any number of items, so it is prepared once.
    const items = JSON.stringify(
      order.items.map((item, position) => ({ ...item, position, unitPrice: item.unitPrice.toString() })),
    );
    const { held, isAllowed, noted } = attemptClauses(note);
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
      ), history AS (${historyInsert(order)}), told AS (${outboxInsert([event], { onlyIf: sql`SELECT FROM saved` })})
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
   * An order in its next status, with the event that tells of it, who did it, and the event that caused it; a cause that
   * had its effect before changes nothing. Throws OrderChangedMeanwhile when the order isn't any more what it was when it
   * was read.
   */
  async saveStatus(
    order: DetailedOrder,
    event: EventDraft,
    { audit, cause }: { audit?: readonly AuditEntry[]; cause?: Cause } = {},
  ): Promise<void> {
    const statement = sql`
      WITH saved AS (
        UPDATE orders
        SET status = ${order.status}::order_status, status_reason = ${order.statusReason},
            version = ${order.version}::integer, updated_at = ${order.updatedAt}::timestamptz
        WHERE id = ${order.id}::uuid AND version = ${order.version - 1}::integer AND deleted_at IS NULL
        RETURNING id
      ), history AS (${historyInsert(order)}), told AS (${outboxInsert([event], { onlyIf: sql`SELECT FROM saved` })})
      ${auditClause(audit)} SELECT id FROM saved`;
    if (cause === undefined) {
      const rows = await this.#store.saveInOneStatement(statement);
      if (rows.length === 0) throw new OrderChangedMeanwhile();
      return;
    }
    await this.#store.save(
      async (transaction) => {
        const rows = await transaction.$queryRaw<unknown[]>(statement);
        if (rows.length === 0) throw new OrderChangedMeanwhile();
        return { value: undefined, events: [] }; // the statement has told of it
      },
      { cause },
    );
  }

  /** An event of another service was handled and had no effect. */
  async noteCause(cause: Cause): Promise<void> {
    await this.#store.save(() => Promise.resolve({ value: undefined, events: [] }), { cause });
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

/** The first condition is there for the index, which can't start at an OR. */
const isAfter = ({ createdAt, id }: NonNullable<OrderSliceRequest['after']>): Prisma.OrderWhereInput => ({
  createdAt: { lte: createdAt },
  OR: [{ createdAt: { lt: createdAt } }, { id: { lt: id } }],
});

const sizeOf = (heads: readonly { bytes: number }[]): number => heads.reduce((sum, { bytes }) => sum + bytes, 0);

/** How many of them an answer holds, one at least. */
function countFitting(heads: readonly { bytes: number }[]): number {
  let size = 0;
  const first = heads.findIndex(({ bytes }) => (size += bytes) > MAX_PAGE_BYTES);
  return first === -1 ? heads.length : Math.max(1, first);
}

const toItem = ({
  id,
  productId,
  productName,
  quantity,
  unitPrice,
}: Omit<ItemRow, 'orderId' | 'position'>): OrderItem => ({
  id,
  productId,
  productName,
  quantity,
  unitPrice,
});

const toOrder = ({ deletedAt: _, ...order }: MeasuredHead, items: readonly ItemRow[]): Order => ({
  ...order,
  items: items.map(toItem),
});

function toDetailedOrder({ statusHistory, items: rows, ...order }: DetailedOrderRow): DetailedOrder {
  const items = (rows ?? []).map((row) => toItem({ ...row, unitPrice: BigInt(row.unitPrice) }));
  return {
    ...order,
    bytes: order.bytes ?? bytesOf({ ...order, items }),
    items,
    statusHistory: statusHistory.map(({ status, at, by, reason }) => ({
      status,
      at: new Date(at),
      by: by ?? SYSTEM,
      reason,
    })),
  };
}
