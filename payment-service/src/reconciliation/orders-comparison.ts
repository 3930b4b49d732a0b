import { Client } from 'pg';
import { z } from 'zod';
import type { DiscrepancyDraft } from '../discrepancies/discrepancy.js';
import { moneyText } from '../discrepancies/money-text.js';

const PAGE = 1_000;
const CONNECT_TIMEOUT = 5_000;
const STATEMENT_TIMEOUT = 10 * 60_000;
/** Milliseconds for which it is normal that the two differ: events wait while the broker is down. */
const TELLING_TIME = 10 * 60_000;

const amount = z.string().transform(BigInt);
const orderRow = z.object({ id: z.guid(), status: z.string(), amount, currency: z.string(), decimals: z.int() });
type OrderRow = z.infer<typeof orderRow>;
const difference = z.object({
  id: z.guid(),
  status: z.string(),
  amount,
  currency: z.string(),
  decimals: z.int(),
  our_status: z.string().nullable(),
  our_amount: amount.nullable(),
  our_currency: z.string().nullable(),
  our_decimals: z.int().nullable(),
});

/** An order that the two services describe differently; `ours` is null where payment-service doesn't know it. */
export interface OrderDifference {
  readonly orderId: string;
  readonly ours: string | null;
  readonly theirs: string;
}

const show = ({ status, decimals, ...money }: Omit<OrderRow, 'id'>): string =>
  `${moneyText(money, decimals)} ${status}`;

/**
 * Order-service's own orders beside what payment-service believes of them: what differs long after an order's last change
 * is an event that was lost. A tool of the operators' alone, who have both databases; the services meet over events.
 */
export class OrdersComparison {
  readonly #orders: Client;
  readonly #payments: Client;

  constructor({ orderDatabaseUrl, paymentDatabaseUrl }: { orderDatabaseUrl: string; paymentDatabaseUrl: string }) {
    this.#orders = clientOf(orderDatabaseUrl);
    this.#payments = clientOf(paymentDatabaseUrl);
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
    const orders = page.map((order) => ({ ...order, amount: order.amount.toString() }));
    const { rows } = await this.#payments.query(
      `SELECT theirs.*, ours.status AS our_status, ours.amount AS our_amount, ours.currency AS our_currency,
         ours.currency_decimals AS our_decimals
       FROM json_to_recordset($1::json) AS theirs (id uuid, status text, amount bigint, currency text, decimals integer)
       LEFT JOIN payable_orders AS ours ON ours.id = theirs.id
       WHERE ours.id IS NULL OR ours.status::text <> theirs.status OR ours.amount <> theirs.amount
         OR ours.currency <> theirs.currency OR ours.currency_decimals <> theirs.decimals`,
      [JSON.stringify(orders)],
    );
    return rows.map((row) => {
      const { id, our_status: status, our_amount: minor, our_currency: currency, ...rest } = difference.parse(row);
      const { our_decimals: decimals, ...theirs } = rest;
      const isKnown = status !== null && minor !== null && currency !== null && decimals !== null;
      const ours = isKnown ? show({ status, amount: minor, currency, decimals }) : null;
      return { orderId: id, ours, theirs: show(theirs) };
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

function clientOf(connectionString: string): Client {
  const client = new Client({
    connectionString,
    application_name: 'reconcile',
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    statement_timeout: STATEMENT_TIMEOUT,
  });
  client.on('error', () => undefined); // a lost connection fails the next query, which says so
  return client;
}
