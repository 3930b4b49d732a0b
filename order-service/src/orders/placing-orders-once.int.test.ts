import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as newId } from 'uuid';
import { eventually, startTcpProxy } from '@shop/testing';
import { orderBody } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

let test: TestService;

beforeAll(async () => {
  test = await startTestService();
});
afterAll(() => test.stop());

const place = (caller: TestCaller, key: string, body: object = orderBody()) =>
  caller.post(body).set('Idempotency-Key', key);
const ordersOf = ({ id }: TestCaller) => test.query<{ id: string }>('SELECT id FROM orders WHERE user_id = $1', [id]);

describe('placing an order under an idempotency key', () => {
  it('again -> the same answer, byte for byte; one order, one event', async () => {
    const [alice, key] = [test.caller(), newId()];
    const first = await place(alice, key).expect(201);
    const again = await place(alice, key).expect(201);
    expect(again.text).toBe(first.text);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(await ordersOf(alice)).toEqual([{ id: first.body.data.id }]);
    expect(await test.query('SELECT FROM outbox WHERE subject = $1', [first.body.data.id])).toHaveLength(1);
  });

  it('again after the order went on -> still what was answered then', async () => {
    const [alice, key] = [test.caller(), newId()];
    const first = await place(alice, key).expect(201);
    await alice.patch(`/${first.body.data.id}/status`, { status: 'cancelled' }).expect(200);
    expect((await place(alice, key).expect(201)).text).toBe(first.text);
  });

  it('50 times at once, at two processes -> one order; equal answers or 409', async () => {
    const [alice, key] = [test.caller(), newId()];
    const another = await test.startAnother();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => place(index % 2 ? alice : alice.at(another.url), key)),
    );
    await another.stop();
    const placed = answers.filter(({ status }) => status === 201);
    expect(placed.length).toBeGreaterThan(0);
    expect(new Set(placed.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(50 - placed.length);
    expect(await ordersOf(alice)).toHaveLength(1);
  });

  it('with another order -> 422; by somebody else -> an order of its own', async () => {
    const [alice, bob, key] = [test.caller(), test.caller(), newId()];
    const first = await place(alice, key).expect(201);
    const { body } = await place(alice, key, orderBody({ notes: 'Ring twice' })).expect(422);
    expect(body.error.code).toBe('IDEMPOTENCY_KEY_REUSED');
    const other = await place(bob, key).expect(201);
    expect(other.body.data).toMatchObject({ userId: bob.id });
    expect(other.body.data.id).not.toBe(first.body.data.id);
    expect([await ordersOf(alice), await ordersOf(bob)]).toMatchObject([{ length: 1 }, { length: 1 }]);
  });

  it('with faults, by its form or by a rule -> 400, and the key is free for the order without them', async () => {
    const [alice, key] = [test.caller(), newId()];
    await place(alice, key, orderBody({ items: [] })).expect(400);
    await place(alice, key, orderBody({ currency: 'JPY' })).expect(400);
    await place(alice, key).expect(201);
    expect(await ordersOf(alice)).toHaveLength(1);
  });

  it('of 256 characters -> 400, naming the header', async () => {
    const { body } = await place(test.caller(), 'x'.repeat(256)).expect(400);
    expect(body.error.fields).toEqual([expect.objectContaining({ field: 'Idempotency-Key' })]);
  });

  it('the process is killed between its commit and its answer -> the answer is there at once, at any other', async () => {
    const [alice, key] = [test.caller(), newId()];
    const proxy = await startTcpProxy(test.config.databaseUrl);
    const doomed = await test.startProcess({ databaseUrl: proxy.url });
    proxy.muteAfter('INSERT INTO orders');
    const lost = place(alice.at(doomed.url), key).then(
      () => 'answered',
      () => 'lost',
    );
    const [order] = await eventually(async () => {
      const orders = await ordersOf(alice);
      expect(orders).toHaveLength(1);
      return orders;
    });
    await doomed.kill();
    expect(await lost).toBe('lost');
    await proxy.stop();

    const again = await place(alice, key).expect(201);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body.data.id).toBe(order?.id);
    await alice.get(`/${order?.id}`).expect(200, { ...again.body, message: 'Order retrieved' });
    expect(await ordersOf(alice)).toHaveLength(1);
  });

  it('the process is killed before its commit -> 409 until its time is over, then the order is placed', async () => {
    const [alice, key] = [test.caller(), newId()];
    const proxy = await startTcpProxy(test.config.databaseUrl);
    const doomed = await test.startProcess({ databaseUrl: proxy.url });
    proxy.muteAfter('INSERT INTO idempotency_keys');
    const lost = place(alice.at(doomed.url), key).then(
      () => 'answered',
      () => 'lost',
    );
    const leaseOf = () => test.query('SELECT lease_until FROM idempotency_keys WHERE key = $1', [key]);
    await eventually(async () => expect(await leaseOf()).toHaveLength(1));
    await doomed.kill();
    expect(await lost).toBe('lost');
    await proxy.stop();

    await place(alice, key).expect(409);
    expect(await ordersOf(alice)).toEqual([]);
    await test.query("UPDATE idempotency_keys SET lease_until = now() - interval '1 second' WHERE key = $1", [key]);
    const placed = await place(alice, key).expect(201);
    expect((await place(alice, key).expect(201)).text).toBe(placed.text);
    expect(await ordersOf(alice)).toHaveLength(1);
  });
});
