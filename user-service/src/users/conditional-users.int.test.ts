import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PASSWORD, registration, startTestService, type TestService, type TestUser } from '../../test/test-service.js';

let test: TestService;
let admin: TestUser;

beforeAll(async () => {
  test = await startTestService();
  admin = await test.admin();
});
afterAll(() => test.stop());

const nameOf = async (id: string) =>
  (
    await test.query('SELECT first_name AS name, version, deleted_at IS NULL AS here FROM users WHERE id = $1', [id])
  )[0];

describe('what an answer says of the version', () => {
  it('a user registered, read and changed -> its tag grows with each change; where it is found stands in Location', async () => {
    const { headers, body } = await test.anybody.post('/register', registration()).expect(201);
    const { id } = body.data.user;
    expect([headers.etag, headers.location]).toEqual(['"1"', `/api/v1/users/${id}`]);
    await admin.get(`/${id}`).expect(200).expect('ETag', '"1"');
    await admin.put(`/${id}`, { firstName: 'Grace' }).expect(200).expect('ETag', '"2"');
    // The end of all access tokens is a fact of its own.
    await admin.put(`/${id}`, { isActive: false }).expect(200).expect('ETag', '"4"');
    await admin.get(`/${id}`).expect(200).expect('ETag', '"4"');
    expect((await admin.get('')).headers).not.toHaveProperty('etag');
  });
});

describe('a client that has the user already', () => {
  it.each(['/me', ''])(
    'If-None-Match with its version at %s -> 304 without a body; after a change the new one',
    async (at) => {
      const user = await test.register();
      const path = at || `/${user.id}`;
      const { text } = await user.get(path).set('If-None-Match', '"1"').expect(304).expect('ETag', '"1"');
      expect(text).toBe('');
      await user.put(`/${user.id}`, { lastName: 'Hopper' }).expect(200);
      await user.get(path).set('If-None-Match', '"1"').expect(200).expect('ETag', '"2"');
    },
  );
});

describe('a change of one version', () => {
  it('another version -> 412, and nothing has changed; its own version -> changed', async () => {
    const user = await test.register({ firstName: 'Ada' });
    const { body } = await user.put(`/${user.id}`, { firstName: 'X' }).set('If-Match', '"7"').expect(412);
    expect(body.error.code).toBe('PRECONDITION_FAILED');
    await user.delete(`/${user.id}`).set('If-Match', '"7"').expect(412);
    const passwords = { current: PASSWORD, new: 'another good password' };
    await user.put('/me/password', passwords).set('If-Match', '"7"').expect(412);
    expect(await nameOf(user.id)).toEqual({ name: 'Ada', version: 1, here: true });

    await user.put(`/${user.id}`, { firstName: 'X' }).set('If-Match', '"1"').expect(200);
    await user.put(`/${user.id}`, { firstName: 'X' }).set('If-Match', '"1"').expect(412);
    const changed = await user.put('/me/password', passwords).set('If-Match', '"2"').expect(200).expect('ETag', '"4"');
    await test.anybody
      .delete(`/${user.id}`)
      .set({ Authorization: `Bearer ${changed.body.data.token}`, 'If-Match': '"4"' })
      .expect(200);
  });

  it('what is refused anyhow -> as ever', async () => {
    const [ada, bob] = [await test.register(), await test.register()];
    await bob.put(`/${ada.id}`, { firstName: 'X' }).set('If-Match', '"7"').expect(404);
    await ada.put(`/${ada.id}`, { role: 'admin' }).set('If-Match', '"7"').expect(403);
    await ada.put(`/${ada.id}`, {}).set('If-Match', '"7"').expect(400);
    await ada.put(`/${ada.id}`, { firstName: 'X' }).set('If-Match', '7').expect(400);
  });

  it('ten of the same version at once -> one happens, the others get 412', async () => {
    const user = await test.register();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => admin.put(`/${user.id}`, { firstName: `Name ${i}` }).set('If-Match', '"1"')),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
    expect(await nameOf(user.id)).toMatchObject({ version: 2 });
  });
});
