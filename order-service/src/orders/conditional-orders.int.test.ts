import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import supertest from 'supertest';
import { orderBody, placeOrder, placeOrderIn } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

let test: TestService;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService();
  admin = test.caller('admin');
});
afterAll(() => test.stop());

const versionOf = async (id: string): Promise<unknown> =>
  (await test.query('SELECT version, deleted_at IS NOT NULL AS gone FROM orders WHERE id = $1', [id]))[0];

describe('what an answer says of the version', () => {
  it('an order placed, read and changed -> its tag grows with each change; where it is found stands in Location', async () => {
    const alice = test.caller();
    const placed = await alice.post(orderBody()).expect(201);
    const { id } = placed.body.data;
    expect([placed.headers.etag, placed.headers.location]).toEqual(['"1"', `/api/v1/orders/${id}`]);
    await alice.get(`/${id}`).expect(200).expect('ETag', '"1"');
    await alice.patch(`/${id}/status`, { status: 'cancelled' }).expect(200).expect('ETag', '"2"');
    await alice.patch(`/${id}/status`, { status: 'cancelled' }).expect(200).expect('ETag', '"2"');
    await alice.get(`/${id}`).expect(200).expect('ETag', '"2"');
  });

  it('lists, errors and what is deleted -> no tag', async () => {
    const alice = test.caller();
    const id = await placeOrderIn('cancelled', { owner: alice, admin });
    const answers = [
      await alice.get(''),
      await alice.get(`?ids=${id}`),
      await alice.get('/nonsense'),
      await admin.delete(`/${id}`).expect(200),
      await alice.get(`/${id}`).expect(404),
    ];
    expect(answers.filter(({ headers }) => 'etag' in headers)).toEqual([]);
  });

  it('the same answer to the same idempotency key -> with its tag and its place', async () => {
    const alice = test.caller();
    const once = () => alice.post(orderBody()).set('Idempotency-Key', 'conditional').expect(201);
    const first = await once();
    await alice.patch(`/${first.body.data.id}/status`, { status: 'cancelled' }).expect(200);
    const again = await once();
    expect(again.headers).toMatchObject({
      'idempotent-replayed': 'true',
      etag: '"1"',
      location: first.headers.location,
    });
  });
});

describe('a client that has the order already', () => {
  it('If-None-Match with its version -> 304 without a body, for no cache; after a change the new one', async () => {
    const id = await placeOrder(admin);
    const { headers, text } = await admin.get(`/${id}`).set('If-None-Match', '"1"').expect(304);
    expect(text).toBe('');
    expect(headers).toMatchObject({ etag: '"1"', 'cache-control': 'no-store', 'x-request-id': expect.any(String) });
    expect(headers).not.toHaveProperty('content-type');
    expect(headers).not.toHaveProperty('content-length');
    await admin.patch(`/${id}/status`, { status: 'confirmed' }).expect(200);
    const { body } = await admin.get(`/${id}`).set('If-None-Match', '"1"').expect(200).expect('ETag', '"2"');
    expect(body.data.status).toBe('confirmed');
  });

  it('HEAD -> the same', async () => {
    const alice = test.caller();
    const id = await placeOrder(alice);
    const token = test.tokens.tokenFor({ id: alice.id });
    const head = (tag: string) =>
      supertest(test.url).head(`/api/v1/orders/${id}`).auth(token, { type: 'bearer' }).set('If-None-Match', tag);
    expect([(await head('"1"')).status, (await head('"0"')).status]).toEqual([304, 200]);
  });

  it('somebody else with the right version, or the owner once it is gone -> 404: a tag opens nothing', async () => {
    const alice = test.caller();
    const id = await placeOrderIn('cancelled', { owner: alice, admin });
    await test.caller().get(`/${id}`).set('If-None-Match', '*').expect(404);
    await admin.delete(`/${id}`).expect(200);
    await alice.get(`/${id}`).set('If-None-Match', '*').expect(404);
  });
});

describe('a change of one version', () => {
  it('another version -> 412, and nothing has changed; its own version -> changed', async () => {
    const alice = test.caller();
    const id = await placeOrder(alice);
    const { body } = await alice.patch(`/${id}/status`, { status: 'cancelled' }).set('If-Match', '"2"').expect(412);
    expect(body.error).toEqual({
      code: 'PRECONDITION_FAILED',
      message: 'It is not the version that the request is for: read it again',
    });
    expect(await versionOf(id)).toEqual({ version: 1, gone: false });
    await alice.patch(`/${id}/status`, { status: 'cancelled' }).set('If-Match', 'W/"1"').expect(200);
    await alice.patch(`/${id}/status`, { status: 'cancelled' }).set('If-Match', '"1"').expect(412);
  });

  it('a deletion of another version -> 412, of its own -> deleted', async () => {
    const id = await placeOrderIn('cancelled', { owner: test.caller(), admin });
    await admin.delete(`/${id}`).set('If-Match', '"1"').expect(412);
    expect(await versionOf(id)).toEqual({ version: 2, gone: false });
    await admin.delete(`/${id}`).set('If-Match', '"2"').expect(200);
  });

  it('what is refused anyhow -> as ever; only then the version; only then the state', async () => {
    const [alice, bob] = [test.caller(), test.caller()];
    const id = await placeOrder(alice);
    const ask = (by: TestCaller, status: string, tag: string) =>
      by.patch(`/${id}/status`, { status }).set('If-Match', tag);
    await ask(alice, 'nonsense', '"9"').expect(400);
    await ask(alice, 'cancelled', 'nine').expect(400);
    await ask(bob, 'cancelled', '"9"').expect(404);
    await ask(alice, 'shipped', '"9"').expect(403);
    await ask(admin, 'delivered', '"9"').expect(412);
    await ask(admin, 'delivered', '"1"').expect(409);
  });

  it('two of the same version at once, at two processes, many times -> one happens, the other gets 412', async () => {
    const another = await test.startAnother();
    try {
      for (let round = 0; round < 20; round++) {
        const id = await placeOrder(admin);
        const statuses = ['cancelled', round % 2 ? 'cancelled' : 'confirmed'];
        const answers = await Promise.all(
          [admin, admin.at(another.url)].map((by, i) =>
            by.patch(`/${id}/status`, { status: statuses[i] }).set('If-Match', '"1"'),
          ),
        );
        expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 412]);
        expect(await versionOf(id)).toEqual({ version: 2, gone: false });
      }
    } finally {
      await another.stop();
    }
  });
});
