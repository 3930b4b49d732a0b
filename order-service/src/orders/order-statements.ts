import type { AuditEntry } from '@shop/common/contracts';
import {
  auditClause,
  causeClauses,
  causesClauses,
  leaseClauses,
  outboxRowsInsert,
  type InboundEvent,
  type OutboxRow,
} from '@shop/common/database';
import type { LeaseNote } from '@shop/common/idempotency';
import { Prisma } from '../generated/prisma/client.js';
import { SYSTEM, type DetailedOrder } from './order.js';

const { sql } = Prisma;

/** How many orders a user may have placed in a length of time that nobody has paid, and how many bytes of them. */
export interface UnpaidLimit {
  orders: number;
  bytes: number;
  /** In milliseconds. */
  window: number;
}

/** A new order, and the event that describes it. */
export interface PlacedOrder {
  readonly order: DetailedOrder;
  readonly event: OutboxRow;
}

/** An order in its next status, the event that describes it, and the one that it is the effect of. */
export interface StatusEffect extends PlacedOrder {
  readonly cause: InboundEvent;
}

/** Whether each fits its user's limit, and is placed; no rows where the note is refused. */
export function placeOrders(
  placed: readonly PlacedOrder[],
  { orders, bytes, window }: UnpaidLimit,
  note: LeaseNote | undefined,
): Prisma.Sql {
  const { held, isAllowed, noted } = leaseClauses(note);
  // JSON: the statement's text stays the same for any number of orders and items, so it is prepared once.
  return sql`
    WITH ${held} placed AS MATERIALIZED (
      SELECT placed.*, may_place_order("userId", bytes, ${orders}::integer, ${bytes}::bigint,
                                       ${window}::integer * interval '1 millisecond') AS fits
      FROM json_to_recordset(${JSON.stringify(placed.map(({ order }) => toOrderRow(order)))}::json) AS placed (
        id uuid, "userId" uuid, status order_status, "totalAmount" bigint, currency text, "currencyDecimals" smallint,
        "shippingAddress" text, notes text, "payableUntil" timestamptz, version integer, "createdAt" timestamptz,
        "updatedAt" timestamptz, bytes integer, at timestamptz, "changedBy" uuid, reason text
      ) WHERE ${isAllowed}
    ), saved AS (
      INSERT INTO orders (id, user_id, status, total_amount, currency, currency_decimals, shipping_address, notes,
                          payable_until, version, created_at, updated_at, bytes)
      SELECT id, "userId", status, "totalAmount", currency, "currencyDecimals", "shippingAddress", notes,
             "payableUntil", version, "createdAt", "updatedAt", bytes
      FROM placed WHERE fits
      RETURNING id
    ), items AS (
      INSERT INTO order_items (id, order_id, position, product_id, product_name, quantity, unit_price)
      SELECT item.id, saved.id, position, "productId", "productName", quantity, "unitPrice"
      FROM saved, json_to_recordset(${JSON.stringify(placed.flatMap(({ order }) => toItemRows(order)))}::json) AS item (
        id uuid, "orderId" uuid, position integer, "productId" text, "productName" text, quantity integer,
        "unitPrice" bigint
      ) WHERE "orderId" = saved.id
    ), history AS (
      INSERT INTO order_status_history (order_id, version, status, at, changed_by, reason)
      SELECT id, version, status, at, "changedBy", reason FROM placed WHERE fits
    ), published AS (
      ${publish(placed.map(({ event }) => event))}
    )
    ${noted} SELECT id, fits FROM placed`;
}

/** The verdict of the cause, or that there is none; no row where the order isn't any more what it was when it was read. */
export function updateStatus(
  { order, event }: PlacedOrder,
  { audit, cause }: { audit: readonly AuditEntry[] | undefined; cause: InboundEvent | undefined },
): Prisma.Sql {
  const isAsRead = sql`
    id = ${order.id}::uuid AND version = ${order.version - 1}::integer AND deleted_at IS NULL`;
  const { noted, isNew, verdict } = causeClauses(cause, sql`SELECT FROM orders WHERE ${isAsRead} FOR UPDATE`);
  return sql`
    WITH ${noted} saved AS (
      UPDATE orders
      SET status = ${order.status}::order_status, status_reason = ${order.statusReason},
          version = ${order.version}::integer, updated_at = ${order.updatedAt}::timestamptz
      WHERE ${isAsRead} AND ${isNew}
      RETURNING id
    ), history AS (${historyInsert(order)}), published AS (${publish([event])})
    ${auditClause(audit)} ${verdict}`;
}

/**
 * Likewise of several, without waiting: the verdicts of the causes, but for those whose orders aren't any more what they were
 * when they were read, or are locked.
 */
export function applyStatusEffects(effects: readonly StatusEffect[]): Prisma.Sql {
  const rows = effects.map(({ order: { id, version, updatedAt, statusReason, statusHistory }, cause }) => {
    return { id, version, updatedAt, statusReason, ...lastChangeOf(statusHistory), ...cause };
  });
  const isAsRead = (from: string) => sql`
    orders.id = ${Prisma.raw(from)}.id AND orders.version = ${Prisma.raw(from)}.version - 1 AND deleted_at IS NULL`;
  const { noted, isNew, verdicts } = causesClauses(sql`
    SELECT orders.id FROM orders JOIN causes ON ${isAsRead('causes')} FOR UPDATE OF orders SKIP LOCKED`);
  return sql`
    WITH causes AS (
      SELECT * FROM json_to_recordset(${JSON.stringify(rows)}::json) AS cause (
        id uuid, version integer, "updatedAt" timestamptz, "statusReason" text, status order_status, at timestamptz,
        "changedBy" uuid, reason text, "eventId" uuid, type text, aggregate text, sequence integer
      )
    ), ${noted} saved AS (
      UPDATE orders
      SET status = due.status, status_reason = due."statusReason", version = due.version, updated_at = due."updatedAt"
      FROM due WHERE ${isAsRead('due')} AND ${isNew}
      RETURNING orders.id
    ), history AS (
      INSERT INTO order_status_history (order_id, version, status, at, changed_by, reason)
      SELECT id, version, status, at, "changedBy", reason FROM due JOIN saved USING (id)
    ), published AS (${publish(effects.map(({ event }) => event))}) ${verdicts}`;
}

/** Events of the orders that the CTE `saved` has written. */
const publish = (events: readonly OutboxRow[]): Prisma.Sql =>
  outboxRowsInsert(events, { onlyIf: sql`SELECT FROM saved WHERE saved.id::text = event.subject` });

/** As the statement that inserts it reads it. */
const toOrderRow = ({ items: _, statusHistory, ...order }: DetailedOrder) => ({
  ...order,
  ...lastChangeOf(statusHistory),
  totalAmount: order.totalAmount.toString(),
});

const toItemRows = ({ id: orderId, items }: DetailedOrder) =>
  items.map((item, position) => ({ ...item, orderId, position, unitPrice: item.unitPrice.toString() }));

function lastChangeOf(history: DetailedOrder['statusHistory']) {
  const change = history.at(-1);
  if (change === undefined) throw new Error('an order without history');
  const { by, ...facts } = change;
  return { ...facts, changedBy: by === SYSTEM ? null : by };
}

/** The last entry of an order's history, as part of the statement whose CTE `saved` writes the order. */
function historyInsert({ version, statusHistory }: DetailedOrder): Prisma.Sql {
  const { status, at, changedBy, reason } = lastChangeOf(statusHistory);
  return sql`
    INSERT INTO order_status_history (order_id, version, status, at, changed_by, reason)
    SELECT id, ${version}::integer, ${status}::order_status, ${at}::timestamptz, ${changedBy}::uuid, ${reason}
    FROM saved`;
}
