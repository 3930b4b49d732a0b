import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as newId } from 'uuid';
import { AtomicStore, createDatabaseAdapter } from '@shop/common/database';
import { createTestDatabase, createTestPool, rowsRead, tablesOnDefaults } from '@shop/testing';
import { createDatabase } from './database.js';
import { orderCreated } from './orders/order.events.js';
import { placeOrder } from './orders/order.js';
import { OrderRepository } from './orders/order.repository.js';

const ORDERS = 20_000;
const PAGE = { limit: 20, offset: 0, after: undefined };
/** An order, its item and its history, by their tables and their indexes; and one order more, which says that there is more. */
const MOST_READ = 21 * 8;

let shop: Awaited<ReturnType<typeof createTestDatabase>>;
let database: ReturnType<typeof createDatabase>;
let pool: ReturnType<typeof createTestPool>;
let orders: OrderRepository;
const owner = newId();
const how = { detailed: false, admit: () => Promise.resolve() };
const query = async <Row extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
  (await pool.query<Row>(text, values)).rows;

/** Writes orders of one item each, past the triggers that compare an order with its items. */
async function fill(prefix: string, count: number, { status, userId, at }: Record<'status' | 'userId' | 'at', string>) {
  const filling = await pool.connect();
  await filling.query(`
    SET session_replication_role = replica;
    INSERT INTO orders (id, user_id, status, total_amount, currency, currency_decimals, shipping_address, payable_until, created_at, updated_at, bytes)
    SELECT md5('${prefix}' || n)::uuid, ${userId}, '${status}', 100, 'USD', 2,
      '1 Main Street', at + interval '1 hour', at, at, 800
    FROM generate_series(1, ${count}) AS n, LATERAL (SELECT ${at} AS at) AS time;
    INSERT INTO order_items (id, order_id, position, product_id, product_name, quantity, unit_price)
    SELECT gen_random_uuid(), md5('${prefix}' || n)::uuid, 0, 'p', 'A book', 1, 100 FROM generate_series(1, ${count}) AS n;
    INSERT INTO order_status_history (order_id, version, status, at)
    SELECT md5('${prefix}' || n)::uuid, 1, 'pending', now() FROM generate_series(1, ${count}) AS n;`);
  filling.release(true);
}

beforeAll(async () => {
  shop = await createTestDatabase({ serviceDirectory: path.join(import.meta.dirname, '..') });
  database = createDatabase(createDatabaseAdapter({ url: shop.url, poolSize: 1, applicationName: 'test' }));
  pool = createTestPool(shop.url);
  orders = new OrderRepository({
    database,
    store: new AtomicStore({ client: database, onCommit: () => undefined }),
    unpaidLimit: { orders: 10_000, bytes: 10_000_000, window: 30_000 },
  });
  await fill('order', ORDERS, {
    status: 'delivered',
    userId: `CASE WHEN n % 4 = 0 THEN '${owner}'::uuid ELSE md5('user' || n / 10)::uuid END`,
    at: `now() - n * interval '1 minute'`,
  });
  await pool.query('VACUUM (ANALYZE)');
});
afterAll(async () => {
  await Promise.all([database.$disconnect(), pool.end()]);
  await shop.drop();
});

describe('in a shop that has grown', () => {
  it.each([
    ["a page of a user's orders", () => orders.list({ userId: owner }, { ...PAGE, countUpTo: 0 }, how)],
    ['a page of all orders', () => orders.list({}, { ...PAGE, countUpTo: 0 }, how)],
    ['a page of a status', () => orders.list({ status: 'delivered' }, { ...PAGE, countUpTo: 0 }, how)],
    [
      'a page far from the first, by its cursor',
      () =>
        orders.list(
          { userId: owner },
          { ...PAGE, countUpTo: 0, after: { createdAt: new Date(Date.now() - 15_000 * 60_000), id: newId() } },
          how,
        ),
    ],
  ])('%s -> no more is read than is shown', async (_, list) => {
    let shown = 0;
    const read = await rowsRead(database, query, async () => {
      shown = (await list()).count;
    });
    expect(shown).toBe(PAGE.limit + 1);
    expect(read).toBeLessThanOrEqual(MOST_READ);
  });

  it('a total -> counted no further than was asked for', async () => {
    const read = await rowsRead(database, query, () => orders.list({}, { ...PAGE, countUpTo: 1_000 }, how));
    expect(read).toBeLessThanOrEqual(1_000 + MOST_READ);
  });

  it('others place orders, more than were ever unpaid before -> a new order reads none of them', async () => {
    const place = () => {
      const order = placeOrder(
        {
          currency: 'USD',
          shippingAddress: '1 Main Street',
          notes: null,
          items: [{ productId: 'p', productName: 'A book', quantity: 1, unitPrice: 1 }],
        },
        { userId: owner, now: new Date(), newId, paymentWindow: 3_600_000 },
      );
      return orders.insert(order, orderCreated(order));
    };
    for (let placed = 0; placed < 10; placed++) await place(); // its plans are made
    await fill('unpaid', 2_000, { status: 'pending', userId: 'gen_random_uuid()', at: 'now()' });
    expect(await rowsRead(database, query, place)).toBeLessThanOrEqual(MOST_READ);
  });
});

it('every table that grows or changes -> is vacuumed and analyzed long before a fifth of it has changed', async () => {
  expect(await tablesOnDefaults(query)).toEqual(['_prisma_migrations']);
});
