import {
  auditRowsInsert,
  causesClauses,
  leaseClauses,
  outboxRowsInsert,
  type AuditRow,
  type InboundEvent,
  type OutboxRow,
} from '@shop/common/database';
import type { LeaseNote } from '@shop/common/idempotency';
import { Prisma } from '../generated/prisma/client.js';
import type { PayableOrder } from './payable-order.js';
import type { Payment } from './payment.js';

const { empty, raw, sql } = Prisma;

/** An order, the event that describes it, the payment that is opened for it, and the events that describe that. */
export interface FirstPayment {
  readonly order: PayableOrder;
  readonly cause: InboundEvent;
  readonly payment: Payment;
  readonly events: readonly OutboxRow[];
}

/** An order as it was read, its next status, and the event that says so. */
export interface OrderStep {
  readonly order: PayableOrder;
  readonly status: PayableOrder['status'];
  readonly cause: InboundEvent;
}

/** An order and its payment as they were read, the payment as it is from now on, and the events that describe that. */
export interface PaymentChange {
  readonly order: PayableOrder;
  readonly before: Payment;
  readonly payment: Payment;
  readonly events: readonly OutboxRow[];
}

/** A payment whose charge begins, the event that says so, and who asked for it. */
export interface StartedCharge {
  readonly payment: Payment;
  readonly event: OutboxRow;
  readonly audit: readonly AuditRow[];
}

/** The columns of a payment as `toRow` has them. */
const paymentTypes = raw(`
  id uuid, "orderId" uuid, "userId" uuid, amount bigint, "refundedAmount" bigint, "refundReserved" bigint,
  currency text, "currencyDecimals" smallint, status payment_status, method payment_method, "transactionId" text,
  provider text, "providerReference" text, "nextActionType" text, "nextActionUrl" text, "nextActionSecret" text,
  description text, "failureReason" text, "paidAt" timestamptz, version integer, "createdAt" timestamptz,
  "updatedAt" timestamptz`);

const changedColumns = raw(`
  refunded_amount = changes."refundedAmount", refund_reserved = changes."refundReserved", status = changes.status,
  method = changes.method, transaction_id = changes."transactionId", provider = changes.provider,
  provider_reference = changes."providerReference", next_action_type = changes."nextActionType",
  next_action_url = changes."nextActionUrl", next_action_secret = changes."nextActionSecret",
  description = changes.description, failure_reason = changes."failureReason", paid_at = changes."paidAt",
  version = changes.version, updated_at = changes."updatedAt"`);

const causeTypes = raw(`"eventId" uuid, type text, aggregate text, sequence integer`);

const toRow = (payment: Payment) => ({
  ...payment,
  amount: payment.amount.toString(),
  refundedAmount: payment.refundedAmount.toString(),
  refundReserved: payment.refundReserved.toString(),
});

/** Events of the payments that the CTE `saved` has written. */
const publish = (events: readonly OutboxRow[]): Prisma.Sql =>
  outboxRowsInsert(events, { onlyIf: sql`SELECT FROM saved WHERE saved.id::text = event.subject` });

/**
 * First payments of orders that nobody knew, which need no lock. A verdict of each cause, but for those of orders that are
 * known.
 */
export function openPayments(firsts: readonly FirstPayment[]): Prisma.Sql {
  const orders = firsts.map(({ order, cause }) => ({ ...order, amount: order.amount.toString(), ...cause }));
  const { noted, isNew, verdicts } = causesClauses(sql`
    INSERT INTO payable_orders (id, user_id, amount, currency, currency_decimals, status, payable_until, expired_at)
    SELECT id, "userId", amount, currency, "currencyDecimals", status, "payableUntil", "expiredAt" FROM causes
    ON CONFLICT DO NOTHING RETURNING id`);
  return sql`
    WITH causes AS (
      SELECT * FROM json_to_recordset(${JSON.stringify(orders)}::json) AS cause (
        id uuid, "userId" uuid, amount bigint, currency text, "currencyDecimals" smallint, status order_status,
        "payableUntil" timestamptz, "expiredAt" timestamptz, ${causeTypes}
      )
    ), ${noted} saved AS (
      INSERT INTO payments (id, order_id, user_id, amount, refunded_amount, refund_reserved, currency, currency_decimals,
                            status, method, transaction_id, provider, provider_reference, next_action_type,
                            next_action_url, next_action_secret, description, failure_reason, paid_at, version,
                            created_at, updated_at)
      SELECT * FROM json_to_recordset(${JSON.stringify(firsts.map(({ payment }) => toRow(payment)))}::json)
        AS payment (${paymentTypes})
      WHERE "orderId" IN (SELECT id FROM due WHERE ${isNew}) RETURNING id
    ), published AS (${publish(firsts.flatMap(({ events }) => events))}) ${verdicts}`;
}

/** Locks the orders of the CTE `from` that are still as they were read, and that nobody else has locked. */
const lockUnchanged = (from: string): Prisma.Sql => sql`
  SELECT payable_orders.id FROM payable_orders JOIN ${raw(from)} AS known ON payable_orders.id = known."orderId"
  WHERE payable_orders.status = known."orderStatus" AND payable_orders.expired_at IS NOT DISTINCT FROM known."expiredAt"
  FOR UPDATE OF payable_orders SKIP LOCKED`;

/** A verdict of each cause, but for those of orders that are no longer as they were read. */
export function advanceOrders(steps: readonly OrderStep[]): Prisma.Sql {
  const rows = steps.map(({ order: { id, status: orderStatus, expiredAt }, status, cause }) => {
    return { id, orderId: id, orderStatus, expiredAt, status, ...cause };
  });
  const { noted, isNew, verdicts } = causesClauses(lockUnchanged('causes'));
  return sql`
    WITH causes AS (
      SELECT * FROM json_to_recordset(${JSON.stringify(rows)}::json) AS cause (
        id uuid, "orderId" uuid, "orderStatus" order_status, "expiredAt" timestamptz, status order_status, ${causeTypes}
      )
    ), ${noted} saved AS (
      UPDATE payable_orders SET status = due.status FROM due WHERE payable_orders.id = due.id AND ${isNew}
    ) ${verdicts}`;
}

/**
 * The id of each payment whose charge begins: those that are pending, of orders whose time isn't over by the database's
 * clock. `waits`: for whoever has locked one; else that one is left out.
 */
export function startCharges(
  started: readonly StartedCharge[],
  { waits, note }: { waits: boolean; note?: LeaseNote | undefined },
): Prisma.Sql {
  const { held, isAllowed, noted } = leaseClauses(note);
  const isAsRead = sql`payments.status = 'pending' AND payments.version = changes.version - 1`;
  return sql`
    WITH ${held} changes AS (
      SELECT * FROM json_to_recordset(${JSON.stringify(started.map(({ payment }) => toRow(payment)))}::json)
        AS change (${paymentTypes})
    ), free AS MATERIALIZED (
      SELECT payments.id FROM payments JOIN changes USING (id) WHERE ${isAsRead}
      FOR UPDATE OF payments ${waits ? empty : sql`SKIP LOCKED`}
    ), saved AS (
      UPDATE payments
      SET status = changes.status, method = changes.method, provider = changes.provider,
        provider_reference = changes."providerReference", version = changes.version, updated_at = changes."updatedAt"
      FROM changes JOIN payable_orders AS orders ON orders.id = changes."orderId"
      WHERE payments.id = changes.id AND payments.id IN (SELECT id FROM free) AND ${isAsRead}
        AND orders.expired_at IS NULL AND (orders.status <> 'pending' OR orders.payable_until > clock_timestamp())
        AND ${isAllowed}
      RETURNING payments.id
    ), published AS (${publish(started.map(({ event }) => event))}), audited AS (
      ${auditRowsInsert(
        started.flatMap(({ audit }) => audit),
        { onlyIf: sql`SELECT FROM saved WHERE saved.id = entry."subjectId"` },
      )}
    ) ${noted} SELECT id FROM saved`;
}

/** The id of each payment that was changed: those that are still as they were read, with their orders. */
export function changePayments(changes: readonly PaymentChange[], note: LeaseNote | undefined): Prisma.Sql {
  const { held, isAllowed, noted } = leaseClauses(note);
  const rows = changes.map(({ order: { status: orderStatus, expiredAt }, before, payment }) => ({
    ...toRow(payment),
    orderStatus,
    expiredAt,
    statusBefore: before.status,
    versionBefore: before.version,
    referenceBefore: before.providerReference,
  }));
  return sql`
    WITH ${held} changes AS (
      SELECT * FROM json_to_recordset(${JSON.stringify(rows)}::json) AS change (
        ${paymentTypes}, "orderStatus" order_status, "expiredAt" timestamptz, "statusBefore" payment_status,
        "versionBefore" integer, "referenceBefore" text
      )
    ), unchanged AS MATERIALIZED (${lockUnchanged('changes')}), saved AS (
      UPDATE payments SET ${changedColumns} FROM changes
      WHERE payments.id = changes.id AND payments.version = "versionBefore" AND payments.status = "statusBefore"
        AND payments.provider_reference IS NOT DISTINCT FROM "referenceBefore"
        AND payments.order_id IN (SELECT id FROM unchanged) AND ${isAllowed}
      RETURNING payments.id
    ), published AS (${publish(changes.flatMap(({ events }) => events))})
    ${noted} SELECT id FROM saved`;
}

/** A payment as it is from now on, if that is the version that it had. No row where it isn't. */
export const changePayment = (payment: Payment, versionBefore: number): Prisma.Sql => sql`
  WITH changes AS (
    SELECT * FROM json_to_recordset(${JSON.stringify([toRow(payment)])}::json) AS change (${paymentTypes})
  )
  UPDATE payments SET ${changedColumns} FROM changes
  WHERE payments.id = changes.id AND payments.version = ${versionBefore}::integer`;
