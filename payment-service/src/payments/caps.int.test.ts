import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { placeOrder } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

let test: TestService;

beforeAll(async () => {
  test = await startTestService({ paymentsPerOrder: 3, keysPerUser: 3 });
});
afterAll(() => test.stop());

const card = ({ id }: { id: string }) => ({ orderId: id, amount: 44.98, currency: 'USD', method: 'card' });
const decline = (caller: TestCaller, id: string) =>
  caller.post(`/${id}/process`, { token: 'tok_chargeDeclined' }).expect(402);
const rows = async (table: 'payments' | 'idempotency_keys', column: string, id: string): Promise<number> =>
  (await test.query(`SELECT FROM ${table} WHERE ${column} = $1`, [id])).length;

it('an order that has had its three payments -> 409, and no row more; another order is paid', async () => {
  const alice = test.caller();
  const { order, payment } = await placeOrder(test, alice);
  await decline(alice, payment.id);
  for (let further = 1; further < 3; further++) {
    const { body } = await alice.post('', card(order)).expect(201);
    await decline(alice, body.data.id);
  }
  const answers = await Promise.all([1, 2, 3].map(() => alice.post('', card(order))));
  for (const { status, body } of answers) {
    expect(status).toBe(409);
    expect(body.error).toEqual({ code: 'CONFLICT', message: 'Order has had too many payments: place another one' });
  }
  expect(await rows('payments', 'order_id', order.id)).toBe(3);

  const another = await placeOrder(test, alice);
  await alice.post(`/${another.payment.id}/process`, {}).expect(200);
});

it('ten keys at once, where three may be kept -> three are, and those go on; without one, and for others, all goes on', async () => {
  const alice = test.caller();
  const placed = await Promise.all(Array.from({ length: 10 }, () => placeOrder(test, alice)));
  const process = (index: number) =>
    alice.post(`/${placed[index]!.payment.id}/process`, {}).set('Idempotency-Key', `key-${index}`);
  const answers = await Promise.all(placed.map(async (_, index) => process(index)));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 200, ...Array<number>(7).fill(429)]);
  expect(await rows('idempotency_keys', 'user_id', alice.id)).toBe(3);

  const refused = statuses.indexOf(429);
  expect(answers[refused]!.body.error).toEqual({
    code: 'RATE_LIMITED',
    message: 'Too many idempotency keys: each is kept for 24 hours',
  });
  expect(Number(answers[refused]!.headers['retry-after'])).toBeGreaterThan(86_000);
  const again = await process(statuses.indexOf(200)).expect(200);
  expect(again.headers['idempotent-replayed']).toBe('true');
  await alice.post(`/${placed[refused]!.payment.id}/process`, {}).expect(200);

  const bob = test.caller();
  const { payment } = await placeOrder(test, bob);
  await bob.post(`/${payment.id}/process`, {}).set('Idempotency-Key', 'key-0').expect(200);
});
