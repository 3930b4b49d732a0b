import type { Client } from 'pg';
import { z } from 'zod';
import { paymentStatuses, refundStatuses } from '@shop/common/contracts';
import type { DiscrepancyDraft } from '../discrepancies/discrepancy.js';
import { recordDiscrepancies } from '../discrepancies/record-discrepancies.js';
import type { LedgerEntry } from '../providers/payment-provider.js';
import { comparisonClient } from './comparison-client.js';
import type { EntryKind, Pair } from './ledger.js';

const PAGE = 1_000;

/** Milliseconds for which it is normal that a paid order isn't confirmed: events wait while the broker is down. */
const CONFIRMING_TIME = 10 * 60_000;
const RECORDED_TOGETHER = 100;

const amount = z.string().transform(BigInt);
const ourEntry = z.object({
  amount,
  currency: z.string(),
  currencyDecimals: z.int(),
  orderId: z.guid(),
  paymentId: z.guid(),
  status: z.enum([...paymentStatuses, ...refundStatuses]),
  transactionId: z.string().nullable(),
  updatedAt: z.coerce.date(),
});
const theirEntry = z.object({
  amount,
  currency: z.string(),
  currencyDecimals: z
    .int()
    .nullable()
    .transform((decimals) => decimals ?? undefined),
  verdict: z.discriminatedUnion('outcome', [
    z.object({ outcome: z.literal('succeeded'), transactionId: z.string() }),
    z.object({ outcome: z.literal('declined'), reason: z.string() }),
  ]),
});
const pair = z.object({
  kind: z.enum(['charge', 'refund']),
  key: z.string(),
  ours: ourEntry.nullable().transform((entry) => entry ?? undefined),
  theirs: theirEntry.nullable().transform((entry) => entry ?? undefined),
});

const time = z.object({ now: z.date() });
const unconfirmedOrder = z.object({
  orderId: z.guid(),
  paymentId: z.guid(),
  paidAt: z.date(),
  paymentStatus: z.enum(paymentStatuses),
  amount,
  currency: z.string(),
  currencyDecimals: z.int(),
});
/** An order that is paid, and not confirmed long after. */
export type UnconfirmedOrder = z.infer<typeof unconfirmedOrder>;

const UUID = '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
/** Ours since then, and whatever older one the provider names: not all that there ever was. */
const concerned = (kind: EntryKind, table: string): readonly string[] => [
  `${table}.created_at >= $2`,
  `${table}.created_at < $2
     AND ${table}.id = ANY (ARRAY(SELECT key::uuid FROM their_entries WHERE kind = '${kind}' AND key ~ '${UUID}'))`,
];

/** Payments that may have a charge of this provider: one that isn't being processed has none, and so no provider. */
const CHARGES = concerned('charge', 'payments').map(
  (condition) => `
  SELECT 'charge' AS kind, id::text AS key, id AS "paymentId", order_id AS "orderId", amount::text, currency,
    currency_decimals AS "currencyDecimals", status::text, transaction_id AS "transactionId", updated_at AS "updatedAt",
    created_at, paid_at IS NOT NULL OR status = 'processing' AS is_expected
  FROM payments WHERE (provider = $1 OR provider IS NULL) AND ${condition}`,
);
const REFUNDS = concerned('refund', 'refunds').map(
  (condition) => `
  SELECT 'refund', refunds.id::text, payment_id, order_id, refunds.amount::text, currency,
    refunds.currency_decimals, refunds.status::text, refunds.transaction_id, refunds.updated_at,
    refunds.created_at, refunds.status <> 'failed'
  FROM refunds JOIN payments ON payments.id = payment_id WHERE provider = $1 AND ${condition}`,
);
const OURS = [...CHARGES, ...REFUNDS].join(' UNION ALL ');

/**
 * Both ledgers side by side, over one connection. The provider's are put into a temporary table page by page, so that the
 * database joins them: neither of the two has to fit into memory.
 */
export class LedgerRepository {
  readonly #client: Client;

  constructor({ url }: { url: string }) {
    this.#client = comparisonClient(url);
  }

  async open(): Promise<void> {
    await this.#client.connect();
    await this.#client.query(`
      CREATE TEMPORARY TABLE their_entries (
        kind text, key text, amount text, currency text, "currencyDecimals" integer, verdict json, PRIMARY KEY (kind, key)
      )`);
  }

  /** The database's time. */
  async now(): Promise<Date> {
    const { rows } = await this.#client.query('SELECT clock_timestamp() AS now');
    return time.parse(rows[0]).now;
  }

  async addTheirs(kind: EntryKind, entries: readonly LedgerEntry[]): Promise<void> {
    const rows = entries.map((entry) => ({ kind, ...entry, amount: entry.amount.toString() }));
    await this.#client.query(
      `INSERT INTO their_entries SELECT * FROM json_populate_recordset(NULL::their_entries, $1) ON CONFLICT DO NOTHING`,
      [JSON.stringify(rows)],
    );
  }

  /** Every charge and refund of the provider in either of the two ledgers, ours as far as they were opened since then. */
  async *pairs({ provider, since }: { provider: string; since: Date }): AsyncGenerator<Pair> {
    await this.#client.query('BEGIN READ ONLY');
    await this.#client.query(
      `DECLARE pairs NO SCROLL CURSOR FOR
       SELECT coalesce(theirs.kind, ours.kind) AS kind, coalesce(theirs.key, ours.key) AS key,
         row_to_json(ours) AS ours, row_to_json(theirs) AS theirs
       FROM (${OURS}) AS ours
       FULL JOIN their_entries AS theirs ON theirs.kind = ours.kind AND theirs.key = ours.key
       WHERE theirs.key IS NOT NULL OR (ours.is_expected AND ours.created_at >= $2)
       ORDER BY kind, key`,
      [provider, since],
    );
    for (;;) {
      const { rows } = await this.#client.query(`FETCH ${PAGE} FROM pairs`);
      for (const row of rows) yield pair.parse(row);
      if (rows.length < PAGE) break;
    }
    await this.#client.query('COMMIT');
  }

  /** Orders that were paid a while ago, at or after `since`, and that order-service hasn't reported to be confirmed. */
  async unconfirmedOrders(since: Date): Promise<UnconfirmedOrder[]> {
    const { rows } = await this.#client.query(
      `SELECT payable_orders.id AS "orderId", payments.id AS "paymentId", paid_at AS "paidAt",
         payments.status AS "paymentStatus", payments.amount, payments.currency,
         payments.currency_decimals AS "currencyDecimals"
       FROM payable_orders JOIN payments ON order_id = payable_orders.id
       WHERE payable_orders.status = 'pending' AND payments.status IN ('success', 'partially_refunded')
         AND paid_at >= $1 AND paid_at < now() - $2 * interval '1 millisecond'
       ORDER BY paid_at LIMIT ${PAGE}`,
      [since, CONFIRMING_TIME],
    );
    return rows.map((one) => unconfirmedOrder.parse(one));
  }

  /** Records what differs. */
  async record(drafts: readonly DiscrepancyDraft[]): Promise<void> {
    for (let start = 0; start < drafts.length; start += RECORDED_TOGETHER) {
      const { text, values } = recordDiscrepancies(drafts.slice(start, start + RECORDED_TOGETHER));
      await this.#client.query(text, values);
    }
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}
