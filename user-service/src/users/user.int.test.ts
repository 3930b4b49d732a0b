import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { UserResource } from '@shop/common/contracts';
import {
  callerOf,
  PASSWORD,
  registration,
  startTestService,
  type TestService,
  type TestUser,
} from '../../test/test-service.js';
import type { RunningService } from '@shop/common/service';

let test: TestService;
let admin: TestUser;
beforeAll(async () => {
  test = await startTestService();
  admin = await test.admin();
});
afterAll(() => test.stop());

const ids = (users: UserResource[]): string[] => users.map(({ id }) => id);
const register = (count: number, changes: object = {}): Promise<TestUser[]> =>
  Promise.all(Array.from({ length: count }, () => test.register(changes)));

describe('GET /users/:id and /users/me', () => {
  it('oneself -> 200, by both paths', async () => {
    const user = await test.register();
    for (const path of ['/me', `/${user.id}`, `/${user.id.toUpperCase()}`]) {
      const { body } = await user.get(path).expect(200);
      expect(body).toEqual({ success: true, message: 'User retrieved', data: user.user });
    }
  });

  it('somebody else, nobody -> the same 404; for an admin the first is there', async () => {
    const [user, other] = await register(2);
    const answers = await Promise.all([user!.get(`/${other!.id}`), user!.get(`/${randomUUID()}`)]);
    const [foreign, missing] = answers.map(({ status, body }) => ({ status, body: { ...body, requestId: '' } }));
    expect(foreign).toEqual(missing);
    expect(foreign).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } });
    await admin.get(`/${other!.id}`).expect(200);
    await admin.get(`/${randomUUID()}`).expect(404);
  });

  it('no UUID -> 400', async () => {
    const { body } = await admin.get('/42').expect(400);
    expect(body.error).toMatchObject({ code: 'INVALID_INPUT', details: 'id: must be a UUID' });
  });
});

describe('GET /users', () => {
  it('a user -> sees itself alone, whatever it asks for', async () => {
    const [user, other] = await register(2);
    const { body } = await user!.get().expect(200);
    expect(body.data).toEqual([user!.user]);
    expect(body.meta).toEqual({ total: 1, limit: 10, offset: 0, hasMore: false, nextCursor: null });
    expect((await user!.get(`?email=${other!.email}`).expect(200)).body).toMatchObject({
      data: [],
      meta: { total: 0 },
    });
    expect(ids((await user!.get(`?ids=${user!.id},${other!.id}`).expect(200)).body.data)).toEqual([user!.id]);
  });

  it('an admin -> everybody, newest first, page by page', async () => {
    const prefix = `page-${randomUUID()}`;
    const users: TestUser[] = [];
    for (let n = 0; n < 5; n++) users.unshift(await test.register({ email: `${prefix}-${n}@example.com` }));

    const first = (await admin.get(`?email=${prefix}&limit=2`).expect(200)).body;
    expect(ids(first.data)).toEqual(ids(users.slice(0, 2).map(({ user }) => user)));
    expect(first.meta).toEqual({ total: 5, limit: 2, offset: 0, hasMore: true, nextCursor: expect.any(String) });

    const second = (await admin.get(`?email=${prefix}&limit=2&cursor=${first.meta.nextCursor}`).expect(200)).body;
    expect(ids(second.data)).toEqual(ids(users.slice(2, 4).map(({ user }) => user)));
    expect(second.meta).toMatchObject({ total: null, hasMore: true });

    const last = (await admin.get(`?email=${prefix}&limit=2&total=true&cursor=${second.meta.nextCursor}`).expect(200))
      .body;
    expect(ids(last.data)).toEqual([users[4]!.id]);
    expect(last.meta).toMatchObject({ total: 5, hasMore: false, nextCursor: null });

    const offset = (await admin.get(`?email=${prefix}&limit=2&offset=4&total=false`).expect(200)).body;
    expect(ids(offset.data)).toEqual([users[4]!.id]);
    expect(offset.meta).toEqual({ total: null, limit: 2, offset: 4, hasMore: false, nextCursor: null });

    await admin.get(`?email=other&limit=2&cursor=${first.meta.nextCursor}`).expect(400);
  });

  it('10,000 rows -> counted; one more -> the total is null, and the page is as before', async () => {
    const prefix = `many-${randomUUID()}`;
    const insert = (count: number) =>
      test.query(
        `INSERT INTO users (id, email, password_hash, first_name, last_name, role, is_active, created_at, updated_at)
         SELECT gen_random_uuid(), $1 || gen_random_uuid() || '@example.com', '$2b$12$' || repeat('x', 53), 'A', 'B', 'user', true, now(), now()
         FROM generate_series(1, $2)`,
        [prefix, count],
      );
    await insert(10_000);
    expect((await admin.get(`?email=${prefix}&limit=1`).expect(200)).body.meta).toMatchObject({ total: 10_000 });
    await insert(1);
    const { body } = await admin.get(`?email=${prefix}&limit=1`).expect(200);
    expect(body.meta).toMatchObject({ total: null, limit: 1, hasMore: true });
    expect(body.data).toHaveLength(1);
  });

  it('users of the same instant -> each on one page, none twice', async () => {
    const prefix = `same-${randomUUID()}`;
    const users = await Promise.all([1, 2, 3, 4].map((n) => test.register({ email: `${prefix}${n}@example.com` })));
    await test.query(`UPDATE users SET created_at = '2020-01-01T00:00:00Z' WHERE email LIKE $1 || '%'`, [prefix]);
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await admin.get(`?email=${prefix}&limit=1${cursor}`).expect(200);
      seen.push(...ids(body.data));
      if (!body.meta.hasMore) break;
      cursor = `&cursor=${body.meta.nextCursor}`;
    }
    expect(seen).toEqual(
      users
        .map(({ id }) => id)
        .sort()
        .reverse(),
    );
  });

  it('filters -> role, isActive and the beginning of the email, wildcards taken as they are', async () => {
    const prefix = `f_${randomUUID()}`;
    const [plain, promoted, deactivated] = await Promise.all(
      ['a', 'b', 'c'].map((name) => test.register({ email: `${prefix}${name}@example.com` })),
    );
    await test.register({ email: `fx${prefix.slice(2)}@example.com` });
    await admin.put(`/${promoted!.id}`, { role: 'admin' }).expect(200);
    await admin.put(`/${deactivated!.id}`, { isActive: false }).expect(200);
    const found = async (query: string): Promise<string[]> =>
      ids((await admin.get(`?email=${prefix.toUpperCase()}${query}`).expect(200)).body.data).sort();

    expect(await found('')).toEqual([plain!.id, promoted!.id, deactivated!.id].sort());
    expect(await found('&role=admin')).toEqual([promoted!.id]);
    expect(await found('&isActive=false')).toEqual([deactivated!.id]);
    expect(await found('&role=user&isActive=true')).toEqual([plain!.id]);
    expect(ids((await admin.get('?email=%25').expect(200)).body.data)).toEqual([]);
    await admin.put(`/${promoted!.id}`, { role: 'user' }).expect(200);
  });

  it('ids -> all that are there, in one piece', async () => {
    const users = await register(12);
    const { body } = await admin.get(`?ids=${[...users.map(({ id }) => id), randomUUID()].join(',')}`).expect(200);
    expect(ids(body.data).sort()).toEqual(users.map(({ id }) => id).sort());
    expect(body.meta).toEqual({ total: 12, limit: 12, offset: 0, hasMore: false, nextCursor: null });
  });

  it.each([
    'limit=0',
    'limit=101',
    'limit=ten',
    'offset=-1',
    'cursor=x',
    'cursor=x&offset=1',
    'role=root',
    'role=user&role=admin',
    'isActive=yes',
    'email=',
    'ids=42',
    `ids=${randomUUID()}&limit=5`,
    `ids=${Array.from({ length: 101 }, () => randomUUID()).join(',')}`,
    'sort=email',
  ])('?%.40s -> 400', async (query) => {
    const { body } = await admin.get(`?${query}`).expect(400);
    expect(body.error.code).toBe('INVALID_INPUT');
  });
});

describe('PUT /users/:id', () => {
  it('ten different changes at once -> each is made, none undoes another', async () => {
    const user = await test.register();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        user.put(`/${user.id}`, n % 2 === 0 ? { firstName: `Ada ${n}` } : { lastName: `King ${n}` }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    const { body } = await user.get('/me').expect(200);
    expect(body.data.firstName).toMatch(/^Ada \d$/);
    expect(body.data.lastName).toMatch(/^King \d$/);
    expect(await test.eventsOf(user.id)).toHaveLength(11);
  });

  it('own names -> 200, reported as user.updated, tokens live on', async () => {
    const user = await test.register();
    const { body } = await user
      .put(`/${user.id}`, { firstName: ' Grace ', email: 'x@example.com', id: 'x' })
      .expect(200);
    expect(body.data).toEqual({
      ...user.user,
      firstName: 'Grace',
      fullName: 'Grace Lovelace',
      updatedAt: expect.any(String),
    });
    expect(body.data.updatedAt >= user.user.updatedAt).toBe(true);
    expect((await user.get('/me').expect(200)).body.data).toEqual(body.data);
    expect((await test.eventsOf(user.id)).slice(1)).toEqual([
      { type: 'user.updated', subject: user.id, sequence: 2, data: body.data },
    ]);
  });

  it('what the user is already -> 200, nothing happens', async () => {
    const user = await test.register();
    const { body } = await user.put(`/${user.id}`, { firstName: user.user.firstName }).expect(200);
    expect(body.data).toEqual(user.user);
    expect(await test.eventsOf(user.id)).toHaveLength(1);
  });

  it.each([
    ['nothing', {}],
    ['null', { firstName: null }],
    ['only fields that are no one’s to change', { email: 'x@example.com' }],
    ['an empty name', { firstName: '  ' }],
    ['a name of 101 characters', { lastName: 'x'.repeat(101) }],
    ['a number for a name', { firstName: 5 }],
    ['text for a flag', { isActive: 'true' }],
    ['an unknown role', { role: 'root' }],
  ])('%s -> 400', async (_what, body) => {
    const user = await test.register();
    const answer = await user.put(`/${user.id}`, body).expect(400);
    expect(answer.body.error.code).toBe('INVALID_INPUT');
  });

  it('isActive or role by a user -> 403 on itself, 404 on another, 400 first where malformed', async () => {
    const [user, other] = await register(2);
    await user!.put(`/${user!.id}`, { role: 'admin' }).expect(403);
    await user!.put(`/${user!.id}`, { firstName: 'X', isActive: true }).expect(403);
    await user!.put(`/${other!.id}`, { role: 'admin' }).expect(404);
    await user!.put(`/${user!.id}`, { role: 'root' }).expect(400);
    expect((await user!.get('/me').expect(200)).body.data).toEqual(user!.user);
  });

  it('another user’s name -> 404 for a user, 200 for an admin', async () => {
    const [user, other] = await register(2);
    await user!.put(`/${other!.id}`, { firstName: 'X' }).expect(404);
    const { body } = await admin.put(`/${other!.id}`, { firstName: 'X', lastName: 'Y' }).expect(200);
    expect(body.data).toMatchObject({ fullName: 'X Y' });
  });

  it('an admin deactivates -> tokens stop at once, every login is over; activated again, the old ones stay over', async () => {
    const user = await test.register();
    const { body } = await admin.put(`/${user.id}`, { isActive: false }).expect(200);
    expect(body.data.isActive).toBe(false);
    await user.get('/me').expect(401);
    await test.anybody.post('/refresh', { refreshToken: user.refreshToken }).expect(401);
    expect((await test.eventsOf(user.id)).slice(1)).toEqual([
      { type: 'user.updated', subject: user.id, sequence: 2, data: body.data },
      {
        type: 'user.access_revoked',
        subject: user.id,
        sequence: 3,
        data: { userId: user.id, minimumVersion: 2, reason: 'deactivated' },
      },
    ]);

    await admin.put(`/${user.id}`, { isActive: true }).expect(200);
    await user.get('/me').expect(401);
    await test.anybody.post('/refresh', { refreshToken: user.refreshToken }).expect(401);
    const again = await test.login({ email: user.email, password: PASSWORD });
    await again.get('/me').expect(200);
  });

  it('a new role -> tokens with the old one stop at once; a new login has the new one', async () => {
    const user = await test.register();
    await admin.put(`/${user.id}`, { role: 'admin' }).expect(200);
    await user.get().expect(401);
    const promoted = await test.login({ email: user.email, password: PASSWORD });
    await promoted.get(`/${admin.id}`).expect(200);
    await admin.put(`/${user.id}`, { role: 'user' }).expect(200);
    await promoted.get(`/${admin.id}`).expect(401);
    const minimumVersions = (await test.eventsOf(user.id)).map(({ type, data }) => [type, data.minimumVersion]);
    expect(minimumVersions).toEqual([
      ['user.created', undefined],
      ['user.updated', undefined],
      ['user.access_revoked', 2],
      ['user.updated', undefined],
      ['user.access_revoked', 3],
    ]);
  });

  it('ten changes at once -> each either wins or gets 409, and each that wins is reported once', async () => {
    const user = await test.register();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => user.put(`/${user.id}`, { firstName: `Name ${n}` })),
    );
    const won = answers.filter(({ status }) => status === 200).length;
    expect(won).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(10 - won);
    const events = await test.eventsOf(user.id);
    expect(events.map(({ sequence }) => sequence)).toEqual(Array.from({ length: won + 1 }, (_, n) => n + 1));
    expect((await user.get('/me').expect(200)).body.data).toEqual(events.at(-1)!.data);
  });
});

describe('DELETE /users/:id', () => {
  it('oneself -> gone on every path, tokens stop, and the email is free again', async () => {
    const user = await test.register();
    const { body } = await user.delete(`/${user.id}`).expect(200);
    expect(body).toEqual({ success: true, message: 'User deleted', data: null });

    await user.get('/me').expect(401);
    await test.anybody.post('/refresh', { refreshToken: user.refreshToken }).expect(401);
    await test.anybody.post('/login', { email: user.email, password: PASSWORD }).expect(401);
    await admin.get(`/${user.id}`).expect(404);
    await admin.put(`/${user.id}`, { firstName: 'X' }).expect(404);
    await admin.delete(`/${user.id}`).expect(404);
    expect((await admin.get(`?ids=${user.id}`).expect(200)).body.data).toEqual([]);
    expect((await admin.get(`?email=${user.email}`).expect(200)).body).toMatchObject({ data: [], meta: { total: 0 } });

    const successor = await test.register({ email: user.email });
    expect(successor.id).not.toBe(user.id);
    expect(await test.query('SELECT FROM users WHERE email = $1', [user.email])).toHaveLength(2);
    const [deleted, revoked, ...others] = (await test.eventsOf(user.id)).slice(1);
    expect(others).toEqual([]);
    expect(deleted).toEqual({
      type: 'user.deleted',
      subject: user.id,
      sequence: 2,
      data: { ...user.user, updatedAt: expect.any(String) },
    });
    expect(revoked).toMatchObject({
      type: 'user.access_revoked',
      sequence: 3,
      data: { userId: user.id, minimumVersion: 2, reason: 'deleted' },
    });
  });

  it('somebody else -> 404 for a user, 200 for an admin', async () => {
    const [user, other] = await register(2);
    await user!.delete(`/${other!.id}`).expect(404);
    await other!.get('/me').expect(200);
    await admin.delete(`/${other!.id}`).expect(200);
    await other!.get('/me').expect(401);
  });

  it('ten times at once -> done once', async () => {
    const user = await test.register();
    const answers = await Promise.all(Array.from({ length: 10 }, () => admin.delete(`/${user.id}`)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status } of answers) expect([200, 404, 409]).toContain(status);
    expect(await test.eventsOf(user.id)).toHaveLength(3);
  });
});

describe('the last active admin', () => {
  it('can’t be deleted, demoted or deactivated -> 409; renamed it can be', async () => {
    const { body } = await admin.delete(`/${admin.id}`).expect(409);
    expect(body.error).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('last active admin') });
    await admin.put(`/${admin.id}`, { role: 'user' }).expect(409);
    await admin.put(`/${admin.id}`, { isActive: false }).expect(409);
    await admin.put(`/${admin.id}`, { firstName: 'Renamed' }).expect(200);
  });

  it('an admin that is deactivated or deleted -> does not count', async () => {
    const { id } = await test.register();
    await admin.put(`/${id}`, { role: 'admin' }).expect(200);
    await admin.put(`/${id}`, { isActive: false }).expect(200);
    await admin.delete(`/${admin.id}`).expect(409);
    await admin.delete(`/${id}`).expect(200);
    await admin.delete(`/${admin.id}`).expect(409);
  });

  it('three admins that all go at once, time after time -> one stays', async () => {
    for (let round = 0; round < 5; round++) {
      const others = await register(2);
      for (const { id } of others) await admin.put(`/${id}`, { role: 'admin' }).expect(200);
      const goers = await Promise.all(others.map(({ email }) => test.login({ email, password: PASSWORD })));
      const answers = await Promise.all([
        admin.put(`/${admin.id}`, { isActive: false }),
        goers[0]!.delete(`/${goers[0]!.id}`),
        goers[1]!.put(`/${goers[1]!.id}`, { role: 'user' }),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 409]);
      const left = await test.query(`SELECT FROM users WHERE role = 'admin' AND is_active AND deleted_at IS NULL`);
      expect(left).toHaveLength(1);
      await test.query(`UPDATE users SET is_active = true WHERE id = $1`, [admin.id]);
      await test.query(`UPDATE users SET role = 'user' WHERE id <> $1`, [admin.id]);
      admin = await test.admin();
    }
  });
});

describe('who may call', () => {
  const routes = [
    ['get', ''],
    ['get', '/me'],
    ['get', `/${randomUUID()}`],
    ['put', `/${randomUUID()}`],
    ['delete', `/${randomUUID()}`],
  ] as const;

  it.each(routes)('%s /users%s without a token -> 401', async (method, path) => {
    const answer = await test.anybody[method](path, {}).expect(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });

  it('other methods and paths -> 405 with Allow, 404', async () => {
    await admin.post('').expect(405).expect('Allow', 'GET, HEAD, OPTIONS');
    await admin.put('/me', {}).expect(405).expect('Allow', 'GET, HEAD, OPTIONS');
    await admin.post(`/${admin.id}`).expect(405).expect('Allow', 'GET, HEAD, PUT, DELETE, OPTIONS');
    await admin.get('/me/orders').expect(404);
  });
});

describe('the database itself', () => {
  it('two living users with one email, in whatever case -> refused', async () => {
    const { id, email } = await test.register();
    const copy = test.query(
      `INSERT INTO users (id, email, password_hash, first_name, last_name, role, is_active, created_at, updated_at)
       SELECT gen_random_uuid(), upper(email), password_hash, first_name, last_name, role, is_active, created_at, updated_at
       FROM users WHERE id = $1`,
      [id],
    );
    await expect(copy).rejects.toMatchObject({ code: '23505', constraint: 'users_email_key' });
    expect(await test.query('SELECT FROM users WHERE lower(email) = $1', [email])).toHaveLength(1);
  });

  it('a password in clear -> refused', async () => {
    const { email } = registration();
    const insert = test.query(
      `INSERT INTO users (id, email, password_hash, first_name, last_name, role, is_active, created_at, updated_at)
       VALUES (gen_random_uuid(), $1, $2, 'A', 'B', 'user', true, now(), now())`,
      [email, PASSWORD],
    );
    await expect(insert).rejects.toMatchObject({ code: '23514', constraint: 'users_password_hash_check' });
  });
});

describe('an admin whose token was revoked, at a process that has not learned of it', () => {
  const at = (service: { port: number }, { token }: { token: string }) =>
    callerOf(`http://127.0.0.1:${service.port}`, token);
  const stateOf = async (id: string) =>
    (await test.query('SELECT first_name, role, is_active, version, deleted_at FROM users WHERE id = $1', [id]))[0];
  const newAdmin = async (): Promise<TestUser> => {
    const user = await test.register();
    await admin.put(`/${user.id}`, { role: 'admin' }).expect(200);
    return test.login({ email: user.email, password: PASSWORD });
  };
  let deaf: RunningService;
  beforeAll(async () => {
    // Nobody listens there: its revocations never arrive.
    deaf = await test.startAnother({ brokerUrl: 'amqp://guest:guest@127.0.0.1:1' });
  });
  afterAll(() => deaf.stop());

  it.each([
    ['demoted', (id: string) => admin.put(`/${id}`, { role: 'user' })],
    ['deactivated', (id: string) => admin.put(`/${id}`, { isActive: false })],
    ['deleted', (id: string) => admin.delete(`/${id}`)],
  ])('%s -> 401 for what it would change, be it of itself or of others, and nothing is changed', async (_how, end) => {
    const [former, other] = [await newAdmin(), await test.register()];
    await at(deaf, former).get(`/${other.id}`).expect(200);
    await end(former.id).expect(200);
    const before = await Promise.all([stateOf(former.id), stateOf(other.id)]);

    const asked = at(deaf, former);
    const answers = [
      await asked.put(`/${former.id}`, { role: 'admin', isActive: true }),
      await asked.put(`/${former.id}`, { firstName: 'Mallory' }),
      await asked.put(`/${other.id}`, { role: 'admin' }),
      await asked.put(`/${other.id}`, { isActive: false }),
      await asked.delete(`/${other.id}`),
      await asked.delete(`/${former.id}`),
    ];

    // Whoever is gone is not found, before anybody is asked who wants to know.
    for (const { status } of answers) expect([401, 404]).toContain(status);
    expect(answers[3]!.status).toBe(401);
    expect(answers[3]!.headers['www-authenticate']).toBe('Bearer');
    expect(await Promise.all([stateOf(former.id), stateOf(other.id)])).toEqual(before);
  });

  it('two that take each other’s role at the same moment -> one does, and stays an admin', async () => {
    for (let round = 0; round < 5; round++) {
      const [one, two] = [await newAdmin(), await newAdmin()];

      const answers = await Promise.all([
        at(test.service, one).put(`/${two.id}`, { role: 'user' }),
        at(deaf, two).put(`/${one.id}`, { role: 'user' }),
      ]);

      expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
      const roles = await Promise.all([stateOf(one.id), stateOf(two.id)]);
      expect(roles.map((row) => row!.role).sort()).toEqual(['admin', 'user']);
    }
  });
});
