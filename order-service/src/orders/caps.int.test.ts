import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Response } from 'supertest';
import { largeOrderBody, orderBody } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

const HOUR = 3_600_000;
let test: TestService;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService({ unpaidLimit: { orders: 5, bytes: 1_000_000, window: HOUR }, keysPerUser: 3 });
  admin = test.caller('admin');
});
afterAll(() => test.stop());

const atOnce = (count: number, ask: (index: number) => PromiseLike<Response>): Promise<Response[]> =>
  Promise.all(Array.from({ length: count }, async (_, index) => ask(index)));
const statusesOf = (answers: Response[]): number[] => answers.map(({ status }) => status).sort((a, b) => a - b);
const rows = async (table: 'orders' | 'idempotency_keys', { id }: TestCaller): Promise<number> =>
  (await test.query(`SELECT FROM ${table} WHERE user_id = $1`, [id])).length;

it('20 orders at once, where 5 may wait for their payment -> 5 are placed, 429 says when to come again; others place theirs', async () => {
  const alice = test.caller();
  const answers = await atOnce(20, () => alice.post(orderBody()));
  expect(statusesOf(answers)).toEqual([...Array<number>(5).fill(201), ...Array<number>(15).fill(429)]);
  expect(await rows('orders', alice)).toBe(5);
  const refused = answers.find(({ status }) => status === 429)!;
  expect(refused.body.error).toEqual({
    code: 'RATE_LIMITED',
    message: 'Too many orders that are not paid: pay some of them, or place this one later',
  });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(3_500);
  expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(3_600);
  await test.caller().post(orderBody()).expect(201);
});

it('placing and cancelling -> counts on; paying makes room, and so does time', async () => {
  const alice = test.caller();
  const ids = (await atOnce(5, () => alice.post(orderBody()))).map(({ body }) => body.data.id as string);
  await alice.patch(`/${ids[0]}/status`, { status: 'cancelled' }).expect(200);
  await alice.post(orderBody()).expect(429);
  await admin.patch(`/${ids[1]}/status`, { status: 'confirmed' }).expect(200);
  await alice.post(orderBody()).expect(201);
  await alice.post(orderBody()).expect(429);
  await test.query("UPDATE orders SET created_at = created_at - interval '2 hours' WHERE id = $1", [ids[2]]);
  await alice.post(orderBody()).expect(201);
});

it('placed by a clock that is ahead -> 429 never says to wait longer than orders count', async () => {
  const alice = test.caller();
  await atOnce(5, () => alice.post(orderBody()));
  await test.query("UPDATE orders SET created_at = now() + interval '2 seconds' WHERE user_id = $1", [alice.id]);
  const refused = await alice.post(orderBody()).expect(429);
  expect(refused.headers['retry-after']).toBe('3600');
});

it('orders of 200 kB, where 1 MB may wait -> 4 are placed, at once or one by one; small ones still fit', async () => {
  const alice = test.caller();
  expect(statusesOf(await atOnce(5, () => alice.post(largeOrderBody())))).toEqual([201, 201, 201, 201, 429]);
  await alice.post(largeOrderBody()).expect(429);
  await alice.post(orderBody()).expect(201);
});

it('10 keys at once, where 3 may be kept -> 3 are; those go on, and what is refused leaves nothing', async () => {
  const alice = test.caller();
  const place = (key: string) => alice.post(orderBody()).set('Idempotency-Key', key);
  const answers = await atOnce(10, (index) => place(`key-${index}`));
  expect(statusesOf(answers)).toEqual([201, 201, 201, ...Array<number>(7).fill(429)]);
  expect([await rows('idempotency_keys', alice), await rows('orders', alice)]).toEqual([3, 3]);

  const refused = answers.find(({ status }) => status === 429)!;
  expect(refused.body.error).toEqual({
    code: 'RATE_LIMITED',
    message: 'Too many idempotency keys: each is kept for 24 hours',
  });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(86_000);
  const kept = answers.findIndex(({ status }) => status === 201);
  const again = await place(`key-${kept}`).expect(201);
  expect([again.headers['idempotent-replayed'], again.body.data.id]).toEqual(['true', answers[kept]!.body.data.id]);
  await alice.post(orderBody()).expect(201); // without a key
});

it('a refusal under a key -> the key is free again', async () => {
  const alice = test.caller();
  await atOnce(5, () => alice.post(orderBody()));
  await alice.post(orderBody()).set('Idempotency-Key', 'one').expect(429);
  expect(await rows('idempotency_keys', alice)).toBe(0);
});
