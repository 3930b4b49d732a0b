import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as newId } from 'uuid';
import { AtomicStore, AuditTrail, createDatabaseAdapter, IdempotencyKeys, EventRetention } from '@shop/common/database';
import { createTestDatabase, createTestPool, eventually, rowsRead, tablesOnDefaults } from '@shop/testing';
import { createDatabase } from './database.js';
import { ChargeRepository } from './payments/charge.repository.js';
import { OrderExpiryRepository } from './payments/order-expiry.repository.js';
import { RefundRepository } from './payments/refund.repository.js';
import { LedgerRepository } from './reconciliation/ledger.repository.js';
import { WebhookRepository } from './webhooks/webhook.repository.js';

/** Rows of each kind that are done with, and as many that wait for tomorrow. */
const ROWS = 5_000;
/** Orders that wait for tomorrow: so many that it pays to find a hundred of them by an index. */
const WAITING_ORDERS = 50_000;
/** What one due row may cost: a few looks into a few indexes. */
const FEW = 100;
const LIMIT = 10;

let shop: Awaited<ReturnType<typeof createTestDatabase>>;
let database: ReturnType<typeof createDatabase>;
let pool: ReturnType<typeof createTestPool>;
const query = async <Row extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
  (await pool.query<Row>(text, values)).rows;

/** What has been, and what waits for tomorrow; written without triggers. */
const HISTORY = `
  SET session_replication_role = replica;
  INSERT INTO payable_orders (id, user_id, amount, currency, currency_decimals, status, payable_until, expires_at)
  SELECT md5('order' || n)::uuid, gen_random_uuid(), 100, 'USD', 2,
    CASE WHEN n <= ${ROWS} THEN 'delivered' ELSE 'pending' END::order_status, now() + interval '1 day',
    CASE WHEN n > ${ROWS} THEN now() + interval '1 day' END
  FROM generate_series(1, ${ROWS + WAITING_ORDERS}) AS n;
  INSERT INTO payments (id, order_id, user_id, amount, currency, currency_decimals, status, method, transaction_id, provider,
    paid_at, next_check_at, created_at, updated_at)
  SELECT md5('payment' || n)::uuid, md5('order' || n)::uuid, gen_random_uuid(), 100, 'USD', 2,
    CASE WHEN n <= ${ROWS} THEN 'success' ELSE 'processing' END::payment_status, 'card', 'ch_' || n, 'simulated',
    CASE WHEN n <= ${ROWS} THEN now() END, CASE WHEN n > ${ROWS} THEN now() + interval '1 day' END,
    now() - interval '1 day', now() - interval '1 day'
  FROM generate_series(1, ${2 * ROWS}) AS n;
  INSERT INTO refunds (id, payment_id, amount, currency_decimals, status, transaction_id, next_attempt_at, created_at, updated_at)
  SELECT md5('refund' || n)::uuid, md5('payment' || n)::uuid, 1, 2,
    CASE WHEN n <= ${ROWS} THEN 'succeeded' ELSE 'pending' END::refund_status, CASE WHEN n <= ${ROWS} THEN 're_' || n END,
    CASE WHEN n <= ${ROWS} THEN now() - interval '1 day' ELSE now() + interval '1 day' END, now(), now()
  FROM generate_series(1, ${2 * ROWS}) AS n;
  INSERT INTO outbox (id, type, subject, sequence, time, data, published_at)
  SELECT gen_random_uuid(), 'payment.success', n, 1, now(), '{}', now() FROM generate_series(1, ${ROWS}) AS n;
  INSERT INTO inbox (event_id, type) SELECT gen_random_uuid(), 'order.created' FROM generate_series(1, ${ROWS});
  INSERT INTO idempotency_keys (user_id, key, fingerprint, attempt, lease_until)
  SELECT gen_random_uuid(), 'key', repeat('a', 64), gen_random_uuid(), now() FROM generate_series(1, ${ROWS});
  INSERT INTO handled_webhooks (provider, webhook_id, handled_at)
  SELECT 'simulated', n, now() FROM generate_series(1, ${ROWS}) AS n;
  INSERT INTO audit_trail (id, action, details)
  SELECT gen_random_uuid(), 'refund.failed', '{}' FROM generate_series(1, ${ROWS});`;

beforeAll(async () => {
  shop = await createTestDatabase({ serviceDirectory: path.join(import.meta.dirname, '..') });
  database = createDatabase(createDatabaseAdapter({ url: shop.url, poolSize: 1, applicationName: 'test' }));
  pool = createTestPool(shop.url);
  const filling = await pool.connect();
  await filling.query(HISTORY);
  filling.release(true);
  await pool.query('VACUUM (ANALYZE)');
});
afterAll(async () => {
  await Promise.all([database.$disconnect(), pool.end()]);
  await shop.drop();
});

const read = (work: () => Promise<unknown>): Promise<number> => rowsRead(database, query, work);
/** Makes one row of the table due. */
const makeDue = (table: string, set: string, where: string) =>
  query(`UPDATE ${table} SET ${set} WHERE ctid = (SELECT min(ctid) FROM ${table} WHERE ${where})`);
const YESTERDAY = `now() - interval '1 day'`;

describe('in a shop that has grown', () => {
  it('a row is read past all others where all are read -> it is counted', async () => {
    expect(await read(() => database.refund.count())).toBeGreaterThanOrEqual(2 * ROWS);
  });

  it('one order is due to expire -> it alone is looked at', async () => {
    await makeDue('payable_orders', `expires_at = ${YESTERDAY}`, `status = 'pending'`);
    const expiries = new OrderExpiryRepository({
      store: new AtomicStore({ client: database, onCommit: () => undefined }),
    });
    let looked = 0;
    const cost = await read(async () => {
      looked = await expiries.decideDue(LIMIT, () => ({ lookAgainAt: null }));
    });
    expect(looked).toBe(1);
    expect(cost).toBeLessThan(FEW);
  });

  it('one charge is due, thousands without an outcome are not -> it alone is looked at, and once', async () => {
    await makeDue('payments', `next_check_at = ${YESTERDAY}`, `status = 'processing'`);
    const charges = new ChargeRepository({ database });
    const [now, tomorrow] = [new Date(), new Date(Date.now() + 86_400_000)];
    const take = () => charges.takeDue({ now, sentBefore: now, leaseUntil: tomorrow, limit: LIMIT });
    let taken: readonly unknown[] = [];
    const cost = await read(async () => {
      taken = await take();
    });
    expect(taken).toHaveLength(1);
    expect(cost).toBeLessThan(FEW);
    expect(await take()).toEqual([]);
  });

  it('one refund is due -> it alone is looked at', async () => {
    await makeDue('refunds', `next_attempt_at = ${YESTERDAY}`, `status = 'pending'`);
    const refunds = new RefundRepository({ database });
    let taken: readonly unknown[] = [];
    const cost = await read(async () => {
      taken = await refunds.takeDue({ lease: 60_000, limit: LIMIT });
    });
    expect(taken).toHaveLength(1);
    expect(cost).toBeLessThan(FEW);
  });

  it('one order was paid a while ago and is not confirmed, thousands are just paid -> its payment alone is looked at', async () => {
    await query(
      `UPDATE payments SET status = 'success', paid_at = now() - interval '11 minutes' WHERE id = md5('payment' || $1)::uuid`,
      [String(ROWS + 1)],
    );
    const ledger = new LedgerRepository({ url: shop.url });
    await ledger.open();
    let found: readonly unknown[] = [];
    const cost = await read(async () => {
      found = await ledger.unconfirmedOrders(new Date(0));
      await ledger.close();
      // What a session has read is counted when it has ended at the latest.
      await eventually(async () =>
        expect(
          await query(
            `SELECT FROM pg_stat_activity WHERE application_name = 'reconcile' AND datname = current_database()`,
          ),
        ).toEqual([]),
      );
    });
    expect(found).toHaveLength(1);
    expect(cost).toBeLessThan(FEW);
  });

  it('one of each kind is past its time -> the removals look at it alone', async () => {
    await makeDue('outbox_published', `published_at = now() - interval '8 days'`, 'true');
    await makeDue('inbox', `handled_at = now() - interval '2 days'`, 'true');
    await makeDue('idempotency_keys', `created_at = now() - interval '2 days'`, 'true');
    await makeDue('handled_webhooks', `handled_at = now() - interval '8 days'`, 'true');
    const webhooks = new WebhookRepository({ database });
    const count = async () => {
      const tables = ['outbox', 'inbox', 'idempotency_keys', 'handled_webhooks'];
      const [row] = await query<{ rows: number }>(
        `SELECT (${tables.map((table) => `(SELECT count(*) FROM ${table})`).join(' + ')})::integer AS rows`,
      );
      return row?.rows ?? NaN;
    };
    const before = await count();
    const cost = await read(async () => {
      await new EventRetention({ client: database }).purge();
      await new IdempotencyKeys({ client: database, lease: 1, maxPerUser: 10_000 }).purge();
      await new AuditTrail({ client: database }).purge();
      await webhooks.forget({ before: new Date(Date.now() - 7 * 86_400_000), limit: 1_000 });
    });
    expect(cost).toBeLessThan(FEW);
    expect(await count()).toBe(before - 4);
  });
});

it('every table that grows or changes -> is vacuumed and analyzed long before a fifth of it has changed', async () => {
  expect(await tablesOnDefaults(query)).toEqual(['_prisma_migrations', 'comparison_runs']);
});

it('an answer is kept for its key, an order gets its status -> seldom an index is changed, where pages have room', async () => {
  const keys = new IdempotencyKeys({ client: database, lease: 60_000, maxPerUser: 10_000 });
  const hot = async (table: string) =>
    query<{ updates: number; hot: number }>(
      `SELECT n_tup_upd::integer AS updates, n_tup_hot_upd::integer AS hot FROM pg_stat_user_tables WHERE relname = $1`,
      [table],
    );
  const shareOf = async (table: string, work: () => Promise<unknown>): Promise<number> => {
    const [before] = await hot(table);
    await read(work);
    const [after] = await hot(table);
    if (before === undefined || after === undefined || after.updates === before.updates) throw new Error('no updates');
    return (after.hot - before.hot) / (after.updates - before.updates);
  };
  const answered = async () => {
    for (let n = 0; n < 300; n++) {
      const request = { userId: newId(), key: `key-${n}`, fingerprint: 'b'.repeat(64) };
      const claim = await keys.claim(request);
      if (claim.outcome !== 'held') throw new Error(claim.outcome);
      await keys.keep(claim.leasedKey, { status: 201, body: { data: 'x'.repeat(700) } });
    }
  };
  // An old snapshot, such as that of an autovacuum, keeps pages from having room for as long as it lasts.
  await eventually(async () => expect(await shareOf('idempotency_keys', answered)).toBeGreaterThan(0.9));
  const confirmed = async () => {
    for (let n = 1; n <= 300; n++) {
      await database.$executeRaw`UPDATE payable_orders SET status = 'confirmed' WHERE id = md5('order' || ${String(2 * ROWS - n)})::uuid`;
    }
  };
  await eventually(async () => expect(await shareOf('payable_orders', confirmed)).toBeGreaterThan(0.5));
});
