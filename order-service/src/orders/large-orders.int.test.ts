import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Response } from 'supertest';
import { TOO_LARGE_TOGETHER } from '@shop/common/contracts';
import { eventually } from '@shop/testing';
import { largeOrderBody, orderBody, placeOrder } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

/** Of a page, and of a batch of ids; and the room that one account has. */
const [MAX_PAGE, MAX_BATCH, ROOM] = [1_000_000, 2_000_000, 4_000_000];

let test: TestService;
let admin: TestCaller;
let owner: TestCaller;
let ids: string[];

const idsOf = ({ body }: Response): string[] => (body as { data: { id: string }[] }).data.map(({ id }) => id);
const bytesOf = ({ text }: Response): number => Buffer.byteLength(text);

beforeAll(async () => {
  test = await startTestService();
  admin = test.caller('admin');
  owner = test.caller();
  ids = [];
  for (let i = 0; i < 12; i++) ids.unshift(await placeOrder(owner, largeOrderBody()));
});
afterAll(() => test.stop());

describe('a list of orders of 200 kB', () => {
  it('followed by its cursors -> each order once, in answers of 1 MB', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Response = await owner.get(`?limit=100${cursor && `&cursor=${cursor}`}`).expect(200);
      expect(bytesOf(page)).toBeLessThan(MAX_PAGE * 1.05);
      const { meta } = page.body;
      expect([meta.hasMore, meta.limit]).toEqual(meta.nextCursor === null ? [false, 100] : [true, idsOf(page).length]);
      seen.push(...idsOf(page));
      cursor = meta.nextCursor;
    }
    expect(seen).toEqual(ids);
  });

  it('followed by offset + meta.limit -> each order once', async () => {
    const seen: string[] = [];
    for (let offset = 0, more = true; more;) {
      const page: Response = await admin.get(`?limit=100&offset=${offset}`).expect(200);
      const { meta } = page.body as { meta: { offset: number; limit: number; total: number; hasMore: boolean } };
      expect([meta.offset, meta.total]).toEqual([offset, 12]);
      seen.push(...idsOf(page));
      offset += meta.limit;
      more = meta.hasMore;
    }
    expect(seen).toEqual(ids);
  });

  it('the page ends where its limit is, and where there is no room for one more -> there is more', async () => {
    const { body } = await owner.get('?limit=4').expect(200);
    expect([body.data.length, body.meta.limit, body.meta.hasMore]).toEqual([4, 4, true]);
  });

  it('each of them, as it was placed before sizes were noted -> the same pages', async () => {
    const before = await owner.get('?limit=100').expect(200);
    await test.query('UPDATE orders SET bytes = NULL WHERE user_id = $1', [owner.id]);
    const { body } = await owner.get('?limit=100').expect(200);
    expect(body.meta).toEqual(before.body.meta);
  });

  it('beside small ones -> pages are as long as asked for', async () => {
    const shopper = test.caller();
    for (let i = 0; i < 30; i++) await placeOrder(shopper, orderBody());
    const { body } = await shopper.get('?limit=30').expect(200);
    expect([body.data.length, body.meta.limit, body.meta.hasMore]).toEqual([30, 30, false]);
  });
});

describe('a batch', () => {
  it('of ids, or of users, with more than 2 MB -> 400, which names the rule; with less: all of them', async () => {
    const refused = [
      ['ids', await owner.get(`?ids=${ids.join(',')}`).expect(400)],
      ['userIds', await admin.get(`?userIds=${owner.id}&perUser=100`).expect(400)],
    ] as const;
    for (const [field, { body }] of refused) {
      expect(body.error).toMatchObject({ code: 'INVALID_INPUT', fields: [{ field, message: TOO_LARGE_TOGETHER }] });
    }
    const half = ids.slice(0, 8);
    const answers = [
      await owner.get(`?ids=${half.join(',')}`).expect(200),
      await admin.get(`?userIds=${owner.id}&perUser=8`).expect(200),
    ];
    for (const answer of answers) {
      expect(idsOf(answer)).toEqual(half);
      expect(bytesOf(answer)).toBeLessThan(MAX_BATCH * 1.05);
    }
  });
});

describe('what costs much', () => {
  const statusesOf = async (asked: Promise<Response>[]): Promise<Record<string, number>> => {
    const answers = await Promise.all(asked);
    for (const { status, headers } of answers) if (status === 429) expect(headers['retry-after']).toBe('1');
    const byStatus = Map.groupBy(answers, ({ status }) => status);
    return Object.fromEntries([...byStatus].map(([status, all]) => [status, all.length]));
  };
  const times = (count: number, ask: () => PromiseLike<Response>) => Array.from({ length: count }, async () => ask());

  it('60 full pages at once of one account -> as many as it may have in a second, the others get 429 until it has waited; others go on', async () => {
    await test.restart({ requestsPerSecond: 100 });
    try {
      const answers = statusesOf(times(60, () => owner.get('?limit=100')));
      const others = statusesOf(times(20, () => test.caller().get('?limit=100')));
      expect(await others).toEqual({ 200: 20 });
      // 503: a machine with much else to do lets some wait too long for their turn.
      const { 200: served = 0, 429: refused = 0, 503: late = 0 } = await answers;
      expect(served + refused + late).toBe(60);
      expect(refused).toBeGreaterThan(0);
      for (let answered = served; answered < ROOM / MAX_PAGE; answered++)
        await eventually(() => owner.get('?limit=100').expect(200));
    } finally {
      await test.restart({});
    }
  });

  it('lists of 100, whatever is in them -> count as 10 requests each; of ten, as one', async () => {
    await test.restart({ requestsPerSecond: 30 });
    try {
      const shopper = test.caller();
      const { headers } = await shopper.get('?limit=100').expect(200);
      expect(headers.ratelimit).toMatch(/^"requests";r=20;/);
      const other = test.caller();
      expect((await other.get('?limit=10')).headers.ratelimit).toMatch(/^"requests";r=29;/);
      expect((await other.get(`?ids=${ids.join(',')}`)).headers.ratelimit).toMatch(/^"requests";r=2[57];/);
    } finally {
      await test.restart({});
    }
  });

  it('orders of 200 kB, read one by one -> count as 12 requests each, so no account reads many a second', async () => {
    await test.restart({ requestsPerSecond: 60 });
    try {
      const started = performance.now();
      const { 200: served = 0 } = await statusesOf(times(30, () => owner.get(`/${ids[0]}`)));
      expect(served).toBeGreaterThan(0);
      // One that is under way when the second is used up is answered still.
      expect(served).toBeLessThan(7 * (2 + (performance.now() - started) / 1_000));
    } finally {
      await test.restart({});
    }
  });
});
