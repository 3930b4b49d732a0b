import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import bcrypt from 'bcrypt';
import { registration, startTestService, type TestService } from '../../test/test-service.js';

let test: TestService;
beforeAll(async () => {
  test = await startTestService();
});
afterAll(() => test.stop());

let names = 0;
/** An address of the same mailbox in each of its spellings, the canonical one first. */
const spellings = () => {
  const name = `ada-${++names}`;
  return [
    `${name}@xn--bcher-kva.example.com`,
    `${name}@bücher.example.com`,
    `${name.toUpperCase()}@BU\u0308CHER.example.com`,
    `${name}@XN--BCHER-KVA.Example.com`,
  ];
};

describe('an e-mail address with a domain of other letters', () => {
  it('registered in one spelling -> taken in all, and logs in with all', async () => {
    for (const spelling of [0, 1, 2, 3]) {
      const all = spellings();
      const { user } = await test.register({ email: all[spelling] });
      expect(user.email).toBe(all[0]);
      for (const email of all) {
        await test.anybody.post('/register', registration({ email })).expect(409);
        expect((await test.login({ email, password: registration().password })).id).toBe(user.id);
      }
    }
  });

  it('registered at once in all spellings -> one account', async () => {
    const answers = await Promise.all(
      spellings().map((email) => test.anybody.post('/register', registration({ email }))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
  });

  it('kept in Unicode since before there was one spelling -> found, taken and listed all the same', async () => {
    const all = spellings();
    const { id } = await test.register({ email: all[0] });
    await test.query('UPDATE users SET email = $2 WHERE id = $1', [id, all[1]]);
    const admin = await test.admin();
    for (const email of all) {
      await test.anybody.post('/register', registration({ email })).expect(409);
      expect((await test.login({ email, password: registration().password })).id).toBe(id);
      const { body } = await admin.get(`?email=${encodeURIComponent(email)}`).expect(200);
      expect(body.data.map((user: { id: string }) => user.id)).toEqual([id]);
    }
  });

  it('two accounts since before, one in each spelling -> each logs in with its own password, in any spelling', async () => {
    const all = spellings();
    const first = await test.register({ email: all[0], password: 'password of the first' });
    await test.query('UPDATE users SET email = $2 WHERE id = $1', [first.id, all[1]]);
    const elsewhere = await test.register({ password: 'password of the second' });
    await test.query('UPDATE users SET email = $2 WHERE id = $1', [elsewhere.id, all[0]]);
    for (const email of all) {
      expect((await test.login({ email, password: 'password of the first' })).id).toBe(first.id);
      expect((await test.login({ email, password: 'password of the second' })).id).toBe(elsewhere.id);
      await test.anybody.post('/login', { email, password: 'password of nobody' }).expect(401);
    }
  });
});

describe('an e-mail address with something in it that is not seen', () => {
  it.each(['\u200b', '\u202e', '\u00ad', '\u2060', '\u3164', '\ufe0f'])('%j -> 400 everywhere', async (unseen) => {
    const { email } = await test.register();
    const twin = email.replace('user', `us${unseen}er`);
    for (const path of ['/register', '/login']) {
      const { body } = await test.anybody.post(path, registration({ email: twin })).expect(400);
      expect(body.error.fields).toEqual([{ field: 'email', message: 'Invalid email format' }]);
    }
  });
});

describe('a password of letters that can be typed in two ways', () => {
  const [composed, decomposed] = ['caf\u00e9 au lait', 'cafe\u0301\u00a0au lait'];

  it.each([
    ['composed', composed],
    ['decomposed', decomposed],
  ])('registered %s -> logs in, and is changed, with both', async (_case, password) => {
    const { email } = await test.register({ password });
    await test.login({ email, password: composed });
    const user = await test.login({ email, password: decomposed });
    await user.put('/me/password', { current: decomposed, new: composed }).expect(200);
    await test.login({ email, password: decomposed });
    await test.anybody.post('/login', { email, password: 'cafe au lait' }).expect(401);
  });

  it('hashed as it was typed, since before there was one form -> logs in, and from then on in both ways', async () => {
    const { id, email } = await test.register();
    await test.query('UPDATE users SET password_hash = $2 WHERE id = $1', [id, await bcrypt.hash(decomposed, 4)]);
    await test.anybody.post('/login', { email, password: composed }).expect(401);
    await test.login({ email, password: decomposed });
    await test.login({ email, password: composed });
    await test.login({ email, password: decomposed });
  });
});

describe('names that nobody can see', () => {
  it.each(['\u200b', '\u200d', '\u2060', '\u00ad', '\u2800', '\u3164', ' \u202e '])('%j -> 400', async (name) => {
    const user = await test.register();
    const { body } = await user.put(`/${user.id}`, { firstName: name }).expect(400);
    expect(body.error.details).toBe('firstName: must not be empty');
  });

  it('what is not seen in a name -> left out; what a script or an emoji needs stays', async () => {
    const user = await test.register({ firstName: '\u202eAd\u200ba', lastName: 'می\u200cخواهم 👩\u200d🚀' });
    expect(user.user).toMatchObject({ firstName: 'Ada', lastName: 'می\u200cخواهم 👩\u200d🚀' });
  });
});
