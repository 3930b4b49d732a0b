// Rows as if a shop had run for years, written by PostgreSQL itself and without triggers, which would take most of the time.
import pg from 'pg';

/** Orders of one user, in both databases. */
export const ORDERS_OF_A_USER = 50;
const BATCH = 250_000;
/** What is kept for a day, of what was ever there. */
const KEPT_A_DAY = 5;

/** Kinds of ids. */
const [USER, ORDER, ITEM, PAYMENT, EVENT] = [1, 2, 3, 4, 5] as const;

/** An id by its number, which grows with it as those of the services do (UUID version 7). */
const idOf = (kind: number, number: string): string =>
  `('01900000-000${kind}-7000-8000-' || lpad(to_hex(${number}), 12, '0'))::uuid`;
/** As `idOf` says, for those who ask. */
export const idOfNumber = (kind: 'user' | 'order', number: number): string =>
  `01900000-000${kind === 'user' ? USER : ORDER}-7000-8000-${number.toString(16).padStart(12, '0')}`;

const N = 'WITH n AS (SELECT generate_series($1::integer, $2::integer) AS n)';
/** Spread over all that time, as customers come back. $3: how many users. */
const USER_ID = idOf(USER, '(n::bigint * 7919 % $3::integer)');
const AT = `now() - interval '2 hours' - ($4::integer - n) * interval '1 second'`;

const ORDERS = `
  ${N}, items AS (
    INSERT INTO order_items (id, order_id, position, product_id, product_name, quantity, unit_price)
    SELECT ${idOf(ITEM, 'n')}, ${idOf(ORDER, 'n')}, 0, 'product', 'A product', 1, 2248 FROM n
  ), history AS (
    INSERT INTO order_status_history (order_id, version, status, at) SELECT ${idOf(ORDER, 'n')}, 1, 'pending', ${AT} FROM n
  )
  INSERT INTO orders (id, user_id, status, total_amount, currency, currency_decimals, shipping_address, payable_until, version,
                      created_at, updated_at)
  SELECT ${idOf(ORDER, 'n')}, ${USER_ID}, 'delivered', 2248, 'USD', 2, '1 Main Street', ${AT} + interval '30 minutes', 5, ${AT}, ${AT}
  FROM n`;
const PAYMENTS = `
  ${N}, orders AS (
    INSERT INTO payable_orders (id, user_id, amount, currency, currency_decimals, status, payable_until)
    SELECT ${idOf(ORDER, 'n')}, ${USER_ID}, 2248, 'USD', 2, 'delivered', ${AT} + interval '30 minutes' FROM n
  )
  INSERT INTO payments (id, order_id, user_id, amount, currency, currency_decimals, status, method, transaction_id, provider,
                        paid_at, version, created_at, updated_at)
  SELECT ${idOf(PAYMENT, 'n')}, ${idOf(ORDER, 'n')}, ${USER_ID}, 2248, 'USD', 2, 'success', 'card', 'ch_' || n, 'simulated', ${AT}, 3,
         ${AT}, ${AT}
  FROM n`;
/** Both services': events that were published and handled, and answers kept for their keys. */
const EVENTS = `
  ${N}, published AS (
    INSERT INTO outbox_published (position, id, type, subject, sequence, time, data, published_at)
    SELECT nextval('outbox_position_seq'), ${idOf(EVENT, 'n')}, 'order.created', ${idOf(ORDER, 'n')}, 1, ${AT},
           jsonb_build_object('id', n),
           now() - interval '6 days' + n * interval '6 days' / $4::integer
    FROM n
  ), sequences AS (
    INSERT INTO applied_sequences (aggregate, sequence) SELECT 'past/' || ${idOf(ORDER, 'n')}, 3 FROM n
  ), handled AS (
    INSERT INTO inbox (event_id, type, handled_at)
    SELECT ${idOf(EVENT, 'n')}, 'order.created', now() - interval '20 hours' + n * interval '20 hours' / $4::integer
    FROM n WHERE n % ${KEPT_A_DAY} = 0
  )
  INSERT INTO idempotency_keys (user_id, key, fingerprint, attempt, lease_until, status, body, created_at)
  SELECT ${USER_ID}, n, repeat('a', 64), gen_random_uuid(), now(), 201, '{}',
         now() - interval '20 hours' + n * interval '20 hours' / $4::integer
  FROM n WHERE n % ${KEPT_A_DAY} = 0`;

/** What a table is filled with in the transaction that has emptied it needs no log where `wal_level` is minimal. */
const EVENT_TABLES = 'outbox_published, applied_sequences, inbox, idempotency_keys';
const EMPTY_ORDERS = `TRUNCATE orders, order_items, order_status_history, ${EVENT_TABLES}`;
const EMPTY_PAYMENTS = `TRUNCATE payable_orders, payments, refunds, ${EVENT_TABLES}`;

export interface FillOptions {
  orderDatabaseUrl: string;
  paymentDatabaseUrl: string;
  /** Orders, payments and, in each database, past events. */
  rows: number;
  /** Called after each part with how much is written, from 0 to 1. */
  onProgress: (done: number) => void;
}

/** Fills both databases, each over a connection of its own, and collects their statistics. */
export async function fill({ orderDatabaseUrl, paymentDatabaseUrl, rows, onProgress }: FillOptions): Promise<void> {
  const users = Math.ceil(rows / ORDERS_OF_A_USER);
  let done = 0;
  const fillOne = async (url: string, empty: string, statements: string[]): Promise<void> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await client.query('SET session_replication_role = replica; SET synchronous_commit = off');
      await client.query('BEGIN');
      await client.query(empty);
      for (let from = 1; from <= rows; from += BATCH) {
        const to = Math.min(rows, from + BATCH - 1);
        for (const statement of statements) await client.query(statement, [from, to, users, rows]);
        onProgress((done += to - from + 1) / (2 * rows));
      }
      await client.query('COMMIT');
      await client.query('VACUUM (ANALYZE)');
    } finally {
      await client.end();
    }
  };
  await Promise.all([
    fillOne(orderDatabaseUrl, EMPTY_ORDERS, [ORDERS, EVENTS]),
    fillOne(paymentDatabaseUrl, EMPTY_PAYMENTS, [PAYMENTS, EVENTS]),
  ]);
}
