import type { AuditEntry, EventDraft, PaymentStatus, ResourceView } from '@shop/common/contracts';
import {
  columnsOf,
  GroupedWrites,
  readJsonRows,
  readJsonSlice,
  readView,
  selectColumns,
  selectJson,
  toAuditRow,
  toOutboxRow,
  type AtomicStore,
  type JsonRow,
  type Statement,
} from '@shop/common/database';
import type { LeaseNote } from '@shop/common/idempotency';
import type { JsonRows, JsonSlice, PageRequest } from '@shop/common/paging';
import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import type { PaymentAggregate } from './payment-aggregate.js';
import type { PayableOrder } from './payable-order.js';
import type { Payment } from './payment.js';
import { detailedPaymentJson, paymentJson } from './payment.reads.js';
import { startCharges, type StartedCharge } from './payment-statements.js';

/** Which payments a caller may see and asks for. */
export interface PaymentFilter {
  /** Only this user's; undefined: everybody's. */
  userId: string | undefined;
  status?: PaymentStatus | undefined;
  ids?: readonly string[] | undefined;
}

export type PaymentView = ResourceView & { id: string };

const columns = columnsOf<Payment>()(Prisma.PaymentScalarFieldEnum, { others: ['nextCheckAt'] });
export const paymentColumns = selectColumns(columns);

const paymentRow = selectJson(columns);
interface PaymentRow {
  json: JsonRow<Payment>;
}
const toPayment = ({ json }: PaymentRow): Payment => ({
  ...json,
  amount: BigInt(json.amount),
  refundedAmount: BigInt(json.refundedAmount),
  refundReserved: BigInt(json.refundReserved),
  paidAt: json.paidAt === null ? null : new Date(json.paidAt),
  createdAt: new Date(json.createdAt),
  updatedAt: new Date(json.updatedAt),
});

const orderColumns = columnsOf<PayableOrder>()(Prisma.PayableOrderScalarFieldEnum, { others: ['expiresAt'] });
export const payableOrderColumns = selectColumns(orderColumns);
const orderJson = selectJson(orderColumns);
const toPayableOrder = (json: JsonRow<PayableOrder>): PayableOrder => ({
  ...json,
  amount: BigInt(json.amount),
  payableUntil: new Date(json.payableUntil),
  expiredAt: json.expiredAt === null ? null : new Date(json.expiredAt),
});

/** An order's live payment comes first, else its latest. */
export const latestFirst = Prisma.sql`status IN ('failed', 'cancelled'), created_at DESC, id DESC`;

export interface AggregateRow {
  order: JsonRow<PayableOrder>;
  payment: JsonRow<Payment> | null;
  now: Date;
}

/** An order, its live or else its latest payment, and the database's time. */
export const readAggregate = (orderId: string): Statement => Prisma.sql`
  SELECT known.json AS "order", latest.json AS payment, clock_timestamp() AS now
  FROM (SELECT ${orderJson} FROM payable_orders WHERE id = ${orderId}::uuid) AS known
  LEFT JOIN (
    SELECT ${paymentRow} FROM payments WHERE order_id = ${orderId}::uuid ORDER BY ${latestFirst} LIMIT 1
  ) AS latest ON true`;

export const toAggregate = ({ order, payment, now }: AggregateRow): PaymentAggregate & { readonly now: Date } => ({
  order: toPayableOrder(order),
  payment: payment === null ? undefined : toPayment({ json: payment }),
  now,
});

const table = Prisma.sql`payments`;
const view = Prisma.sql`SELECT ${paymentJson}::text AS json, id, version FROM`;
const visible = Prisma.sql`($2::uuid IS NULL OR user_id = $2::uuid)`;
const viewOfId = Prisma.sql`${view} payments WHERE id = $1::uuid AND ${visible}`.text;
const viewOfOrder = Prisma.sql`
  ${view} (SELECT * FROM payments WHERE order_id = $1::uuid ORDER BY ${latestFirst} LIMIT 1) AS payments WHERE ${visible}`
  .text;

interface ViewRow {
  json: string;
  id: string;
  version: number;
}

/** Payments as they are read, and those changes that need no look at the order. */
export class PaymentRepository {
  readonly #database: Database;
  readonly #store: AtomicStore<Database>;
  readonly #starts = new GroupedWrites<StartedCharge, boolean>({
    write: (started) => this.#start(started, { waits: false }),
    keyOf: ({ payment }) => payment.id,
  });

  constructor({ database, store }: { database: Database; store: AtomicStore<Database> }) {
    this.#database = database;
    this.#store = store;
  }

  async find(id: string): Promise<Payment | undefined> {
    const [row] = await this.#database.$lookup<PaymentRow>(Prisma.sql`
      SELECT ${paymentRow} FROM payments WHERE id = ${id}::uuid`);
    return row && toPayment(row);
  }

  async findByTransaction(provider: string, transactionId: string): Promise<Payment | undefined> {
    return (await this.#database.payment.findFirst({ where: { provider, transactionId } })) ?? undefined;
  }

  /** With `userId`, only if the payment is that user's. */
  findView(id: string, userId: string | undefined): Promise<PaymentView | undefined> {
    return readView<ViewRow>(this.#database, { text: viewOfId, values: [id, userId ?? null] });
  }

  /** Likewise, of the latest payment of an order. */
  findLatestViewOfOrder(orderId: string, userId: string | undefined): Promise<PaymentView | undefined> {
    return readView<ViewRow>(this.#database, { text: viewOfOrder, values: [orderId, userId ?? null] });
  }

  /** The latest payment of each order that has one. */
  listLatestOfOrders(orderIds: readonly string[], { userId }: Pick<PaymentFilter, 'userId'>): Promise<JsonRows> {
    const latest = Prisma.sql`(
      SELECT DISTINCT ON (order_id) * FROM payments
      WHERE order_id = ANY(${[...orderIds]}::uuid[]) ORDER BY order_id, ${latestFirst}
    ) AS payments`;
    const source = { json: paymentJson, table: latest, conditions: conditionsOf({ userId }) };
    return readJsonRows(this.#database, source, orderIds.length);
  }

  /** All payments of a filter that names their ids, newest first. */
  listAll(filter: PaymentFilter & { ids: readonly string[] }): Promise<JsonRows> {
    const source = { json: paymentJson, table, conditions: conditionsOf(filter) };
    return readJsonRows(this.#database, source, filter.ids.length);
  }

  /** `detailed`: each with its refunds. */
  list(filter: PaymentFilter, request: PageRequest, { detailed }: { detailed: boolean }): Promise<JsonSlice> {
    const json = detailed ? detailedPaymentJson : paymentJson;
    const isIndexed = filter.status === undefined && filter.ids === undefined;
    return readJsonSlice(this.#database, { json, table, conditions: conditionsOf(filter), isIndexed }, request);
  }

  /**
   * Marks a pending payment as being processed, with the event that describes it, who asked for it, and a note about that
   * request. False: somebody else was faster, or the order's time is over by the database's clock.
   */
  async startProcessing(
    payment: Payment,
    { event, audit }: { event: EventDraft; audit: readonly AuditEntry[] },
    note?: LeaseNote,
  ): Promise<boolean> {
    const started = { payment, event: toOutboxRow(event), audit: audit.map(toAuditRow) };
    const alone = async (): Promise<boolean> => (await this.#start([started], { waits: true, note }))[0] === true;
    // One that is locked may still be pending afterwards.
    return note ? alone() : (await this.#starts.add(started)) || alone();
  }

  /** Whether each has begun. */
  async #start(
    started: readonly StartedCharge[],
    how: { waits: boolean; note?: LeaseNote | undefined },
  ): Promise<boolean[]> {
    const saved = await this.#store.saveInOneStatement<{ id: string }>(startCharges(started, how));
    const ids = new Set(saved.map(({ id }) => id));
    return started.map(({ payment }) => ids.has(payment.id));
  }

  /** A payment, its order, and the database's time. */
  async findWithOrder(id: string): Promise<{ payment: Payment; order: PayableOrder; now: Date } | undefined> {
    const [row] = await this.#database.$lookup<{ payment: JsonRow<Payment>; order: JsonRow<PayableOrder>; now: Date }>(
      Prisma.sql`
        SELECT found.json AS payment, known.json AS "order", clock_timestamp() AS now
        FROM (SELECT ${paymentRow}, order_id FROM payments WHERE id = ${id}::uuid) AS found,
          LATERAL (SELECT ${orderJson} FROM payable_orders WHERE id = found.order_id) AS known`,
    );
    return row && { payment: toPayment({ json: row.payment }), order: toPayableOrder(row.order), now: row.now };
  }

  async findOrder(id: string): Promise<PayableOrder | undefined> {
    const [order] = await this.#database.$lookup<PayableOrder>(Prisma.sql`
      SELECT ${payableOrderColumns} FROM payable_orders WHERE id = ${id}::uuid`);
    return order;
  }

  /** Keeps an order that wasn't known; one that is stays as it is. */
  async rememberOrder(order: PayableOrder): Promise<void> {
    await this.#database.payableOrder.createMany({ data: [order], skipDuplicates: true });
  }
}

/** Only the conditions that are asked for: one that may be none has no index. So there are several texts, but few. */
const conditionsOf = ({ userId, status, ids }: PaymentFilter): Prisma.Sql[] => [
  ...(userId === undefined ? [] : [Prisma.sql`user_id = ${userId}::uuid`]),
  ...(status === undefined ? [] : [Prisma.sql`status = ${status}::payment_status`]),
  ...(ids === undefined ? [] : [Prisma.sql`id = ANY(${[...ids]}::uuid[])`]),
];
