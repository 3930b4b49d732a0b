import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type pg from 'pg';
import { createTestPool, eventually } from '@shop/testing';
import { expectLedgerToBalance } from '../../test/ledger.js';
import { deliver, placeOrder, statusChangedEvent } from '../../test/order-builder.js';
import { startTestService, type TestService } from '../../test/test-service.js';

let test: TestService;
let pool: pg.Pool;

beforeAll(async () => {
  test = await startTestService();
  pool = createTestPool(test.config.databaseUrl);
});
afterAll(async () => {
  try {
    await expectLedgerToBalance(test);
  } finally {
    await pool.end();
    await test.stop();
  }
});

async function placeOrders(count: number) {
  const placed = Array.from({ length: count }, async () => {
    const caller = test.caller();
    return { caller, ...(await placeOrder(test, caller)) };
  });
  return Promise.all(placed);
}
type Placed = Awaited<ReturnType<typeof placeOrders>>[number];

const pay = ({ caller, payment }: Placed) =>
  caller
    .post(`/${payment.id}/process`, {})
    .set('X-Request-Id', `pays-${payment.id}`)
    .then((answer) => answer);
const eventsOf = (id: string) =>
  test.query<{ type: string }>('SELECT type FROM outbox WHERE subject = $1 ORDER BY position', [id]);
const requestsOf = (id: string) =>
  test.query<{ request_id: string }>('SELECT request_id FROM audit_trail WHERE subject_id = $1', [id]);
const statusOf = async (orderId: string) => {
  const rows = await test.query<{ status: string }>('SELECT status FROM payable_orders WHERE id = $1', [orderId]);
  return rows[0]?.status;
};

/** While the rows of a query are locked by somebody else. */
async function whileLocked(query: string, values: unknown[], work: () => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(`${query} FOR UPDATE`, values);
    await work();
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

async function expectPaidOnce({ payment }: Placed): Promise<void> {
  expect(await eventsOf(payment.id)).toEqual(
    ['created', 'processing', 'success'].map((type) => ({ type: `payment.${type}` })),
  );
  expect(await requestsOf(payment.id)).toEqual([{ request_id: `pays-${payment.id}` }]);
}

it('40 payments at once, one that the database refuses to begin -> the others are paid, each with its own events and audit entry', async () => {
  const placed = await placeOrders(40);
  const poisoned = placed[17]!;
  await test.query(
    `ALTER TABLE payments ADD CONSTRAINT poison CHECK (id <> '${poisoned.payment.id}' OR status = 'pending') NOT VALID`,
  );
  const answers = await Promise.all(placed.map(pay));
  await test.query('ALTER TABLE payments DROP CONSTRAINT poison');
  for (const [index, one] of placed.entries()) {
    if (one === poisoned) continue;
    expect(answers[index]).toMatchObject({ status: 200, body: { data: { id: one.payment.id, status: 'success' } } });
    await expectPaidOnce(one);
  }
  expect(answers[17]!.status).toBe(500);
  expect(await eventsOf(poisoned.payment.id)).toEqual([{ type: 'payment.created' }]);
  expect(await requestsOf(poisoned.payment.id)).toEqual([]);
});

it.each(['payments WHERE order_id', 'payable_orders WHERE id'])(
  'ten payments at once, one with its row of %s locked by somebody -> the others are paid meanwhile, that one afterwards',
  async (row) => {
    const [first, ...others] = await placeOrders(10);
    let answer = Promise.resolve<{ status: number }>({ status: 0 });
    await whileLocked(`SELECT FROM ${row} = $1`, [first!.order.id], async () => {
      answer = pay(first!);
      for (const { status } of await Promise.all(others.map(pay))) expect(status).toBe(200);
    });
    expect((await answer).status).toBe(200);
    for (const one of [first!, ...others]) await expectPaidOnce(one);
  },
);

it('ten requests at once for each of three payments -> one of each pays, the others are refused', async () => {
  const placed = await placeOrders(3);
  const statuses = await Promise.all(
    placed.map(async (one) => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => pay(one)));
      return answers.map(({ status }) => status).sort();
    }),
  );
  expect(statuses).toEqual(Array(3).fill([200, ...Array<number>(9).fill(409)]));
  for (const one of placed) await expectPaidOnce(one);
});

it('ten orders are confirmed at once, one of them locked by somebody -> the others are meanwhile, that one afterwards', async () => {
  const [first, ...others] = await placeOrders(10);
  const confirm = ({ order }: Placed) => deliver(test, statusChangedEvent(order, 'confirmed'));
  let confirmed = Promise.resolve();
  await whileLocked('SELECT FROM payable_orders WHERE id = $1', [first!.order.id], async () => {
    confirmed = confirm(first!);
    await Promise.all(others.map(confirm));
    for (const { order } of others) expect(await statusOf(order.id)).toBe('confirmed');
    expect(await statusOf(first!.order.id)).toBe('pending');
  });
  await confirmed;
  await eventually(async () => expect(await statusOf(first!.order.id)).toBe('confirmed'));
});
