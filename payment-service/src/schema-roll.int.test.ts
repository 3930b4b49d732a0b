import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { deployMigrations, migrationStatus, revertMigrations } from '@shop/common/database';
import { createTestDatabase, createTestPool, eventually } from '@shop/testing';
import { placeOrder, placePaidOrder } from '../test/order-builder.js';
import { startTestService } from '../test/test-service.js';
import { VersionBefore, type OldOrder } from '../test/version-before.js';

/** The last migration that the version before this one knew. */
const VERSION_BEFORE = '20261122142323_audit_trail';
const directory = path.join(import.meta.dirname, '..');
/** Orders that the old version deals with in each phase, at least. */
const SOME = 50;

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: ReturnType<typeof createTestPool>;
let old: VersionBefore;

beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: directory });
  pool = createTestPool(database.url);
  old = new VersionBefore(database.url);
});
afterAll(async () => {
  await old.stop();
  await pool.end();
  await database.drop();
});

const query = async <Row extends object>(text: string, values: unknown[] = []) =>
  (await pool.query<Row>(text, values)).rows;
const oldGoesOn = async () => {
  const before = old.orders.length;
  await eventually(() => {
    expect(old.failures).toEqual([]);
    expect(old.orders.length).toBeGreaterThan(before + SOME);
  });
};

it('the schema is migrated and the service replaced while the version before works on -> no statement fails, no write is lost, each reads what the other wrote', async () => {
  const options = { url: database.url, directory };
  const { applied } = await migrationStatus(options);
  const since = applied.slice(applied.indexOf(VERSION_BEFORE) + 1);
  expect(await revertMigrations(options, since.length)).toEqual(since.toReversed());

  await old.start();
  await oldGoesOn();
  expect(await deployMigrations(options)).toEqual(since);
  await oldGoesOn();

  const test = await startTestService({ databaseUrl: database.url });
  try {
    const ofNew = await placeOrder(test, test.caller());
    const paidByNew = await placePaidOrder(test, test.caller());
    const [kept, expiring, charged] = [
      await old.remember(),
      await old.remember({ payableFor: 2_000 }),
      await old.remember({ currency: 'JPY' }),
    ];
    const owner = ({ userId }: OldOrder) => test.caller('user', { id: userId });
    // Each goes on with what the other has begun.
    await owner(charged).post(`/${charged.paymentId}/process`, {}).expect(200);
    await old.charge({ ...ofNew.order, paymentId: ofNew.payment.id, currency: 'USD', status: 'pending' });
    await eventually(async () => {
      const { body } = await owner(expiring).get(`/${expiring.paymentId}`).expect(200);
      expect(body.data.status).toBe('cancelled');
    });
    await oldGoesOn();
    await old.stop();

    expect(old.failures).toEqual([]);
    for (const { order, payment } of [ofNew, paidByNew]) {
      const { body } = await test.caller('user', { id: order.userId }).get(`/${payment.id}`).expect(200);
      expect(body.data).toMatchObject({ status: 'success', amount: 44.98, currency: 'USD' });
    }
    const untouched = old.orders.filter((order) => ![expiring, charged].includes(order));
    expect(untouched).toContain(kept);
    const admin = test.caller('admin');
    for (let start = 0; start < untouched.length; start += 100) {
      const some = untouched.slice(start, start + 100);
      const { body } = await admin.get(`?ids=${some.map(({ paymentId }) => paymentId).join()}`).expect(200);
      const found = (body.data as { id: string; amount: number; status: string }[]).map(({ id, amount, status }) => ({
        id,
        amount,
        status,
      }));
      const written = some.map(({ paymentId, currency, status }) => ({
        id: paymentId,
        amount: currency === 'JPY' ? 4498 : 44.98,
        status,
      }));
      expect(new Set(found)).toEqual(new Set(written));
    }
    // Every order that nobody has paid will be looked at when its time is over.
    expect(
      await query(`SELECT payable_orders.id FROM payable_orders JOIN payments ON order_id = payable_orders.id
                   WHERE payments.status = 'pending' AND expires_at IS DISTINCT FROM payable_until`),
    ).toEqual([]);
    // The new version's relay has taken over. No event is missing, and none is there twice.
    await eventually(async () =>
      expect(await query('SELECT FROM outbox WHERE published_at IS NULL LIMIT 1')).toEqual([]),
    );
    expect(
      await query(`SELECT payments.id FROM payments LEFT JOIN outbox ON subject = payments.id::text
                   GROUP BY payments.id HAVING array_agg(sequence ORDER BY sequence) <> ARRAY(SELECT generate_series(1, version))`),
    ).toEqual([]);
  } finally {
    await test.stop();
  }
});

it('all migrations down and up again -> nothing is left over in between', async () => {
  const fresh = await createTestDatabase({ serviceDirectory: directory });
  const options = { url: fresh.url, directory };
  const names = (await migrationStatus(options)).applied;
  expect(await revertMigrations(options, names.length)).toEqual(names.toReversed());
  expect(await deployMigrations(options)).toEqual(names);
  await fresh.drop();
});
