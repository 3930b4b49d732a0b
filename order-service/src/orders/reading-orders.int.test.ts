import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Response } from 'supertest';
import { v7 as newId } from 'uuid';
import { placeOrder } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

let test: TestService;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService();
  admin = test.caller('admin');
});
afterAll(() => test.stop());

const placeMany = async (owner: TestCaller, count: number): Promise<string[]> => {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) ids.push(await placeOrder(owner));
  return ids;
};
const remove = async (id: string) => {
  await admin.patch(`/${id}/status`, { status: 'cancelled' }).expect(200);
  await admin.delete(`/${id}`).expect(200);
};
const idsOf = (body: { data: { id: string }[] }): string[] => body.data.map(({ id }) => id);

/** All pages of a list, followed by its cursors. */
async function followCursors(caller: TestCaller, path: string): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const response: Response = await caller.get(cursor === null ? path : `${path}&cursor=${cursor}`).expect(200);
    const { meta } = response.body as { meta: { hasMore: boolean; nextCursor: string | null } };
    ids.push(...idsOf(response.body));
    expect(meta.hasMore).toBe(meta.nextCursor !== null);
    cursor = meta.nextCursor;
  } while (cursor !== null);
  return ids;
}

describe('one order', () => {
  it('its owner and an admin -> see it; somebody else -> the same 404 as for none at all', async () => {
    const [alice, bob] = [test.caller(), test.caller()];
    const id = await placeOrder(alice);
    const { body } = await alice.get(`/${id}`).expect(200);
    expect(body.message).toBe('Order retrieved');
    await admin.get(`/${id}`).expect(200, body);
    await alice.get(`/${id.toUpperCase()}`).expect(200, body);

    const foreign = await bob.get(`/${id}`).expect(404);
    const missing = await bob.get(`/${newId()}`).expect(404);
    expect(foreign.body.error).toEqual({ code: 'NOT_FOUND', message: 'Order not found' });
    expect(missing.body.error).toEqual(foreign.body.error);
  });

  it('a malformed id -> 400', async () => {
    const { body } = await test.caller().get('/nonsense').expect(400);
    expect(body.error).toMatchObject({ code: 'INVALID_INPUT', details: 'id: must be a UUID' });
  });
});

describe('lists', () => {
  it('a user -> its own orders, newest first, with items and without history', async () => {
    const [alice, bob] = [test.caller(), test.caller()];
    const ids = await placeMany(alice, 3);
    await placeOrder(bob);
    const { body } = await alice.get().expect(200);
    expect(idsOf(body)).toEqual(ids.toReversed());
    expect(body.meta).toEqual({ total: 3, limit: 10, offset: 0, hasMore: false, nextCursor: null });
    expect(body.data[0].items).toHaveLength(2);
    expect(body.data[0]).not.toHaveProperty('statusHistory');
    expect(body.data[0]).not.toHaveProperty('version');
  });

  it("an admin -> everyone's orders, and its own alone at my-orders", async () => {
    const [alice, boss] = [test.caller(), test.caller('admin')];
    const [foreign, own] = [await placeOrder(alice), await placeOrder(boss)];
    expect(idsOf((await boss.get('?limit=2')).body)).toEqual([own, foreign]);
    const { body } = await boss.get('/my-orders').expect(200);
    expect(idsOf(body)).toEqual([own]);
    expect(body.meta.total).toBe(1);
  });

  it('userId -> of that user alone, as far as one may see it', async () => {
    const [alice, bob] = [test.caller(), test.caller()];
    const id = await placeOrder(alice);
    await placeOrder(bob);
    expect(idsOf((await admin.get(`?userId=${alice.id}`).expect(200)).body)).toEqual([id]);
    expect(idsOf((await alice.get(`?userId=${alice.id}`).expect(200)).body)).toEqual([id]);
    const { body } = await bob.get(`?userId=${alice.id}`).expect(200);
    expect(body).toMatchObject({ data: [], meta: { total: 0, hasMore: false, nextCursor: null } });
  });

  it('statusHistory -> each order as it is shown alone, on every page', async () => {
    const alice = test.caller();
    const [first, second] = [await placeOrder(alice), await placeOrder(alice)];
    await alice.patch(`/${first}/status`, { status: 'cancelled', reason: 'Ordered twice' }).expect(200);
    const whole = async (id: string) => (await alice.get(`/${id}`).expect(200)).body.data;

    for (const path of ['', '/my-orders']) {
      const { body: page } = await alice.get(`${path}?statusHistory=true&limit=1`).expect(200);
      expect(page.data).toEqual([await whole(second)]);
      const rest = `${path}?statusHistory=true&limit=1&cursor=${page.meta.nextCursor}`;
      expect((await alice.get(rest).expect(200)).body.data).toEqual([await whole(first)]);
    }
  });

  it('pages by offset and by cursor -> each order once, also where many have the same time', async () => {
    const alice = test.caller();
    const ids = await placeMany(alice, 7);
    await test.query(`UPDATE orders SET created_at = '2026-01-31T12:00:00Z' WHERE id = ANY ($1)`, [ids.slice(2, 6)]);
    await test.query(`UPDATE orders SET created_at = '2026-01-30T12:00:00Z' WHERE id = ANY ($1)`, [ids.slice(0, 2)]);
    const expected = ids.toReversed();

    expect(await followCursors(alice, '?limit=2')).toEqual(expected);
    expect(await followCursors(alice, '/my-orders?limit=3')).toEqual(expected);
    const { body } = await alice.get('?limit=3&offset=3').expect(200);
    expect(idsOf(body)).toEqual(expected.slice(3, 6));
    expect(body.meta).toMatchObject({ total: 7, limit: 3, offset: 3, hasMore: true });
    expect((await alice.get('?limit=4&offset=3')).body.meta).toMatchObject({ hasMore: false, nextCursor: null });
  });

  it('an order placed while somebody turns pages by cursor -> shifts nothing', async () => {
    const alice = test.caller();
    const ids = await placeMany(alice, 3);
    const first = await alice.get('?limit=2').expect(200);
    await placeOrder(alice);
    const second = await alice.get(`?limit=2&cursor=${first.body.meta.nextCursor}`).expect(200);
    expect([...idsOf(first.body), ...idsOf(second.body)]).toEqual(ids.toReversed());
  });

  it('total -> counted unless it is declined, and with a cursor only when asked for', async () => {
    const alice = test.caller();
    await placeMany(alice, 3);
    const first = await alice.get('?limit=1').expect(200);
    const next = `?limit=1&cursor=${first.body.meta.nextCursor}`;
    expect(first.body.meta.total).toBe(3);
    expect((await alice.get('?total=false')).body.meta.total).toBeNull();
    expect((await alice.get(next)).body.meta).toMatchObject({ total: null, offset: null });
    expect((await alice.get(`${next}&total=true`)).body.meta.total).toBe(3);
  });

  it('filters by status and time -> from is inclusive, to is exclusive', async () => {
    const alice = test.caller();
    const ids = await placeMany(alice, 4);
    for (const [index, id] of ids.entries()) {
      await test.query('UPDATE orders SET created_at = $2 WHERE id = $1', [id, `2026-01-0${index + 1}T00:00:00Z`]);
    }
    await alice.patch(`/${ids[1]}/status`, { status: 'cancelled' }).expect(200);
    const found = async (query: string) => idsOf((await alice.get(query).expect(200)).body);

    expect(await found('?status=cancelled')).toEqual([ids[1]]);
    expect(await found('?status=pending&createdFrom=2026-01-01T00:00:00Z')).toEqual([ids[3], ids[2], ids[0]]);
    expect(await found('?createdFrom=2026-01-02T00:00:00Z&createdTo=2026-01-04T00:00:00Z')).toEqual([ids[2], ids[1]]);
    expect(await found('?createdTo=2026-01-02T01:00:00%2B01:00')).toEqual([ids[0]]);
    expect(await found('/my-orders?status=cancelled')).toEqual([ids[1]]);
    expect(await followCursors(alice, '?limit=1&status=pending')).toEqual([ids[3], ids[2], ids[0]]);
  });

  it.each([
    ['?limit=101', 'limit: must be from 1 to 100'],
    ['?limit=0', 'limit: must be from 1 to 100'],
    ['?limit=ten', 'limit: must be a whole number'],
    ['?offset=-1', 'offset: must be from 0 to 1000000000'],
    ['?status=paid', 'status: must be one of pending, confirmed, processing, shipped, delivered, cancelled'],
    ['?limit=1&limit=2', 'limit: must be given once'],
    ...['yesterday', '0000-12-30T00:00:00Z', '0001-01-01T00:00:00%2B23:59', '2026-02-30T00:00:00Z'].flatMap((time) => [
      [`?createdFrom=${time}`, 'createdFrom: must be a time that exists, as in 2026-01-31T12:00:00Z (RFC 3339)'],
      [`/my-orders?createdTo=${time}`, 'createdTo: must be a time that exists, as in 2026-01-31T12:00:00Z (RFC 3339)'],
    ]),
    [
      '?createdFrom=2026-02-01T00:00:00Z&createdTo=2026-01-31T23:59:59.999Z',
      'createdTo: must not be before createdFrom',
    ],
    ['?userId=1', 'userId: must be a UUID'],
    ['?cursor=nonsense', 'cursor: is not a valid cursor for this list'],
    ['?cursor=x&offset=1', 'cursor: can not be combined with offset'],
    ['?ids=1,2', 'ids: must be UUIDs separated by commas'],
    [`?ids=${newId()}&limit=5`, 'limit: can not be combined with a batch of ids'],
    [`?ids=${newId()}&status=pending`, 'status: can not be combined with a batch of ids'],
    [`?ids=${newId()}&userIds=${newId()}`, 'ids: can not be combined with userIds'],
    [`?ids=${newId()}&perUser=3`, 'perUser: is for a batch of userIds'],
    ['?perUser=3', 'perUser: is for a batch of userIds'],
    [`?userIds=${newId()}&perUser=101`, 'perUser: must be from 1 to 100'],
    ['/my-orders?userIds=x', 'userIds: is not a known parameter'],
    ['/my-orders?userId=x', 'userId: is not a known parameter'],
    [`?ids=${newId()}&statusHistory=true`, 'statusHistory: can not be combined with a batch of ids'],
    [`?userIds=${newId()}&userId=${newId()}`, 'userId: can not be combined with a batch of ids'],
  ])('%s -> 400', async (query, details) => {
    const { body } = await test.caller().get(query).expect(400);
    expect(body.error).toMatchObject({ code: 'INVALID_INPUT', details });
  });

  it.each([
    ['more than 100 ids', Array.from({ length: 101 }, () => newId())],
    ['one id more than 100 times', Array<string>(101).fill(newId())],
  ])('%s -> 400', async (_, ids) => {
    const { body } = await test
      .caller()
      .get(`?ids=${ids.join(',')}`)
      .expect(400);
    expect(body.error.details).toBe('ids: must have at most 100 ids');
  });

  it('ids separated by commas, given several times, or both -> the same batch', async () => {
    const alice = test.caller();
    const ids = await placeMany(alice, 3);
    for (const query of [ids.join(','), ids.join('&ids='), `${ids[0]}&ids=${ids[1]},${ids[2]}&ids=${ids[0]}`]) {
      const { body } = await alice.get(`?ids=${query}`).expect(200);
      expect(body.data.map(({ id }: { id: string }) => id).sort()).toEqual([...ids].sort());
    }
  });

  it('the earliest and the latest time there is -> the whole list', async () => {
    const alice = test.caller();
    await placeMany(alice, 2);
    const range = 'createdFrom=0001-01-01T00:00:00Z&createdTo=9999-12-31T23:59:59.999Z';
    expect((await alice.get(`?${range}`).expect(200)).body.meta.total).toBe(2);
    // An empty range is no turned one.
    const empty = 'createdFrom=2026-01-01T00:00:00Z&createdTo=2026-01-01T00:00:00Z';
    expect((await alice.get(`?${empty}`).expect(200)).body.meta.total).toBe(0);
  });

  it('a cursor of another list -> 400', async () => {
    const alice = test.caller();
    await placeMany(alice, 2);
    const { body } = await alice.get('?limit=1').expect(200);
    await alice.get(`?limit=1&status=pending&cursor=${body.meta.nextCursor}`).expect(400);
  });
});

describe('batches', () => {
  it('ids -> all that are there and visible, the others absent', async () => {
    const [alice, bob] = [test.caller(), test.caller()];
    const [own, foreign] = [await placeMany(alice, 12), await placeOrder(bob)];
    const ids = [...own, foreign, newId()].join(',');
    const mine = await alice.get(`?ids=${ids}`).expect(200);
    expect(idsOf(mine.body)).toEqual(own.toReversed());
    expect(mine.body.meta).toEqual({ total: 12, limit: 12, offset: 0, hasMore: false, nextCursor: null });
    expect(mine.body.data[0].items).toHaveLength(2);
    expect(idsOf((await admin.get(`?ids=${ids}`)).body)).toEqual([foreign, ...own.toReversed()]);
  });

  it('userIds -> the newest of each user, as many as asked for', async () => {
    const [alice, bob, carol] = [test.caller(), test.caller(), test.caller()];
    const [ofAlice, ofBob] = [await placeMany(alice, 12), await placeMany(bob, 2)];
    const users = `userIds=${[alice, bob, carol].map(({ id }) => id).join(',')}`;

    const { body } = await admin.get(`?${users}&perUser=3`).expect(200);
    expect(idsOf(body)).toEqual([...ofBob.toReversed(), ...ofAlice.toReversed().slice(0, 3)]);
    expect(body.meta.total).toBe(5);
    expect((await admin.get(`?${users}`)).body.data).toHaveLength(12);
    expect(idsOf((await alice.get(`?${users}&perUser=2`)).body)).toEqual(ofAlice.toReversed().slice(0, 2));
    expect((await carol.get(`?userIds=${alice.id}`).expect(200)).body.data).toEqual([]);
  });
});

describe('a deleted order', () => {
  it('is invisible on every path, to its owner and to admins, and in no count', async () => {
    const alice = test.caller();
    const [gone, kept] = [await placeOrder(alice), await placeOrder(alice)];
    await remove(gone);

    for (const caller of [alice, admin]) {
      await caller.get(`/${gone}`).expect(404);
      await caller.patch(`/${gone}/status`, { status: 'cancelled' }).expect(404);
      expect(idsOf((await caller.get(`?ids=${gone},${kept}`)).body)).toEqual([kept]);
      expect(idsOf((await caller.get(`?userIds=${alice.id}`)).body)).toEqual([kept]);
      expect(idsOf((await caller.get(`?userIds=${alice.id}&perUser=1`)).body)).toEqual([kept]);
    }
    await admin.delete(`/${gone}`).expect(404);
    for (const path of ['', '/my-orders', '?status=pending']) {
      const { body } = await alice.get(path).expect(200);
      expect([idsOf(body), body.meta.total]).toEqual([[kept], 1]);
    }
    expect(idsOf((await alice.get('?status=cancelled')).body)).toEqual([]);
    expect(idsOf((await admin.get('?limit=100')).body)).not.toContain(gone);
    expect(await test.query('SELECT id FROM orders WHERE id = $1', [gone])).toHaveLength(1);
  });
});
