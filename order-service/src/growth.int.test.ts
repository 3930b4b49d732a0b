import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as newId } from 'uuid';
import { AtomicStore, createDatabaseAdapter } from '@shop/common/database';
import { createTestDatabase, createTestPool, rowsRead, tablesOnDefaults } from '@shop/testing';
import { createDatabase } from './database.js';
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
const admit = () => Promise.resolve();
const query = async <Row extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
  (await pool.query<Row>(text, values)).rows;

beforeAll(async () => {
  shop = await createTestDatabase({ serviceDirectory: path.join(import.meta.dirname, '..') });
  database = createDatabase(createDatabaseAdapter({ url: shop.url, poolSize: 1, applicationName: 'test' }));
  pool = createTestPool(shop.url);
  orders = new OrderRepository({
    database,
    store: new AtomicStore({ client: database, onCommit: () => undefined }),
    unpaidLimit: { orders: 1, bytes: 1, window: 1 },
  });
  const filling = await pool.connect();
  await filling.query(`
    SET session_replication_role = replica;
    INSERT INTO orders (id, user_id, status, total_amount, currency, currency_decimals, shipping_address, payable_until, created_at, updated_at, bytes)
    SELECT md5('order' || n)::uuid, CASE WHEN n % 4 = 0 THEN '${owner}'::uuid ELSE gen_random_uuid() END, 'delivered', 100, 'USD', 2,
      '1 Main Street', at + interval '1 hour', at, at, 800
    FROM generate_series(1, ${ORDERS}) AS n, LATERAL (SELECT now() - n * interval '1 minute' AS at) AS time;
    INSERT INTO order_items (id, order_id, position, product_id, product_name, quantity, unit_price)
    SELECT gen_random_uuid(), md5('order' || n)::uuid, 0, 'p', 'A book', 1, 100 FROM generate_series(1, ${ORDERS}) AS n;
    INSERT INTO order_status_history (order_id, version, status, at)
    SELECT md5('order' || n)::uuid, 1, 'pending', now() FROM generate_series(1, ${ORDERS}) AS n;`);
  filling.release(true);
  await pool.query('VACUUM (ANALYZE)');
});
afterAll(async () => {
  await Promise.all([database.$disconnect(), pool.end()]);
  await shop.drop();
});

describe('in a shop that has grown', () => {
  it.each([
    ["a page of a user's orders", () => orders.list({ userId: owner }, { ...PAGE, countUpTo: 0 }, admit)],
    ['a page of all orders', () => orders.list({}, { ...PAGE, countUpTo: 0 }, admit)],
    ['a page of a status', () => orders.list({ status: 'delivered' }, { ...PAGE, countUpTo: 0 }, admit)],
    [
      'a page far from the first, by its cursor',
      () =>
        orders.list(
          { userId: owner },
          { ...PAGE, countUpTo: 0, after: { createdAt: new Date(Date.now() - 15_000 * 60_000), id: newId() } },
          admit,
        ),
    ],
  ])('%s -> no more is read than is shown', async (_, list) => {
    let shown = 0;
    const read = await rowsRead(database, query, async () => {
      shown = (await list()).rows.length;
    });
    expect(shown).toBe(PAGE.limit + 1);
    expect(read).toBeLessThanOrEqual(MOST_READ);
  });

  it('a total -> counted no further than was asked for', async () => {
    const read = await rowsRead(database, query, () => orders.list({}, { ...PAGE, countUpTo: 1_000 }, admit));
    expect(read).toBeLessThanOrEqual(1_000 + MOST_READ);
  });
});

it('every table that grows or changes -> is vacuumed and analyzed long before a fifth of it has changed', async () => {
  expect(await tablesOnDefaults(query)).toEqual(['_prisma_migrations']);
});
