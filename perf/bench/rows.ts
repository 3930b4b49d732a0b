// Data of a realistic size, written by the databases themselves.
import type pg from 'pg';

export const ordersOfAnAccount = 50;
const strangers = 50_000;

/** Ids of the orders and payments of an account that were written. */
export interface Owned {
  orderIds: string[];
  paymentIds: string[];
}

/** A UUID as the services make them, of version 4: the gateway refuses an answer with any other. */
const idOf = (text: string): string => `overlay(overlay(md5(${text}) placing '4' from 13) placing '8' from 17)::uuid`;
const owner = `CASE WHEN n <= array_length($1::uuid[], 1) * ${ordersOfAnAccount}
  THEN ($1::uuid[])[1 + (n - 1) / ${ordersOfAnAccount}] ELSE ${idOf("'user' || n / 10")} END`;
const numbers = `generate_series(1, array_length($1::uuid[], 1) * ${ordersOfAnAccount} + ${strangers}) AS n`;
const [orderId, at] = [idOf("'order' || n"), `now() - interval '1 hour' - n * interval '1 second'`];

const orderRows = [
  `INSERT INTO orders (id, user_id, status, total_amount, currency, currency_decimals, shipping_address, payable_until,
                       version, created_at, updated_at, bytes)
   SELECT ${orderId}, ${owner}, 'confirmed', 104997, 'USD', 2, '123 Main St, City, Country', ${at} + interval '30 minutes', 2, ${at}, ${at}, 920
   FROM ${numbers}`,
  `INSERT INTO order_items (id, order_id, position, product_id, product_name, quantity, unit_price)
   SELECT gen_random_uuid(), ${orderId}, position, 'prod-' || position, 'A product of some name', 1, 52498
   FROM ${numbers}, generate_series(0, 1) AS position`,
  `INSERT INTO order_status_history (order_id, version, status, at)
   SELECT ${orderId}, version, status::order_status, ${at}
   FROM ${numbers}, (VALUES (1, 'pending'), (2, 'confirmed')) AS changes (version, status)`,
];
const userRows = [
  `INSERT INTO users (id, email, password_hash, first_name, last_name, role, is_active, created_at, updated_at)
   SELECT ${idOf("'user' || n")}, 'stranger-' || n || '@example.com', '$2b$10$' || repeat('.', 53), 'A', 'Stranger', 'user', true,
          ${at}, ${at} FROM ${numbers}`,
  `INSERT INTO sessions (id, user_id, created_at, expires_at)
   SELECT ${idOf("'session' || n")}, ${idOf("'user' || n")}, ${at}, ${at} + interval '90 days' FROM ${numbers}`,
  `INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at)
   SELECT sha256(('token' || n)::bytea), ${idOf("'session' || n")}, ${at}, ${at} + interval '30 days' FROM ${numbers}`,
];
const paymentRows = [
  `INSERT INTO payable_orders (id, user_id, amount, currency, currency_decimals, status, payable_until)
   SELECT ${orderId}, ${owner}, 104997, 'USD', 2, 'confirmed', ${at} FROM ${numbers}`,
  `INSERT INTO payments (id, order_id, user_id, amount, currency, currency_decimals, status, method, transaction_id, provider,
                         paid_at, version, created_at, updated_at)
   SELECT ${idOf("'payment' || n")}, ${orderId}, ${owner}, 104997, 'USD', 2, 'success', 'card', 'ch_' || n, 'simulated',
          ${at}, 3, ${at}, ${at} FROM ${numbers}`,
];

/** Writes users with a login each, and orders and payments, paid long ago, of these accounts and of many strangers. */
export async function fill(databases: Record<'user' | 'order' | 'payment', pg.Pool>, userIds: string[]): Promise<void> {
  const fillOne = async (database: pg.Pool, statements: string[]): Promise<void> => {
    const client = await database.connect();
    try {
      await client.query('SET session_replication_role = replica');
      for (const statement of statements) await client.query(statement, [userIds]);
      await client.query('VACUUM (ANALYZE)');
    } finally {
      client.release(true); // it writes without triggers
    }
  };
  await Promise.all([
    fillOne(databases.user, userRows),
    fillOne(databases.order, orderRows),
    fillOne(databases.payment, paymentRows),
  ]);
}

export async function ownedBy(databases: { order: pg.Pool; payment: pg.Pool }, userId: string): Promise<Owned> {
  const ids = async (database: pg.Pool, table: string): Promise<string[]> => {
    const { rows } = await database.query<{ id: string }>(`SELECT id FROM ${table} WHERE user_id = $1`, [userId]);
    return rows.map(({ id }) => id);
  };
  const [orderIds, paymentIds] = await Promise.all([
    ids(databases.order, 'orders'),
    ids(databases.payment, 'payments'),
  ]);
  return { orderIds, paymentIds };
}
