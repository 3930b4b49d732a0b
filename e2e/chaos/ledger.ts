// What stands in the databases: ours, and the provider's ledger.
import { receivedEvents } from './received-events.ts';
import type { DatabaseName } from './plan.ts';
import type { ChaosSystem } from './system.ts';

export interface OrderRow {
  id: string;
  user_id: string;
  status: string;
  /** Why it has it, such as `expired`. */
  reason: string | null;
  version: number;
  marker: string | null;
  amount: string;
  currency: string;
  /** Its statuses, oldest first. */
  history: string[];
  /** The versions that they were reached with. */
  versions: number[];
}
export interface PaymentRow {
  id: string;
  order_id: string;
  amount: string;
  refunded_amount: string;
  currency: string;
  status: string;
  provider: string | null;
  transaction_id: string | null;
  version: number;
  marker: string | null;
  is_paid: boolean;
  /** What payment-service knows of the order. */
  order_status: string;
}
export interface RefundRow {
  id: string;
  payment_id: string;
  amount: string;
  status: string;
  reason: string | null;
  transaction_id: string | null;
}
export interface EventRow {
  id: string;
  type: string;
  subject: string;
  sequence: number;
  is_published: boolean;
  /** Whether another service's inbox must hold it. */
  is_received: boolean;
}
export interface LedgerRow {
  key: string;
  transaction_id: string;
  amount: string;
  currency: string;
  decline_reason: string | null;
}

export interface Ledger {
  users: { id: string; email: string }[];
  orders: OrderRow[];
  payments: PaymentRow[];
  refunds: RefundRow[];
  /** The outboxes, and the ids in the inboxes. */
  events: Record<DatabaseName, EventRow[]>;
  inboxes: Record<'order' | 'payment', Set<string>>;
  /** The providers'. */
  charges: LedgerRow[];
  chargeRefunds: (LedgerRow & { charge_transaction_id: string })[];
}

/** Reads everything that was made at `since` or later. */
export async function readLedger(system: ChaosSystem, since: Date): Promise<Ledger> {
  const query = <Row extends object>(database: DatabaseName, text: string, values: unknown[]) =>
    system.query<Row & Record<string, unknown>>(database, text, values);
  const events = (database: DatabaseName, received: string) =>
    query<EventRow>(
      database,
      `SELECT id, type, subject, sequence, published_at IS NOT NULL AS is_published, ${received} AS is_received
       FROM outbox WHERE time >= $1 ORDER BY position`,
      [since],
    );
  const inbox = async (database: 'order' | 'payment') =>
    new Set(
      (await query<{ event_id: string }>(database, 'SELECT event_id FROM inbox WHERE handled_at >= $1', [since])).map(
        ({ event_id }) => event_id,
      ),
    );
  const [users, orders, payments, refunds, charges, chargeRefunds] = await Promise.all([
    query<Ledger['users'][number]>('user', 'SELECT id, email FROM users WHERE created_at >= $1', [since]),
    query<OrderRow>(
      'order',
      `SELECT id, user_id, orders.status, status_reason AS reason, orders.version, notes AS marker, total_amount AS amount, currency,
         array_agg(history.status::text ORDER BY history.version) AS history,
         array_agg(history.version ORDER BY history.version) AS versions
       FROM orders JOIN order_status_history AS history ON order_id = id
       WHERE created_at >= $1 GROUP BY id ORDER BY id`,
      [since],
    ),
    query<PaymentRow>(
      'payment',
      `SELECT payments.id, order_id, payments.amount, refunded_amount, payments.currency, payments.status, provider,
         transaction_id, version, description AS marker, paid_at IS NOT NULL AS is_paid,
         payable_orders.status AS order_status
       FROM payments JOIN payable_orders ON payable_orders.id = order_id
       WHERE created_at >= $1 ORDER BY payments.id`,
      [since],
    ),
    query<RefundRow>(
      'payment',
      'SELECT id, payment_id, amount, status, reason, transaction_id FROM refunds WHERE created_at >= $1',
      [since],
    ),
    query<LedgerRow>(
      'payment',
      `SELECT key, transaction_id, amount, currency, decline_reason FROM simulated_provider.charges
       WHERE created_at >= $1`,
      [since],
    ),
    query<Ledger['chargeRefunds'][number]>(
      'payment',
      `SELECT key, transaction_id, charge_transaction_id, amount, currency, decline_reason
       FROM simulated_provider.refunds WHERE created_at >= $1`,
      [since],
    ),
  ]);
  const stripe = system.providers.ledger(since);
  return {
    users,
    orders,
    payments,
    refunds,
    charges: [...charges, ...stripe.charges],
    chargeRefunds: [...chargeRefunds, ...stripe.chargeRefunds],
    events: {
      user: await events('user', 'false'),
      order: await events('order', receivedEvents.order.condition),
      payment: await events('payment', receivedEvents.payment.condition),
    },
    inboxes: { order: await inbox('order'), payment: await inbox('payment') },
  };
}
