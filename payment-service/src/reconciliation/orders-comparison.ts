import type { Client } from 'pg';
import { z } from 'zod';
import type { DiscrepancyDraft } from '../discrepancies/discrepancy.js';
import { moneyText } from '../discrepancies/money-text.js';
import { comparisonClient } from './comparison-client.js';

const PAGE = 1_000;
/** Milliseconds for which it is normal that the two differ: events wait while the broker is down. */
const TELLING_TIME = 10 * 60_000;

const orderRow = z.object({
  id: z.guid(),
  status: z.string(),
  amount: z.string(),
  currency: z.string(),
  decimals: z.int(),
});
type OrderRow = z.infer<typeof orderRow>;
const difference = z.object({ ours: orderRow.nullable(), theirs: orderRow });

/** An order that the two services describe differently; `ours` is null where payment-service doesn't know it. */
export interface OrderDifference {
  readonly orderId: string;
  readonly ours: string | null;
  readonly theirs: string;
}

const show = ({ status, decimals, amount, currency }: OrderRow): string =>
  `${moneyText({ amount: BigInt(amount), currency }, decimals)} ${status}`;

/**
 * Order-service's own orders beside what payment-service believes of them: what differs long after an order's last change
 * is an event that was lost. A tool of the operators' alone, who have both databases; the services meet over events.
 */
export class OrdersComparison {
  readonly #orders: Client;
  readonly #payments: Client;

  constructor({ orderDatabaseUrl, paymentDatabaseUrl }: { orderDatabaseUrl: string; paymentDatabaseUrl: string }) {
    this.#orders = comparisonClient(orderDatabaseUrl);
    this.#payments = comparisonClient(paymentDatabaseUrl);
  }

  /** Compares what was placed at or after `since` and has not changed for a while. Answers how many orders that were. */
  async run({
    since,
    onDifference,
  }: {
    since: Date;
    onDifference: (difference: OrderDifference) => void;
  }): Promise<number> {
    await Promise.all([this.#orders.connect(), this.#payments.connect()]);
    try {
      let compared = 0;
      let last = '00000000-0000-0000-0000-000000000000';
      for (;;) {
        const { rows } = await this.#orders.query(
          `SELECT id, status, total_amount AS amount, currency, currency_decimals AS decimals FROM orders
           WHERE id > $1 AND created_at >= $2 AND updated_at < now() - $3 * interval '1 millisecond'
           ORDER BY id LIMIT ${PAGE}`,
          [last, since, TELLING_TIME],
        );
        const page = rows.map((row) => orderRow.parse(row));
        for (const one of await this.#differencesOf(page)) onDifference(one);
        compared += page.length;
        last = page.at(-1)?.id ?? last;
        if (page.length < PAGE) return compared;
      }
    } finally {
      await Promise.all([this.#orders.end(), this.#payments.end()]);
    }
  }

  async #differencesOf(page: readonly OrderRow[]): Promise<OrderDifference[]> {
    const { rows } = await this.#payments.query(
      `SELECT row_to_json(ours) AS ours, row_to_json(theirs) AS theirs
       FROM json_to_recordset($1::json) AS theirs (id uuid, status text, amount text, currency text, decimals integer)
       LEFT JOIN (
         SELECT id, status::text, amount::text, currency, currency_decimals AS decimals FROM payable_orders
       ) AS ours USING (id)
       WHERE (ours.status, ours.amount, ours.currency, ours.decimals)
         IS DISTINCT FROM (theirs.status, theirs.amount, theirs.currency, theirs.decimals)`,
      [JSON.stringify(page)],
    );
    return rows.map((row) => {
      const { ours, theirs } = difference.parse(row);
      return { orderId: theirs.id, ours: ours && show(ours), theirs: show(theirs) };
    });
  }
}

/** What is recorded of it. */
export const orderDiffers = ({ orderId, ours, theirs }: OrderDifference): DiscrepancyDraft => ({
  kind: 'order_differs',
  provider: null,
  orderId,
  details: { ours, theirs },
});
