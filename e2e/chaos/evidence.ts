// All that the databases say of an order.
import pg from 'pg';
import type { ChaosSystem } from './system.ts';

export async function evidenceOf(system: ChaosSystem, orderId: string): Promise<string> {
  const ofOrder = {
    order: {
      orders: 'SELECT * FROM orders WHERE id = $1',
      order_status_history: 'SELECT * FROM order_status_history WHERE order_id = $1 ORDER BY version',
      outbox:
        'SELECT position, id, type, sequence, time, published_at FROM outbox WHERE subject = $1::text ORDER BY position',
    },
    payment: {
      payable_orders: 'SELECT * FROM payable_orders WHERE id = $1',
      payments: 'SELECT * FROM payments WHERE order_id = $1 ORDER BY created_at',
      refunds: `SELECT refunds.* FROM refunds JOIN payments ON payments.id = payment_id WHERE order_id = $1`,
      outbox: `SELECT position, outbox.id, type, sequence, time, published_at, data ->> 'status' AS status FROM outbox
        JOIN payments ON payments.id::text = subject WHERE order_id = $1 ORDER BY position`,
      charges: `SELECT charges.* FROM simulated_provider.charges JOIN payments ON payments.id::text = key WHERE order_id = $1`,
      'refunds at the provider': `SELECT there.* FROM simulated_provider.refunds AS there
        JOIN payments ON payments.transaction_id = charge_transaction_id WHERE order_id = $1`,
    },
  } as const;
  const parts: string[] = [`ORDER ${orderId}`];
  const eventIds: string[] = [];
  for (const [database, statements] of Object.entries(ofOrder)) {
    for (const [table, statement] of Object.entries(statements)) {
      const rows = await system.query<pg.QueryResultRow>(database as keyof typeof ofOrder, statement, [orderId]);
      if (table === 'outbox') eventIds.push(...rows.map((row) => String(row.id)));
      parts.push(`${database}: ${table}`, ...rows.map((row) => `  ${JSON.stringify(row)}`));
    }
  }
  for (const database of ['order', 'payment'] as const) {
    const rows = await system.query(database, 'SELECT * FROM inbox WHERE event_id = ANY($1::uuid[])', [eventIds]);
    parts.push(`${database}: inbox`, ...rows.map((row) => `  ${JSON.stringify(row)}`));
  }
  return parts.join('\n');
}
