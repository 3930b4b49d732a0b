import type { OrderResource } from '@shop/common/contracts';
import {
  columnsOf,
  countOf,
  isAfter,
  jsonAmount,
  jsonArray,
  jsonObject,
  jsonTime,
  newestFirst,
  selectColumns,
  selectJsonSlice,
  sliceOf,
  type Expressions,
  type JsonSliceRow,
  type Statement,
} from '@shop/common/database';
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
  ids?: readonly string[] | undefined;
}

const { sql, join } = Prisma;
/** Nobody has to make room for so many bytes, so the orders are read at once; those of more are once there is room. */
const SMALL_BYTES = 100_000;

const orderColumns = selectColumns(
  columnsOf<Omit<OrderHead, 'bytes'>>()(Prisma.OrderScalarFieldEnum, { others: ['bytes', 'deletedAt'] }),
);
/** Also of an order that nobody measured when it was placed. */
const measuredBytes = sql`
  coalesce(bytes, (
    SELECT sum(${Prisma.raw(BYTES_OF_ITEM.toString())} + octet_length(product_id) + octet_length(product_name))::integer
    FROM order_items WHERE order_id = orders.id
  ), 0)`;
const itemColumns = selectColumns(
  columnsOf<OrderItem>()(Prisma.OrderItemScalarFieldEnum, { others: ['orderId', 'position'] }),
);
/** What belongs to an order, as JSON: one statement reads all of it. Amounts are whole numbers that JSON holds exactly. */
const items = sql`
  coalesce((
    SELECT json_agg(item ORDER BY item.position)
    FROM (SELECT position, ${itemColumns} FROM order_items WHERE order_id = orders.id) AS item
  ), '[]'::json)`;
const history = sql`
  SELECT json_agg(change ORDER BY change.version)
  FROM (SELECT version, status, at, changed_by AS by, reason FROM order_status_history WHERE order_id = orders.id) AS change`;

/** As one JSON value: to read that costs a fraction of what sixteen columns cost. */
const detailedOrder = sql`
  SELECT row_to_json(detailed) AS "order" FROM (
    SELECT ${orderColumns}, ${measuredBytes} AS bytes, ${items} AS items, (${history}) AS "statusHistory"
    FROM orders WHERE id = $1::uuid AND ($2::uuid IS NULL OR user_id = $2::uuid) AND deleted_at IS NULL
  ) AS detailed`.text;

/** What toResource makes of a row. */
const order: Expressions<Omit<OrderResource, 'statusHistory'>> = {
  id: 'id',
  userId: 'user_id',
  status: 'status',
  statusReason: 'status_reason',
  totalAmount: jsonAmount('total_amount', 'currency_decimals'),
  currency: 'currency',
  shippingAddress: 'shipping_address',
  notes: 'notes',
  items: jsonArray(
    {
      id: 'id',
      productId: 'product_id',
      productName: 'product_name',
      quantity: 'quantity',
      unitPrice: jsonAmount('unit_price', 'orders.currency_decimals'),
    } satisfies Expressions<OrderResource['items'][number]>,
    { from: 'order_items WHERE order_id = orders.id', orderBy: 'position' },
  ),
  payableUntil: jsonTime('payable_until'),
  createdAt: jsonTime('created_at'),
  updatedAt: jsonTime('updated_at'),
};

export const orderJson = Prisma.raw(jsonObject(order));

/** What toDetailedResource makes of a row. */
export const detailedOrderJson = Prisma.raw(
  jsonObject({
    ...order,
    statusHistory: jsonArray(
      {
        status: 'status',
        at: jsonTime('at'),
        by: `coalesce(changed_by::text, '${SYSTEM}')`,
        reason: 'reason',
      } satisfies Expressions<NonNullable<OrderResource['statusHistory']>[number]>,
      { from: 'order_status_history WHERE order_id = orders.id', orderBy: 'version' },
    ),
  }),
);

const viewOfId = sql`
  SELECT ${detailedOrderJson}::text AS json, version, ${measuredBytes} AS bytes
  FROM orders WHERE id = $1::uuid AND ($2::uuid IS NULL OR user_id = $2::uuid) AND deleted_at IS NULL`.text;

const sizesOfNewest = sql`
  SELECT newest.id, newest.bytes
  FROM unnest($1::uuid[]) AS users (id)
  CROSS JOIN LATERAL (
    SELECT id, created_at, ${measuredBytes} AS bytes FROM orders
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

/** As answers show it: with `userId`, only if it is that user's. */
export const readOrderView = (id: string, userId: string | undefined): Statement => ({
  text: viewOfId,
  values: [id, userId ?? null],
});
export interface OrderViewRow {
  json: string;
  version: number;
  bytes: number;
}

/** An order as PostgreSQL writes it as JSON, without its items. */
interface OrderHead extends Omit<Order, 'totalAmount' | 'payableUntil' | 'createdAt' | 'updatedAt' | 'items'> {
  totalAmount: number;
  payableUntil: string;
  createdAt: string;
  updatedAt: string;
}
export interface OrderSize {
  id: string;
  bytes: number;
}

export interface ListedOrders extends JsonSliceRow {
  /** Of all that are listed. */
  bytes: number;
  /** null where all of them together are small; else there are no rows yet. */
  sizes: (OrderSize & { createdAt: string })[] | null;
}

/**
 * Only the conditions that are asked for: PostgreSQL plans a statement for all values that it may get, and a condition that
 * may be none has no index. So there are several texts, but few.
 */
export const conditionsOf = ({ userId, status, createdFrom, createdTo, ids }: OrderFilters): Prisma.Sql[] => [
  sql`deleted_at IS NULL`,
  ...(userId === undefined ? [] : [sql`user_id = ${userId}::uuid`]),
  ...(status === undefined ? [] : [sql`status = ${status}::order_status`]),
  ...(createdFrom === undefined ? [] : [sql`created_at >= ${createdFrom}::timestamptz`]),
  ...(createdTo === undefined ? [] : [sql`created_at < ${createdTo}::timestamptz`]),
  ...(ids === undefined ? [] : [sql`id = ANY(${[...ids]}::uuid[])`]),
];

/** Whether it is of all orders of a user, or of everybody: an index has them in their order. */
export const isListOfOwner = ({ status, createdFrom, createdTo, ids }: OrderFilters): boolean =>
  [status, createdFrom, createdTo, ids].every((filter) => filter === undefined);

/** The JSON of all of them, or how large each is where they are not small. */
export function readList(filters: OrderFilters, request: PageRequest, { detailed }: { detailed: boolean }): Statement {
  const { limit, after, countUpTo } = request;
  const conditions = conditionsOf(filters);
  const part = after === undefined ? conditions : [...conditions, isAfter(after)];
  return sql`
    WITH listed AS MATERIALIZED (
      SELECT *, row_number() OVER () AS place
      FROM (
        ${sliceOf(sql`SELECT *, ${measuredBytes} AS size FROM orders WHERE ${join(part, ' AND ')} ${newestFirst}`, request)}
      ) AS orders
    )
    SELECT ${countOf(sql`orders`, conditions, countUpTo)} AS total, ${selectJsonSlice(limit)},
      coalesce(sum(size), 0)::integer AS bytes,
      CASE WHEN sum(size) > ${SMALL_BYTES}::integer
        THEN json_agg(json_build_object('id', id, 'createdAt', created_at, 'bytes', size) ORDER BY place)
      END AS sizes
    FROM (
      SELECT created_at, id, place, size,
        CASE WHEN (SELECT sum(size) FROM listed) <= ${SMALL_BYTES}::integer
          THEN ${detailed ? detailedOrderJson : orderJson}::text
        END AS json
      FROM listed AS orders
    ) AS found`;
}

/** How large up to `perUser` orders of each user are, newest first. */
export const readSizesOfNewest = (userIds: readonly string[], perUser: number): Statement => ({
  text: sizesOfNewest,
  values: [[...userIds], perUser],
});

const toItem = ({ id, productId, productName, quantity, unitPrice }: ItemRow): OrderItem => ({
  id,
  productId,
  productName,
  quantity,
  unitPrice: BigInt(unitPrice),
});

const toOrder = (row: OrderHead, items: readonly ItemRow[]): Order => ({
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

const toHistory = (rows: readonly StatusChangeRow[]): DetailedOrder['statusHistory'] =>
  rows.map(({ status, at, by, reason }) => ({ status, at: new Date(at), by: by ?? SYSTEM, reason }));
