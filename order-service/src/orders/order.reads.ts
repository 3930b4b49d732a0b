import { columnsOf, isAfter, selectColumns, type Statement } from '@shop/common/database';
import type { PageRequest } from '@shop/common/paging';
import { Prisma } from '../generated/prisma/client.js';
import { BYTES_OF_ITEM, SYSTEM, type DetailedOrder, type Order, type OrderItem, type OrderStatus } from './order.js';

/** Conditions that all orders of a list meet. */
export interface OrderFilters {
  userId?: string | undefined;
  status?: OrderStatus | undefined;
  /** Inclusive. */
  createdFrom?: Date | undefined;
  /** Exclusive. */
  createdTo?: Date | undefined;
}

const { sql, join, empty } = Prisma;
/** Nobody has to make room for so many bytes, so the items come with their orders; those of more are read once there is room. */
const SMALL_BYTES = 100_000;

const orderColumns = selectColumns(
  columnsOf<Omit<OrderHead, 'bytes'>>()(Prisma.OrderScalarFieldEnum, { others: ['bytes', 'deletedAt'] }),
);
/** Also of an order that nobody measured when it was placed. */
const measuredBytes = sql`
  coalesce(bytes, (
    SELECT sum(${Prisma.raw(BYTES_OF_ITEM.toString())} + octet_length(product_id) + octet_length(product_name))::integer
    FROM order_items WHERE order_id = orders.id
  ), 0) AS bytes`;
const itemColumns = selectColumns(
  columnsOf<OrderItem>()(Prisma.OrderItemScalarFieldEnum, { others: ['orderId', 'position'] }),
);
/** What belongs to an order, as JSON: one statement reads all of it. Amounts are whole numbers that JSON holds exactly. */
const itemsOf = (orderId: Prisma.Sql): Prisma.Sql => sql`
  coalesce((
    SELECT json_agg(item ORDER BY item.position)
    FROM (SELECT position, ${itemColumns} FROM order_items WHERE order_id = ${orderId}) AS item
  ), '[]'::json)`;
const historyOf = (orderId: Prisma.Sql): Prisma.Sql => sql`
  SELECT json_agg(change ORDER BY change.version)
  FROM (SELECT version, status, at, changed_by AS by, reason FROM order_status_history WHERE order_id = ${orderId}) AS change`;

/** As one JSON value: to read that costs a fraction of what sixteen columns cost. */
const detailedOrder = sql`
  SELECT row_to_json(detailed) AS "order" FROM (
    SELECT ${orderColumns}, ${measuredBytes}, ${itemsOf(sql`orders.id`)} AS items, (${historyOf(sql`orders.id`)}) AS "statusHistory"
    FROM orders WHERE id = $1::uuid AND ($2::uuid IS NULL OR user_id = $2::uuid) AND deleted_at IS NULL
  ) AS detailed`.text;

const itemsOfOrders = sql`
  SELECT ids.id AS "orderId", ${itemsOf(sql`ids.id`)} AS items FROM unnest($1::uuid[]) AS ids (id)`.text;

const historiesOfOrders = sql`
  SELECT ids.id AS "orderId", (${historyOf(sql`ids.id`)}) AS "statusHistory" FROM unnest($1::uuid[]) AS ids (id)`.text;

const sizesOfNewest = sql`
  SELECT newest.id, newest.bytes
  FROM unnest($1::uuid[]) AS users (id)
  CROSS JOIN LATERAL (
    SELECT id, created_at, ${measuredBytes} FROM orders
    WHERE user_id = users.id AND deleted_at IS NULL
    ORDER BY created_at DESC, id DESC
    LIMIT $2
  ) AS newest
  ORDER BY newest.created_at DESC, newest.id DESC`.text;

interface ItemRow extends Omit<OrderItem, 'unitPrice'> {
  unitPrice: number;
}

interface StatusChangeRow {
  status: OrderStatus;
  at: string;
  by: string | null;
  reason: string | null;
}

/** One order: with `userId`, only if it is that user's. */
export const readDetailedOrder = (id: string, userId: string | undefined): Statement => ({
  text: detailedOrder,
  values: [id, userId ?? null],
});
export interface DetailedOrderRow {
  order: OrderHead & {
    items: ItemRow[];
    statusHistory: StatusChangeRow[];
  };
}

/** An order as PostgreSQL writes it as JSON, without its items. */
interface OrderHead extends Omit<Order, 'totalAmount' | 'payableUntil' | 'createdAt' | 'updatedAt' | 'items'> {
  totalAmount: number;
  payableUntil: string;
  createdAt: string;
  updatedAt: string;
}
export interface ListedOrder extends OrderHead {
  /** null where all of them together are not small. */
  items: ItemRow[] | null;
}
export interface ListedOrders {
  /** null where there are none. */
  orders: ListedOrder[] | null;
  /** null where it wasn't asked for. */
  total: number | null;
}

/**
 * Only the conditions that are asked for: PostgreSQL plans a statement for all values that it may get, and a condition that
 * may be none has no index. So there are several texts, but few.
 */
const conditionsOf = ({ userId, status, createdFrom, createdTo }: OrderFilters): Prisma.Sql[] => [
  sql`deleted_at IS NULL`,
  ...(userId === undefined ? [] : [sql`user_id = ${userId}::uuid`]),
  ...(status === undefined ? [] : [sql`status = ${status}::order_status`]),
  ...(createdFrom === undefined ? [] : [sql`created_at >= ${createdFrom}::timestamptz`]),
  ...(createdTo === undefined ? [] : [sql`created_at < ${createdTo}::timestamptz`]),
];

const listed = (conditions: readonly Prisma.Sql[], { part, total }: { part: Prisma.Sql; total: Prisma.Sql }) => sql`
  WITH listed AS MATERIALIZED (
    SELECT ${orderColumns}, ${measuredBytes} FROM orders
    WHERE ${join([...conditions], ' AND ')} ORDER BY created_at DESC, id DESC ${part}
  )
  SELECT ${total} AS total, (
    SELECT json_agg(detailed ORDER BY detailed."createdAt" DESC, detailed.id DESC)
    FROM (
      SELECT listed.*,
             CASE WHEN (SELECT sum(bytes) FROM listed) <= ${SMALL_BYTES}::integer THEN ${itemsOf(sql`listed.id`)} END AS items
      FROM listed
    ) AS detailed
  ) AS orders`;

/** A page, and one order more; newest first. */
export function readPage(filters: OrderFilters, { limit, offset, after, countUpTo }: PageRequest): Statement {
  const conditions = conditionsOf(filters);
  const total =
    countUpTo === 0
      ? sql`NULL::integer`
      : sql`(SELECT count(*)::integer
             FROM (SELECT FROM orders WHERE ${join(conditions, ' AND ')} LIMIT ${countUpTo}::bigint) AS counted)`;
  const limited = sql`LIMIT ${limit + 1}::bigint`;
  if (after === undefined) return listed(conditions, { part: sql`${limited} OFFSET ${offset}::bigint`, total });
  return listed([...conditions, isAfter(after)], { part: limited, total });
}

/** Those of `ids` that are there; with `userId`, only those that are that user's. */
export const readByIds = (ids: readonly string[], userId: string | undefined): Statement =>
  listed([...conditionsOf({ userId }), sql`id = ANY(${[...ids]}::uuid[])`], { part: empty, total: sql`NULL::integer` });

/** How large up to `perUser` orders of each user are, newest first. */
export const readSizesOfNewest = (userIds: readonly string[], perUser: number): Statement => ({
  text: sizesOfNewest,
  values: [[...userIds], perUser],
});

export const readItems = (orderIds: readonly string[]): Statement => ({ text: itemsOfOrders, values: [[...orderIds]] });
export interface ItemsRow {
  orderId: string;
  items: ItemRow[];
}

export const readHistories = (orderIds: readonly string[]): Statement => ({
  text: historiesOfOrders,
  values: [[...orderIds]],
});
export interface HistoryRow {
  orderId: string;
  statusHistory: StatusChangeRow[];
}

const toItem = ({ id, productId, productName, quantity, unitPrice }: ItemRow): OrderItem => ({
  id,
  productId,
  productName,
  quantity,
  unitPrice: BigInt(unitPrice),
});

export const toOrder = (row: OrderHead, items: readonly ItemRow[]): Order => ({
  id: row.id,
  userId: row.userId,
  status: row.status,
  statusReason: row.statusReason,
  totalAmount: BigInt(row.totalAmount),
  currency: row.currency,
  currencyDecimals: row.currencyDecimals,
  shippingAddress: row.shippingAddress,
  notes: row.notes,
  items: items.map(toItem),
  payableUntil: new Date(row.payableUntil),
  version: row.version,
  createdAt: new Date(row.createdAt),
  updatedAt: new Date(row.updatedAt),
  bytes: row.bytes,
});

export const toDetailedOrder = ({ order }: DetailedOrderRow): DetailedOrder => ({
  ...toOrder(order, order.items),
  statusHistory: toHistory(order.statusHistory),
});

export const toHistory = (rows: readonly StatusChangeRow[]): DetailedOrder['statusHistory'] =>
  rows.map(({ status, at, by, reason }) => ({ status, at: new Date(at), by: by ?? SYSTEM, reason }));
