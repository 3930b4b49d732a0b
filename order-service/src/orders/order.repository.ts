import type { AuditEntry, EventDraft } from '@shop/common/contracts';
import { attemptClauses, auditClause, outboxInsert, type AtomicStore, type Cause } from '@shop/common/database';
import { RequestStillRunning } from '@shop/common/errors';
import type { AttemptNote, PageRequest, Slice } from '@shop/common/http';
import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import { OrderChangedMeanwhile } from './order.errors.js';
import { SYSTEM, type DetailedOrder, type Order, type OrderStatus } from './order.js';

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

const { sql } = Prisma;
/** Each number of ids makes another SQL text, and each text is prepared and kept. */
const MAX_IDS = 100;
const newestFirst = [{ createdAt: 'desc' }, { id: 'desc' }] satisfies Prisma.OrderOrderByWithRelationInput[];
const withItems = { items: { orderBy: { position: 'asc' } } } satisfies Prisma.OrderInclude;
const withItemsAndHistory = {
  ...withItems,
  statusHistory: { orderBy: { version: 'asc' } },
} satisfies Prisma.OrderInclude;

type OrderRow = Prisma.OrderGetPayload<{ include: typeof withItems }>;
type DetailedOrderRow = Prisma.OrderGetPayload<{ include: typeof withItemsAndHistory }>;

/** All access to the tables of orders. Deleted orders are invisible; lists are newest first. */
export class OrderRepository {
  readonly #database: Database;
  readonly #store: AtomicStore<Database>;

  constructor({ database, store }: { database: Database; store: AtomicStore<Database> }) {
    this.#database = database;
    this.#store = store;
  }

  /** With `userId`, only if the order is that user's. */
  async find(id: string, userId?: string): Promise<DetailedOrder | undefined> {
    const row = await this.#database.order.findFirst({ where: { id, userId }, include: withItemsAndHistory });
    return row === null ? undefined : toDetailedOrder(row);
  }

  async list(filters: OrderFilters, { limit, offset, after, countUpTo }: OrderSliceRequest): Promise<OrderSlice> {
    const { userId, status, createdFrom, createdTo } = filters;
    const where: Prisma.OrderWhereInput = { userId, status, createdAt: { gte: createdFrom, lt: createdTo } };
    const [rows, total] = await Promise.all([
      this.#database.order.findMany({
        where: after === undefined ? where : { AND: [where, isAfter(after)] },
        include: withItems,
        orderBy: newestFirst,
        skip: after === undefined ? offset : 0,
        take: limit + 1,
      }),
      countUpTo > 0 ? this.#database.order.count({ where, take: countUpTo }) : null,
    ]);
    return { rows: rows.map(toOrder), total };
  }

  /** With `userId`, only those that are that user's. */
  async listByIds(ids: readonly string[], userId?: string): Promise<Order[]> {
    const rows = await this.#database.order.findMany({
      where: { id: { in: [...ids] }, userId },
      include: withItems,
      orderBy: newestFirst,
    });
    return rows.map(toOrder);
  }

  /** Up to `perUser` orders of each user. */
  async listNewestOfUsers(userIds: readonly string[], perUser: number): Promise<Order[]> {
    const newest = await this.#database.$queryRaw<{ id: string }[]>(sql`
      SELECT newest.id
      FROM unnest(${[...userIds]}::uuid[]) AS users (id)
      CROSS JOIN LATERAL (
        SELECT id, created_at FROM orders
        WHERE user_id = users.id AND deleted_at IS NULL
        ORDER BY created_at DESC, id DESC
        LIMIT ${perUser}
      ) AS newest
      ORDER BY newest.created_at DESC, newest.id DESC`);
    const orders: Order[] = [];
    for (let start = 0; start < newest.length; start += MAX_IDS) {
      orders.push(...(await this.listByIds(newest.slice(start, start + MAX_IDS).map(({ id }) => id))));
    }
    return orders;
  }

  /**
   * A new order, with the event that tells of it and a note about the request that asked for it: one statement, since
   * most writes are this one. Throws RequestStillRunning when another attempt at the request has taken over.
   */
  async insert(order: DetailedOrder, event: EventDraft, note?: AttemptNote): Promise<void> {
    // One JSON parameter: the statement's text stays the same for any number of items, so it is prepared once.
    const items = JSON.stringify(
      order.items.map((item, position) => ({ ...item, position, unitPrice: item.unitPrice.toString() })),
    );
    const { held, isAllowed, noted } = attemptClauses(note);
    const rows = await this.#store.saveInOneStatement(sql`
      WITH ${held} saved AS (
        INSERT INTO orders (id, user_id, status, total_amount, currency, currency_decimals, shipping_address, notes,
                            payable_until, version, created_at, updated_at)
        SELECT ${order.id}::uuid, ${order.userId}::uuid, ${order.status}::order_status, ${order.totalAmount}::bigint,
               ${order.currency}, ${order.currencyDecimals}::smallint, ${order.shippingAddress}, ${order.notes},
               ${order.payableUntil}::timestamptz,
               ${order.version}::integer, ${order.createdAt}::timestamptz, ${order.updatedAt}::timestamptz
        WHERE ${isAllowed}
        RETURNING id
      ), items AS (
        INSERT INTO order_items (id, order_id, position, product_id, product_name, quantity, unit_price)
        SELECT item.id, saved.id, position, "productId", "productName", quantity, "unitPrice"
        FROM saved, json_to_recordset(${items}::json) AS item (
          id uuid, position integer, "productId" text, "productName" text, quantity integer, "unitPrice" bigint
        )
      ), history AS (${historyInsert(order)}), told AS (${outboxInsert([event], { onlyIf: sql`SELECT FROM saved` })})
      ${noted} SELECT id FROM saved`);
    if (rows.length === 0) throw new RequestStillRunning();
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

const toOrder = ({ items, deletedAt: _, ...order }: OrderRow): Order => ({
  ...order,
  items: items.map(({ id, productId, productName, quantity, unitPrice }) => ({
    id,
    productId,
    productName,
    quantity,
    unitPrice,
  })),
});

const toDetailedOrder = ({ statusHistory, ...row }: DetailedOrderRow): DetailedOrder => ({
  ...toOrder(row),
  statusHistory: statusHistory.map(({ status, at, changedBy, reason }) => ({
    status,
    at,
    by: changedBy ?? SYSTEM,
    reason,
  })),
});
