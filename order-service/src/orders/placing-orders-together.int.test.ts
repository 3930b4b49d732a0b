import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@shop/testing';
import { orderBody } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

let test: TestService;

beforeAll(async () => {
  test = await startTestService();
});
afterAll(() => test.stop());

const customers = (count: number): TestCaller[] => Array.from({ length: count }, () => test.caller());
const ordersOf = ({ id }: TestCaller) =>
  test.query<{ id: string; items: number; events: number }>(
    `SELECT id, (SELECT count(*)::integer FROM order_items WHERE order_id = orders.id) AS items,
            (SELECT count(*)::integer FROM outbox WHERE subject = orders.id::text) AS events
     FROM orders WHERE user_id = $1`,
    [id],
  );

it('40 customers at once, one with an order that the database refuses -> the others have theirs, each with its own items and event', async () => {
  await test.query("ALTER TABLE orders ADD CONSTRAINT poison CHECK (notes <> 'poison')");
  const all = customers(40);
  const answers = await Promise.all(
    all.map(async (customer, index) => {
      const trace = index.toString(16).padStart(32, 'a');
      const notes = index === 17 ? 'poison' : `of ${index}`;
      const answer = await customer.post(orderBody({ notes })).set('traceparent', `00-${trace}-${'b'.repeat(16)}-00`);
      return { customer, answer, trace, notes };
    }),
  );
  await test.query('ALTER TABLE orders DROP CONSTRAINT poison');
  for (const { customer, answer, trace, notes } of answers) {
    if (notes === 'poison') {
      expect(answer.status).toBe(500);
      expect(await ordersOf(customer)).toEqual([]);
      continue;
    }
    expect(answer.status).toBe(201);
    const { id } = answer.body.data as { id: string };
    expect(await ordersOf(customer)).toEqual([{ id, items: 2, events: 1 }]);
    const [event] = await test.query('SELECT traceparent, data FROM outbox WHERE subject = $1', [id]);
    expect(event).toMatchObject({ data: { notes, userId: customer.id } });
    expect(event!.traceparent).toContain(trace);
  }
});

it('connections are cut again and again while 200 customers place orders -> whoever got 201 has one, nobody has two', async () => {
  let isPlacing = true;
  const cut = async () => {
    while (isPlacing) {
      await test.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%INSERT INTO orders%'`,
      );
    }
  };
  const cutting = cut();
  const answers = await Promise.all(
    customers(200).map(async (customer) => ({ customer, answer: await customer.post(orderBody()) })),
  );
  isPlacing = false;
  await cutting;
  for (const { customer, answer } of answers) {
    const orders = await ordersOf(customer);
    if (answer.status === 201) expect(orders).toEqual([{ id: answer.body.data.id, items: 2, events: 1 }]);
    else expect(orders.length).toBeLessThanOrEqual(1);
  }
  await eventually(() => test.caller().post(orderBody()).expect(201));
});
