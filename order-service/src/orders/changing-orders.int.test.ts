import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DatabaseError } from 'pg';
import { v7 as newId } from 'uuid';
import { orderStatuses } from '@shop/common/contracts';
import { orderBody, placeOrderIn } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';
import { nextStatuses, type OrderStatus } from './order.js';

let test: TestService;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService();
  admin = test.caller('admin');
});
afterAll(() => test.stop());

interface Event {
  type: string;
  sequence: number;
  data: { status: string; previousStatus?: string; reason?: string | null };
}
const eventsOf = (orderId: string) =>
  test.query<Event>('SELECT type, sequence, data FROM outbox WHERE subject = $1 ORDER BY position', [orderId]);
const stepsOf = async (orderId: string) =>
  (await eventsOf(orderId)).slice(1).map(({ data }) => `${data.previousStatus} -> ${data.status}`);
const rowOf = async (orderId: string) =>
  (await test.query('SELECT status, version FROM orders WHERE id = $1', [orderId]))[0];

describe('an admin changes the status', () => {
  it('from placed to delivered -> history and events tell every step', async () => {
    const alice = test.caller();
    const id = await placeOrderIn('shipped', { owner: alice, admin });
    const { body } = await admin
      .patch(`/${id}/status`, { status: 'delivered', reason: ' Left with a neighbour ' })
      .expect(200);

    expect(body).toMatchObject({ success: true, message: 'Order status updated' });
    expect(body.data).toMatchObject({ id, status: 'delivered', statusReason: 'Left with a neighbour' });
    const steps = [
      { status: 'pending', by: alice.id, reason: null },
      { status: 'confirmed', by: admin.id, reason: null },
      { status: 'processing', by: admin.id, reason: null },
      { status: 'shipped', by: admin.id, reason: null },
      { status: 'delivered', by: admin.id, reason: 'Left with a neighbour' },
    ];
    expect(body.data.statusHistory).toEqual(steps.map((step) => ({ ...step, at: expect.any(String) })));
    expect(body.data.statusHistory[4].at).toBe(body.data.updatedAt);
    await alice.get(`/${id}`).expect(200, { ...body, message: 'Order retrieved' });

    const events = await eventsOf(id);
    expect(events.map(({ type, sequence, data }) => [type, sequence, data.previousStatus, data.status])).toEqual([
      ['order.created', 1, undefined, 'pending'],
      ['order.status_changed', 2, 'pending', 'confirmed'],
      ['order.status_changed', 3, 'confirmed', 'processing'],
      ['order.status_changed', 4, 'processing', 'shipped'],
      ['order.status_changed', 5, 'shipped', 'delivered'],
    ]);
    const { statusHistory: _, ...resource } = body.data;
    const added = { currencyDecimals: 2, previousStatus: 'shipped', reason: 'Left with a neighbour' };
    expect(events[4]?.data).toEqual({ ...resource, ...added });
  });

  it.each(orderStatuses)(
    '%s -> legal steps only; the same again does nothing; others are 409 naming both',
    async (from) => {
      const id = await placeOrderIn(from, { owner: test.caller(), admin });
      const before = await rowOf(id);
      for (const to of orderStatuses.filter((status) => !nextStatuses[from].includes(status))) {
        const { body, status } = await admin.patch(`/${id}/status`, { status: to, reason: 'Again' });
        if (to === from) {
          expect([status, body.data.status, body.data.statusReason]).toEqual([200, from, null]);
        } else {
          expect([status, body.error]).toEqual([
            409,
            { code: 'CONFLICT', message: `Order status can not change from ${from} to ${to}` },
          ]);
        }
      }
      expect(await rowOf(id)).toEqual(before);
      expect(await eventsOf(id)).toHaveLength(before!.version as number);
      for (const to of nextStatuses[from]) {
        const other = await placeOrderIn(from, { owner: test.caller(), admin });
        await admin.patch(`/${other}/status`, { status: to }).expect(200);
      }
    },
  );

  it('the database -> allows the very same steps', async () => {
    const allowed: string[] = [];
    for (const from of orderStatuses) {
      const id = await placeOrderIn(from, { owner: test.caller(), admin });
      for (const to of orderStatuses.filter((status) => status !== from)) {
        // Refused at once where the step is illegal, and at commit for its missing history where it is legal.
        const refusal = await test
          .query('UPDATE orders SET status = $2::order_status, version = version + 1 WHERE id = $1', [id, to])
          .then(() => undefined)
          .catch((error: unknown) => (error instanceof DatabaseError ? error.constraint : String(error)));
        if (refusal === 'orders_history') allowed.push(`${from} -> ${to}`);
        else expect(refusal).toBe('orders_transition');
      }
    }
    const legal = orderStatuses.flatMap((from) => nextStatuses[from].map((to) => `${from} -> ${to}`));
    expect(allowed.sort()).toEqual(legal.sort());
  });
});

describe('an owner changes the status', () => {
  it.each(['pending', 'confirmed'] as const)('%s -> may be cancelled', async (from) => {
    const alice = test.caller();
    const id = await placeOrderIn(from, { owner: alice, admin });
    const { body } = await alice.patch(`/${id}/status`, { status: 'cancelled', reason: 'Too late' }).expect(200);
    expect(body.data).toMatchObject({ status: 'cancelled', statusReason: 'Too late' });
    expect(body.data.statusHistory.at(-1)).toMatchObject({ status: 'cancelled', by: alice.id, reason: 'Too late' });
    expect((await stepsOf(id)).at(-1)).toBe(`${from} -> cancelled`);
    await alice.patch(`/${id}/status`, { status: 'cancelled', reason: 'Again' }).expect(200, body);
    expect(await eventsOf(id)).toHaveLength(body.data.statusHistory.length);
  });

  it.each(['processing', 'shipped', 'delivered'] as const)('%s -> can not be cancelled any more: 409', async (from) => {
    const alice = test.caller();
    const id = await placeOrderIn(from, { owner: alice, admin });
    const { body } = await alice.patch(`/${id}/status`, { status: 'cancelled' }).expect(409);
    expect(body.error.message).toBe(`Order status can not change from ${from} to cancelled`);
  });

  it.each(orderStatuses.filter((status) => status !== 'cancelled'))('to %s -> 403, whatever the state', async (to) => {
    const alice = test.caller();
    const id = await placeOrderIn('pending', { owner: alice, admin });
    const { body } = await alice.patch(`/${id}/status`, { status: to }).expect(403);
    expect(body.error.code).toBe('FORBIDDEN');
    expect(await rowOf(id)).toEqual({ status: 'pending', version: 1 });
  });

  it('somebody else -> 404, whatever is asked', async () => {
    const id = await placeOrderIn('pending', { owner: test.caller(), admin });
    for (const status of ['cancelled', 'shipped']) {
      const { body } = await test.caller().patch(`/${id}/status`, { status }).expect(404);
      expect(body.error).toEqual({ code: 'NOT_FOUND', message: 'Order not found' });
    }
  });

  it.each([
    [{}, 'status: is required'],
    [{ status: 'paid' }, 'status: must be one of pending, confirmed, processing, shipped, delivered, cancelled'],
    [{ status: ['cancelled'] }, 'status: must be one of pending, confirmed, processing, shipped, delivered, cancelled'],
    [{ status: 'cancelled', reason: 5 }, 'reason: must be a string'],
  ])('%j -> 400, before the order is looked for', async (body, details) => {
    const answer = await test.caller().patch(`/${newId()}/status`, body).expect(400);
    expect(answer.body.error).toMatchObject({ code: 'INVALID_INPUT', details });
  });
});

it('a reason of more than 500 characters -> 400, a blank one -> none', async () => {
  const alice = test.caller();
  const id = await placeOrderIn('pending', { owner: alice, admin });
  const { body } = await alice.patch(`/${id}/status`, { status: 'cancelled', reason: 'x'.repeat(501) }).expect(400);
  expect(body.error.details).toBe('reason: must have 0 to 500 characters');
  const answer = await alice.patch(`/${id}/status`, { status: 'cancelled', reason: ' ' }).expect(200);
  expect(answer.body.data.statusReason).toBeNull();
});

describe('changes at the same time', () => {
  const race = async (id: string, targets: readonly OrderStatus[]) => {
    const answers = await Promise.all(targets.map((status) => admin.patch(`/${id}/status`, { status })));
    return answers.map(({ status, body }, index) => ({ status, to: targets[index], now: body.data?.status }));
  };

  it('two that exclude each other, many times -> one wins, the other gets 409', async () => {
    for (let round = 0; round < 15; round++) {
      const id = await placeOrderIn('processing', { owner: test.caller(), admin });
      const answers = await race(id, ['shipped', 'cancelled']);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const winner = answers.find(({ status }) => status === 200);
      expect(winner?.now).toBe(winner?.to);
      expect(await rowOf(id)).toEqual({ status: winner?.to, version: 4 });
      expect((await stepsOf(id)).at(-1)).toBe(`processing -> ${winner?.to}`);
    }
  });

  it('many with the same target -> all of them find it, it happens once', async () => {
    const id = await placeOrderIn('pending', { owner: test.caller(), admin });
    const answers = await race(
      id,
      Array.from({ length: 20 }, () => 'confirmed' as const),
    );
    expect(new Set(answers.map(({ status, now }) => `${status} ${now}`))).toEqual(new Set(['200 confirmed']));
    expect(await stepsOf(id)).toEqual(['pending -> confirmed']);
  });

  it('ten equal cancels while the order is confirmed, many times -> each finds it cancelled, none is refused', async () => {
    for (let round = 0; round < 10; round++) {
      const alice = test.caller();
      const id = await placeOrderIn('pending', { owner: alice, admin });
      const confirmed = admin.patch(`/${id}/status`, { status: 'confirmed' }).then(({ status }) => status);
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => alice.patch(`/${id}/status`, { status: 'cancelled' })),
      );
      expect(answers.map(({ status, body }) => [status, body.data?.status])).toEqual(
        Array.from({ length: 10 }, () => [200, 'cancelled']),
      );
      expect([200, 409]).toContain(await confirmed);
      expect((await stepsOf(id)).filter((step) => step.endsWith('-> cancelled'))).toHaveLength(1);
    }
  });
});

describe('deleting', () => {
  it.each(['delivered', 'cancelled'] as const)('a %s order -> gone for everybody, its row stays', async (status) => {
    const id = await placeOrderIn(status, { owner: test.caller(), admin });
    const { body } = await admin.delete(`/${id}`).expect(200);
    expect(body).toEqual({ success: true, message: 'Order deleted', data: null });
    await admin.get(`/${id}`).expect(404);
    const rows = await test.query('SELECT deleted_at FROM orders WHERE id = $1', [id]);
    expect(rows).toEqual([{ deleted_at: expect.any(Date) }]);
  });

  it.each(['pending', 'confirmed', 'processing', 'shipped'] as const)('a %s order -> 409', async (status) => {
    const id = await placeOrderIn(status, { owner: test.caller(), admin });
    const { body } = await admin.delete(`/${id}`).expect(409);
    expect(body.error.message).toBe(`Order is ${status}; only a delivered or cancelled order can be deleted`);
  });

  it('twice at the same time -> once 200, otherwise 404', async () => {
    const id = await placeOrderIn('cancelled', { owner: test.caller(), admin });
    const answers = await Promise.all(Array.from({ length: 5 }, () => admin.delete(`/${id}`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404, 404, 404]);
  });

  it('by a user -> 403, also of an order that is its own or that is not there', async () => {
    const alice = test.caller();
    const id = await placeOrderIn('cancelled', { owner: alice, admin });
    await alice.delete(`/${id}`).expect(403);
    await alice.delete(`/${newId()}`).expect(403);
    await alice.delete('/nonsense').expect(403);
    await admin.delete(`/${newId()}`).expect(404);
    await alice.post(orderBody()).expect(201);
  });
});
