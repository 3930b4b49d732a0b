import { spawn } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as newId } from 'uuid';
import { createDatabaseAdapter } from '@shop/common/database';
import { createTestDatabase, createTestPool, eventually } from '@shop/testing';
import type { DiscrepancyDraft } from '../discrepancies/discrepancy.js';
import type { ProviderLedger } from '../providers/payment-provider.js';
import { SimulatedLedger } from '../providers/simulated/simulated-ledger.js';
import { createDatabase } from '../database.js';
import { LedgerComparison } from './ledger-comparison.js';
import { ComparisonTurns } from './comparison-turns.repository.js';
import { placeOrder, placePaidOrder } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

let test: TestService;
let alice: TestCaller;

beforeAll(async () => {
  test = await startTestService({ simulated: { webhookUrl: 'http://127.0.0.1:1/' } });
});
afterAll(() => test.stop());
beforeEach(() => {
  alice = test.caller();
});

/** Runs the program as `make reconcile` does. */
const reconcile = (args: string[] = [], environment: Record<string, string> = {}) =>
  new Promise<{ code: number | null; out: string[]; err: string }>((resolve, reject) => {
    const program = path.join(import.meta.dirname, '../reconcile.ts');
    const child = spawn('node', ['--conditions=source', '--import', 'tsx', program, ...args], {
      cwd: path.join(import.meta.dirname, '../..'),
      env: {
        PATH: process.env.PATH,
        PAYMENT_DATABASE_URL: test.config.databaseUrl,
        SIMULATED_PROVIDER_DATABASE_URL: test.config.simulated.databaseUrl,
        SIMULATED_WEBHOOK_SECRETS: `whsec_${test.config.simulated.webhookSecrets[0].toString('base64')}`,
        ...environment,
      },
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out: out.split('\n').filter((line) => line !== ''), err }));
  });

const ledger = (statement: string, values: unknown[]) => test.query(statement, values);

describe('reconcile', () => {
  it('the ledgers agree, over many pages -> says so and ends with 0', async () => {
    const admin = test.caller('admin');
    const paid = await Promise.all(Array.from({ length: 4 }, () => placePaidOrder(test, alice)));
    await admin.post(`/${paid[0]!.payment.id}/refund`, { amount: 10 }).expect(200);
    await admin.post(`/${paid[1]!.payment.id}/refund`, {}).expect(200);
    const { payment: failed } = await placeOrder(test, alice);
    await alice.post(`/${failed.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);
    const { payment: open } = await placeOrder(test, alice);
    await alice.post(`/${open.id}/process`, { token: 'tok_error' }).expect(202);
    // However long the program takes to start, this is still young then.
    await test.query("UPDATE payments SET updated_at = now() + interval '1 minute' WHERE id = $1", [open.id]);
    // What the provider declined to others is no money of ours, and fills some pages.
    await ledger(
      `INSERT INTO simulated_provider.charges (key, transaction_id, amount, currency, decline_reason)
       SELECT 'other_' || n, 'ch_other_' || n, 100, 'USD', 'card_declined' FROM generate_series(1, 250) AS n`,
      [],
    );
    expect(await reconcile()).toEqual({
      code: 0,
      out: ['256 charges and 2 refunds compared: no difference, 1 still being settled'],
      err: '',
    });
  });

  it('they differ -> one line for each difference, a summary, and it ends with 1', async () => {
    const placed = await Promise.all(Array.from({ length: 4 }, () => placePaidOrder(test, alice)));
    const [gone, cheaper, renamed, refunded] = placed.map(({ payment }) => payment.id) as [
      string,
      string,
      string,
      string,
    ];
    await ledger('DELETE FROM simulated_provider.charges WHERE key = $1', [gone]);
    await ledger('UPDATE simulated_provider.charges SET amount = 4400 WHERE key = $1', [cheaper]);
    await ledger("UPDATE simulated_provider.charges SET transaction_id = 'ch_renamed' WHERE key = $1", [renamed]);
    await test.caller('admin').post(`/${refunded}/refund`, {}).expect(200);
    const [refund] = await test.query<{ id: string }>('SELECT id FROM refunds WHERE payment_id = $1', [refunded]);
    await ledger('DELETE FROM simulated_provider.refunds WHERE key = $1', [refund?.id]);
    const stranger = newId();
    await ledger(
      "INSERT INTO simulated_provider.charges (key, transaction_id, amount, currency) VALUES ($1, 'ch_stranger', 500, 'JPY')",
      [stranger],
    );
    const { payment: declined } = await placeOrder(test, alice);
    await alice.post(`/${declined.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);
    await ledger('UPDATE simulated_provider.charges SET decline_reason = NULL WHERE key = $1', [declined.id]);

    // Nobody gets to ask the provider about these two.
    const { payment: stuck } = await placeOrder(test, alice);
    await test.query(
      `UPDATE payments SET status = 'processing', provider = 'simulated', version = version + 1,
         updated_at = now() - interval '12 minutes', next_check_at = now() + interval '1 hour' WHERE id = $1`,
      [stuck.id],
    );
    const { payment: waiting } = await placePaidOrder(test, alice);
    const stuckRefund = newId();
    await test.query(
      `WITH reserved AS (
         UPDATE payments SET refund_reserved = amount, version = version + 1 WHERE id = $1 RETURNING id, amount
       )
       INSERT INTO refunds (id, payment_id, amount, status, next_attempt_at, created_at, updated_at)
       SELECT $2, id, amount, 'pending', now() + interval '1 hour', now() - interval '12 minutes',
         now() - interval '12 minutes' FROM reserved`,
      [waiting.id, stuckRefund],
    );

    const { code, out, err } = await reconcile();
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out[0]).toMatch(/^DIFFERENCE +KIND +ID +OUR BOOKS +PROVIDER$/);
    expect(out.at(-1)).toMatch(/^\d+ charges and \d+ refunds compared: 8 differences/);
    const found = out.slice(1, -1).map((line) => line.split(/ {2,}/).slice(0, 3).join(' | '));
    expect(new Set(found)).toEqual(
      new Set([
        `missing there | charge | ${gone}`,
        `amount | charge | ${cheaper}`,
        `transaction | charge | ${renamed}`,
        `missing there | refund | ${refund?.id}`,
        `missing here | charge | ${stranger}`,
        `status | charge | ${declined.id}`,
        `status | charge | ${stuck.id}`,
        `status | refund | ${stuckRefund}`,
      ]),
    );
    expect(out.join('\n')).toContain('500 JPY succeeded (ch_stranger)');
  });

  it('since a time -> what is older is left out', async () => {
    const tomorrow = new Date(Date.now() + 24 * 60 * 60_000).toISOString();
    expect(await reconcile(['--since', tomorrow])).toMatchObject({
      code: 0,
      out: ['0 charges and 0 refunds compared: no difference'],
    });
  });

  it('it can not be done -> one line that says why, and it ends with 2', async () => {
    expect(await reconcile(['--since', 'yesterday'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--since must be/),
    });
    expect(await reconcile([], { PAYMENT_DATABASE_URL: '' })).toEqual({
      code: 2,
      out: [],
      err: 'settings: PAYMENT_DATABASE_URL is missing\n',
    });
    expect(await reconcile([], { PAYMENT_DATABASE_URL: 'postgresql://127.0.0.1:1/none' })).toMatchObject({
      code: 2,
      out: [],
      err: expect.stringMatching(/^not compared: .*\n$/),
    });
  });

  it('a paid order is not confirmed long after -> a line of its own, and it ends with 1', async () => {
    const { order, payment } = await placePaidOrder(test, alice);
    await test.query(`UPDATE payments SET paid_at = now() - interval '11 minutes' WHERE id = $1`, [payment.id]);
    const { code, out } = await reconcile();
    expect(code).toBe(1);
    expect(out.at(-1)).toMatch(new RegExp(`^not confirmed +order +${order.id} +44.98 USD success +order pending$`));
    expect(await discrepanciesOf(payment.id)).toMatchObject([{ kind: 'order_not_confirmed', orderId: order.id }]);
    await test.query(`UPDATE payable_orders SET status = 'confirmed' WHERE id = $1`, [order.id]);
  });
});

describe('reconcile, with order-service’s own orders', () => {
  it('an event of an order was lost -> one line for the order, a summary, and it ends with 1', async () => {
    const orders = await createTestDatabase({
      serviceDirectory: path.join(import.meta.dirname, '../../../order-service'),
    });
    const pool = createTestPool(orders.url);
    const placed = await Promise.all([placeOrder(test, alice), placeOrder(test, alice), placeOrder(test, alice)]);
    const insert = (id: string, age: string) =>
      pool.query(
        `WITH placed AS (
           INSERT INTO orders (id, user_id, status, total_amount, currency, currency_decimals, shipping_address, payable_until,
             created_at, updated_at)
           VALUES ($1, gen_random_uuid(), 'pending', 4498, 'USD', 2, 'x', now() + interval '1 day', now() - $2::interval,
             now() - $2::interval) RETURNING *
         ), item AS (
           INSERT INTO order_items (id, order_id, position, product_id, product_name, quantity, unit_price)
           SELECT gen_random_uuid(), id, 0, 'book', 'A book', 1, total_amount FROM placed
         )
         INSERT INTO order_status_history (order_id, version, status, at) SELECT id, version, status, created_at FROM placed`,
        [id, age],
      );
    const [same, changed, recent] = placed.map(({ order }) => order.id) as [string, string, string];
    const unknown = newId();
    for (const id of [same, changed, unknown]) await insert(id, '11 minutes');
    await insert(recent, '1 minute');
    for (const id of [changed, recent])
      await test.query(`UPDATE payable_orders SET status = 'cancelled' WHERE id = $1`, [id]);
    const { code, out } = await reconcile([], { ORDER_DATABASE_URL: orders.url });
    expect(code).toBe(1);
    expect(out.at(-1)).toBe('3 orders compared: 2 differences');
    const lines = out.filter((line) => line.startsWith('order '));
    expect(lines).toHaveLength(2);
    expect(lines.find((line) => line.includes(changed))).toMatch(/44.98 USD cancelled +44.98 USD pending$/);
    expect(lines.find((line) => line.includes(unknown))).toMatch(/- +44.98 USD pending$/);
    const { body } = await test.caller('admin').get(`/discrepancies?orderId=${changed}`).expect(200);
    expect(body.data).toMatchObject([{ kind: 'order_differs', details: { ours: '44.98 USD cancelled' } }]);
    await pool.end();
    await orders.drop();
  });
});

const discrepanciesOf = async (paymentId: string) =>
  (await test.caller('admin').get(`/discrepancies?paymentId=${paymentId}`).expect(200)).body.data;

describe('the comparison of several providers', () => {
  it('one of them can not be asked -> what the others and the orders differ in is recorded, and then it fails', async () => {
    const { databaseUrl } = test.config;
    const { order, payment } = await placePaidOrder(test, alice);
    await test.query(`UPDATE payments SET paid_at = now() - interval '11 minutes' WHERE id = $1`, [payment.id]);
    await ledger('UPDATE simulated_provider.charges SET amount = 4400 WHERE key = $1', [payment.id]);
    const away: ProviderLedger = {
      listCharges: () => Promise.reject(new Error('nobody is there')),
      listRefunds: () => Promise.reject(new Error('nobody is there')),
    };
    const simulated = new SimulatedLedger({
      url: test.config.simulated.databaseUrl,
      connectTimeout: 5_000,
      newId,
      onConnectionLost: () => undefined,
    });
    const ledgers = new Map([
      ['away', away],
      ['simulated', simulated],
    ]);
    const found: DiscrepancyDraft[] = [];
    const record = (drafts: readonly DiscrepancyDraft[]) => Promise.resolve(void found.push(...drafts));
    const comparison = new LedgerComparison({ databaseUrl, ledgers, providerTimeout: 5_000 });
    await expect(comparison.run({ since: new Date(0), record })).rejects.toThrow('nobody is there');
    expect(found.filter(({ orderId }) => orderId === order.id).map(({ kind }) => kind)).toEqual([
      'amount_differs',
      'order_not_confirmed',
    ]);
    await simulated.close();
    await ledger('UPDATE simulated_provider.charges SET amount = 4498 WHERE key = $1', [payment.id]);
    await test.query(`UPDATE payable_orders SET status = 'confirmed' WHERE id = $1`, [order.id]);
  });
});

describe('the comparison that the service makes by itself', () => {
  /** As if an hour had passed. */
  const makeDue = () => test.query(`UPDATE comparison_runs SET ended_at = ended_at - interval '1 hour'`);
  const runs = () => test.query<{ differences: number | null }>('SELECT differences FROM comparison_runs');

  it('the provider charged another amount -> a discrepancy, recorded once an hour by one of three processes', async () => {
    const { payment } = await placePaidOrder(test, alice);
    await ledger('UPDATE simulated_provider.charges SET amount = 4400 WHERE key = $1', [payment.id]);
    const others = await Promise.all([test.startAnother(), test.startAnother()]);
    await eventually(async () => expect((await runs()).length).toBeGreaterThanOrEqual(1));
    await eventually(async () => expect((await runs()).every((run) => run.differences !== null)).toBe(true));
    const before = (await runs()).length;
    await makeDue();
    await eventually(async () => expect(await discrepanciesOf(payment.id)).toHaveLength(1));
    expect(await discrepanciesOf(payment.id)).toMatchObject([
      {
        kind: 'amount_differs',
        provider: 'simulated',
        details: { ours: '44.98 USD', theirs: '44 USD' },
      },
    ]);
    await eventually(async () => expect((await runs()).every((run) => run.differences !== null)).toBe(true));
    expect(await runs()).toHaveLength(before + 1);
    await Promise.all(others.map((other) => other.stop()));
  });
});

it('a comparison fails -> it is made again after five minutes, not at once', async () => {
  const own = await createTestDatabase({ serviceDirectory: path.join(import.meta.dirname, '../..') });
  const database = createDatabase(createDatabaseAdapter({ url: own.url, poolSize: 1, applicationName: 'test' }));
  const turns = new ComparisonTurns({ database, url: own.url });
  let made = 0;
  const work = () => Promise.resolve(++made);
  await expect(turns.ifDue(() => Promise.reject(new Error('nobody is there')))).rejects.toThrow('nobody is there');
  await turns.ifDue(work);
  expect(made).toBe(0);
  await database.$executeRaw`UPDATE comparison_runs SET started_at = now() - interval '5 minutes'`;
  await turns.ifDue(work);
  await turns.ifDue(work);
  expect(made).toBe(1);
  await database.$disconnect();
  await own.drop();
});
