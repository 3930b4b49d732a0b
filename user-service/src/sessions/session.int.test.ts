import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, createPublicKey } from 'node:crypto';
import { AccessTokenVerifier, RevocationList } from '@shop/common/auth';
import { eventSchemas } from '@shop/common/contracts';
import { eventually } from '@shop/testing';
import jwt from 'jsonwebtoken';
import supertest from 'supertest';
import type { Config } from '../config.js';
import {
  ADMIN,
  callerOf,
  PASSWORD,
  registration,
  startTestService,
  untilStatus,
  type Pair,
  type TestService,
} from '../../test/test-service.js';
import type { registerBody } from './session.validator.js';

const DAY = 24 * 60 * 60 * 1_000;

let test: TestService;
beforeAll(async () => {
  test = await startTestService();
});
afterEach(() => test.restoreTime());
afterAll(() => test.stop());

const refresh = (refreshToken: string) => test.anybody.post('/refresh', { refreshToken });
const refreshed = async (refreshToken: string): Promise<Pair> => (await refresh(refreshToken).expect(200)).body.data;

/** The answer to a login that has read its user, and meets this change of it before it is written. */
const loginDuring = async (change: string, { id, email }: { id: string; email: string }) => {
  const client = await test.connect();
  await client.query('BEGIN');
  await client.query(`${change} WHERE id = $1`, [id]);
  const login = test.anybody.post('/login', { email, password: PASSWORD }).then((answer) => answer);
  await eventually(async () => {
    const waiting = await test.query(
      `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
    );
    expect(waiting).toHaveLength(1);
  });
  await client.query('COMMIT');
  await client.end();
  return login;
};

describe('POST /users/register', () => {
  it('every field of the body -> stored, shown, and in the event; the password nowhere', async () => {
    const whole: Required<Awaited<ReturnType<typeof registerBody>>> = {
      email: 'whole@example.com',
      password: PASSWORD,
      firstName: 'Augusta Ada',
      lastName: 'King',
    };
    const { password: _secret, ...shown } = whole;
    const { user, token } = (await test.anybody.post('/register', whole).expect(201)).body.data;
    const { body } = await callerOf(test.url, token).get('/me').expect(200);
    expect(body.data).toMatchObject(shown);
    const [event] = await test.eventsOf(user.id);
    expect(event?.data).toMatchObject(shown);
    expect(JSON.stringify([body, event])).not.toContain('assword');
  });

  it('valid fields -> 201 with a pair and the user, whose email is normalised', async () => {
    const { body } = await test.anybody
      .post(
        '/register',
        registration({ email: '  Grace.HOPPER@Example.com ', firstName: ' Grace ', lastName: 'Hopper' }),
      )
      .expect(201);

    expect(body).toEqual({
      success: true,
      message: expect.any(String),
      data: {
        token: expect.any(String),
        refreshToken: expect.any(String),
        expiresIn: 3_600,
        user: {
          id: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-7/),
          email: 'grace.hopper@example.com',
          firstName: 'Grace',
          lastName: 'Hopper',
          fullName: 'Grace Hopper',
          role: 'user',
          isActive: true,
          createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          updatedAt: body.data.user.createdAt,
        },
      },
    });
    await callerOf(test.url, body.data.token).get('/me').expect(200);
  });

  it('publishes it -> user.created with the whole resource, in the same transaction', async () => {
    const { id, user } = await test.register();
    const [event, ...others] = await test.eventsOf(id);
    expect(others).toEqual([]);
    expect(event).toEqual({ type: 'user.created', subject: id, sequence: 1, data: user });
  });

  it('an email that is taken, in whatever case -> 409', async () => {
    const { email } = await test.register();
    const { body } = await test.anybody.post('/register', registration({ email: email.toUpperCase() })).expect(409);
    expect(body.error.code).toBe('CONFLICT');
  });

  it('the same email ten times at once -> one user, nine 409', async () => {
    const fields = registration();
    const answers = await Promise.all(Array.from({ length: 10 }, () => test.anybody.post('/register', fields)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 9 }, () => 409)]);
  });

  it('all fields wrong -> 400 that names each', async () => {
    const { body } = await test.anybody
      .post('/register', { email: 'nobody', password: 'short', firstName: ' ', lastName: 7 })
      .expect(400);
    expect(body.error).toMatchObject({
      code: 'INVALID_INPUT',
      details: expect.stringContaining('email: Invalid email format'),
    });
    expect(body.error.fields.map(({ field }: { field: string }) => field)).toEqual([
      'email',
      'password',
      'firstName',
      'lastName',
    ]);
  });

  it.each([
    ['7 bytes', 400, 'x'.repeat(7)],
    ['8 bytes', 201, 'x'.repeat(8)],
    ['72 bytes in 36 characters', 201, 'ä'.repeat(36)],
    ['73 bytes in 37 characters', 400, `${'ä'.repeat(36)}x`],
    ['8 bytes with a NUL', 400, 'passwor\0'],
  ])('a password of %s -> %d', async (_length, status, password) => {
    await test.anybody.post('/register', registration({ password })).expect(status);
  });

  it('a role, an id and other fields that are nobody else’s to choose -> ignored', async () => {
    const { user } = await test.register({ role: 'admin', isActive: false, id: 'x', tokenVersion: 9 });
    expect(user).toMatchObject({ role: 'user', isActive: true });
  });

  it('a bad Authorization header -> no matter: register, login and refresh ignore it', async () => {
    const stale = callerOf(test.url, 'stale');
    const fields = registration();
    const { body } = await stale.post('/register', fields).expect(201);
    await stale.post('/login', { email: fields.email, password: fields.password }).expect(200);
    await stale.post('/refresh', { refreshToken: body.data.refreshToken }).expect(200);
  });
});

describe('POST /users/login', () => {
  it('right password -> 200 with a pair that works', async () => {
    const { email, user } = await test.register();
    const { body } = await test.anybody
      .post('/login', { email: ` ${email.toUpperCase()}`, password: PASSWORD })
      .expect(200);
    expect(body.data).toMatchObject({ expiresIn: 3_600, user });
    await callerOf(test.url, body.data.token).get('/me').expect(200);
  });

  it('unknown email, wrong password -> the same 401', async () => {
    const { email } = await test.register();
    const answers = await Promise.all([
      test.anybody.post('/login', { email, password: 'wrong password' }).expect(401),
      test.anybody.post('/login', { email: 'nobody@example.com', password: 'wrong password' }).expect(401),
    ]);
    const [known, unknown] = answers.map(({ body }) => ({ ...body, requestId: '' }));
    expect(known).toEqual(unknown);
    expect(known.error).toMatchObject({ code: 'UNAUTHORIZED', message: 'Invalid email or password' });
  });

  it('changed while the password is checked -> 200 with the user as it is then', async () => {
    const { id, email } = await test.register();
    const changes = `first_name = 'Augusta', role = 'admin', token_version = 2, version = version + 2`;
    const { status, body } = await loginDuring(`UPDATE users SET ${changes}`, { id, email });
    expect(status).toBe(200);
    expect(body.data.user).toMatchObject({ id, email, firstName: 'Augusta', role: 'admin' });
    expect(jwt.decode(body.data.token)).toMatchObject({ sub: id, role: 'admin', ver: 2 });
  });

  it('deactivated -> 403, but only after the right password', async () => {
    const { id, email } = await test.register();
    const admin = await test.admin();
    await admin.put(`/${id}`, { isActive: false }).expect(200);
    await test.anybody.post('/login', { email, password: 'wrong password' }).expect(401);
    await test.anybody.post('/login', { email, password: PASSWORD }).expect(403);
  });

  it('a password of which only the first 72 bytes are right -> not let in', async () => {
    const password = 'p'.repeat(72);
    const { email } = await test.register({ password });
    await test.anybody.post('/login', { email, password: `${password}x` }).expect(400);
  });

  it('more at a time than a user may have -> the oldest ends like a logout, and the system is named for it', async () => {
    const user = await test.register();
    await test.query(
      `INSERT INTO sessions (id, user_id, created_at, expires_at, ended_at, end_reason)
       SELECT gen_random_uuid(), $1, now() + n * interval '1 second', now() + interval '90 days',
         CASE WHEN n > 98 THEN now() END, CASE WHEN n > 98 THEN 'logout'::session_end END
       FROM generate_series(1, 120) AS n`,
      [user.id],
    );
    const live = async () =>
      (await test.query('SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL', [user.id])).length;
    await test.login({ email: user.email, password: PASSWORD });
    expect(await live()).toBe(100);
    await user.get('/me').expect(200);

    const newest = await test.login({ email: user.email, password: PASSWORD });

    expect(await live()).toBe(100);
    await user.get('/me').expect(401);
    await test.anybody.post('/refresh', { refreshToken: user.refreshToken }).expect(401);
    await newest.get('/me').expect(200);
    const { sid } = jwt.decode(user.token) as { sid: string };
    expect(await test.eventsOf(sid)).toEqual([
      { type: 'user.access_revoked', subject: sid, sequence: 1, data: { userId: user.id, sid, reason: 'logout' } },
    ]);
    expect(
      await test.query(
        `SELECT actor_id, details FROM audit_trail WHERE action = 'user.logged_out' AND subject_id = $1`,
        [user.id],
      ),
    ).toEqual([{ actor_id: null, details: { sessionId: sid, reason: 'too_many_log_ins' } }]);
  });
});

describe('access tokens', () => {
  it('are JWTs of type at+jwt, signed with ES256, with every claim of the contract', async () => {
    const { token, id, email } = await test.register();
    const { header, payload } = jwt.decode(token, { complete: true })!;
    expect(header).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.stringMatching(/^[\w-]{43}$/) });
    expect(payload).toEqual({
      iss: test.config.tokenIssuer,
      aud: test.config.tokenAudience,
      sub: id,
      email,
      role: 'user',
      sid: expect.any(String),
      ver: 1,
      iat: expect.any(Number),
      exp: (payload as jwt.JwtPayload).iat! + 3_600,
      jti: expect.any(String),
      client_id: 'shop',
    });
  });

  it('the keys at /.well-known/jwks.json -> verify them; cacheable, without the private part', async () => {
    const { token } = await test.register();
    const answer = await supertest(test.url).get('/.well-known/jwks.json').expect(200);
    expect(answer.headers['cache-control']).toBe('public, max-age=300');
    const { keys } = answer.body;
    expect(keys).toEqual([
      {
        kty: 'EC',
        crv: 'P-256',
        x: expect.any(String),
        y: expect.any(String),
        kid: jwt.decode(token, { complete: true })!.header.kid,
        alg: 'ES256',
        use: 'sig',
      },
    ]);
    const verifier = new AccessTokenVerifier({
      publicKeys: [createPublicKey({ key: keys[0], format: 'jwk' })],
      issuer: test.config.tokenIssuer,
      audience: test.config.tokenAudience,
      revocations: new RevocationList({ lifetime: 3_600_000 }),
    });
    expect(verifier.verify(token).role).toBe('user');
    await supertest(test.url).post('/.well-known/jwks.json').expect(405).expect('Allow', 'GET, HEAD, OPTIONS');
  });
});

describe('POST /users/refresh', () => {
  it('a refresh token -> a new pair in the same login; the old access token lives on', async () => {
    const user = await test.register();
    const next = await refreshed(user.refreshToken);
    expect(next.refreshToken).not.toBe(user.refreshToken);
    expect(next).toMatchObject({ expiresIn: 3_600, user: user.user });
    const [before, after] = [user.token, next.token].map((token) => jwt.decode(token) as jwt.JwtPayload);
    expect(after!.sid).toBe(before!.sid);
    expect(after!.jti).not.toBe(before!.jti);
    await user.get('/me').expect(200);
    await callerOf(test.url, next.token).get('/me').expect(200);
  });

  it('presented again within 30 s -> the same successor; 20 at once keep one family', async () => {
    const { refreshToken, id } = await test.register();
    const pairs = await Promise.all(Array.from({ length: 20 }, () => refreshed(refreshToken)));
    const successors = new Set(pairs.map((pair) => pair.refreshToken));
    expect(successors.size).toBe(1);
    test.passTime(20_000);
    expect((await refreshed(refreshToken)).refreshToken).toBe([...successors][0]);
    await refreshed([...successors][0]!);
    expect(await test.query('SELECT ended_at FROM sessions WHERE user_id = $1', [id])).toEqual([{ ended_at: null }]);
    expect(
      await test.query('SELECT FROM refresh_tokens JOIN sessions ON id = session_id WHERE user_id = $1', [id]),
    ).toHaveLength(3);
  });

  it('its answer is lost with the process that gave it -> another one gives the same successor', async () => {
    const { refreshToken, id } = await test.register();
    const lost = await test.startAnother();
    const { body } = await callerOf(`http://127.0.0.1:${lost.port}`).post('/refresh', { refreshToken }).expect(200);
    await lost.stop();

    const next = await refreshed(refreshToken);

    expect(next.refreshToken).toBe(body.data.refreshToken);
    await refreshed(next.refreshToken);
    expect(await test.query('SELECT ended_at FROM sessions WHERE user_id = $1', [id])).toEqual([{ ended_at: null }]);
  });

  it('its secret rotates, and answers of either process are lost in each step -> the same successor from both', async () => {
    const [before, next] = [test.config.refreshTokenSecret, 'the-next-refresh-token-secret'];
    const settings: Partial<Config>[] = [
      { refreshTokenSecret: before },
      { refreshTokenSecret: before, otherRefreshTokenSecret: next },
      { refreshTokenSecret: next, otherRefreshTokenSecret: before },
    ];
    const processes = await Promise.all(settings.map((overrides) => test.startAnother(overrides)));
    const [old, prepared, changed] = processes.map(({ port }) => `http://127.0.0.1:${port}`);
    let { refreshToken } = await test.register();
    const refreshAt = async (url = ''): Promise<string> =>
      (await callerOf(url).post('/refresh', { refreshToken }).expect(200)).body.data.refreshToken;
    for (const [one, other] of [
      [old, prepared],
      [prepared, changed],
    ]) {
      for (const [first, second] of [
        [one, other],
        [other, one],
      ]) {
        const successor = await refreshAt(first);
        expect(await refreshAt(second)).toBe(successor);
        refreshToken = successor;
      }
    }
    await Promise.all(processes.map((one) => one.stop()));
  });

  it('its secret was exchanged at once -> a token that is presented again is refused, all others go on', async () => {
    const { refreshToken } = await test.register();
    const { refreshToken: current } = await refreshed(refreshToken);
    const other = await test.startAnother({ refreshTokenSecret: 'another-refresh-token-secret' });
    const caller = callerOf(`http://127.0.0.1:${other.port}`);
    await caller.post('/refresh', { refreshToken }).expect(401);
    const { body } = await caller.post('/refresh', { refreshToken: current }).expect(200);
    await caller.post('/refresh', { refreshToken: body.data.refreshToken }).expect(200);
    await other.stop();
  });

  it('the database fails in the middle -> 503 or 500, and the token is as good as before', async () => {
    const { refreshToken, id } = await test.register();
    const { id: sid } = (await test.query<{ id: string }>('SELECT id FROM sessions WHERE user_id = $1', [id]))[0]!;
    await test.query(`CREATE FUNCTION fail_refresh() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW.session_id = '${sid}' THEN RAISE EXCEPTION 'disk full' USING ERRCODE = '53100'; END IF; RETURN NEW; END $$`);
    await test.query(
      'CREATE TRIGGER fail_refresh BEFORE INSERT ON refresh_tokens FOR EACH ROW EXECUTE FUNCTION fail_refresh()',
    );
    try {
      expect((await refresh(refreshToken)).status).toBeGreaterThanOrEqual(500);
    } finally {
      await test.query('DROP FUNCTION fail_refresh CASCADE');
    }

    test.passTime(31_000); // had it been replaced, this would be a reuse
    const next = await refreshed(refreshToken);
    await refreshed(next.refreshToken);
  });

  it('presented again later -> 401, and its whole login is over, access tokens included', async () => {
    const user = await test.register();
    const next = await refreshed(user.refreshToken);
    test.passTime(31_000);

    const { body } = await refresh(user.refreshToken).expect(401);
    expect(body.error).toMatchObject({ code: 'UNAUTHORIZED', message: 'Invalid refresh token' });
    await refresh(next.refreshToken).expect(401);
    await refresh(user.refreshToken).expect(401);
    await user.get('/me').expect(401);

    const { sid } = jwt.decode(user.token) as { sid: string };
    expect(await test.eventsOf(sid)).toEqual([
      {
        type: 'user.access_revoked',
        subject: sid,
        sequence: 1,
        data: { userId: user.id, sid, reason: 'reuse' },
      },
    ]);
    await test.login({ email: user.email, password: PASSWORD });
  });

  it('idle for 30 days -> 401; refreshed in time, it goes on', async () => {
    const idle = await test.register();
    const busy = await test.register();
    test.passTime(29 * DAY);
    const next = await refreshed(busy.refreshToken);
    test.passTime(2 * DAY);
    await refresh(idle.refreshToken).expect(401);
    await refreshed(next.refreshToken);
  });

  it('after 90 days -> 401, however busy', async () => {
    let { refreshToken } = await test.register();
    for (let days = 0; days < 80; days += 20) {
      test.passTime(20 * DAY);
      ({ refreshToken } = await refreshed(refreshToken));
    }
    test.passTime(10 * DAY);
    await refresh(refreshToken).expect(401);
  });

  it('an unknown token, an access token, none -> 401, 401, 400', async () => {
    const { token } = await test.register();
    await refresh('x'.repeat(43)).expect(401);
    await refresh(token).expect(401);
    await test.anybody.post('/refresh').expect(400);
  });

  it('a refresh token as access token -> 401', async () => {
    const { refreshToken } = await test.register();
    await callerOf(test.url, refreshToken).get('/me').expect(401);
  });

  it('after a new role -> the next access token carries it', async () => {
    const user = await test.register();
    const admin = await test.admin();
    await admin.put(`/${user.id}`, { role: 'admin' }).expect(200);
    await user.get('/me').expect(401);
    const next = await refreshed(user.refreshToken);
    expect(jwt.decode(next.token)).toMatchObject({ role: 'admin', ver: 2 });
  });

  it('what is stored -> hashes, no token', async () => {
    const user = await test.register();
    const next = await refreshed(user.refreshToken);
    const hashes = [user, next].map(({ refreshToken }) => createHash('sha256').update(refreshToken).digest('hex'));
    const stored = await test.query(
      `SELECT encode(hash, 'hex') AS hash FROM refresh_tokens JOIN sessions ON id = session_id WHERE user_id = $1`,
      [user.id],
    );
    expect(stored.map(({ hash }) => hash as string).sort()).toEqual(hashes.sort());
    for (const table of ['users', 'sessions', 'refresh_tokens', 'outbox']) {
      const [rows] = await test.query<{ text: string }>(
        `SELECT coalesce(string_agg(t::text, ''), '') AS text FROM ${table} AS t`,
      );
      for (const secret of [user.refreshToken, next.refreshToken, user.token, PASSWORD]) {
        expect(rows!.text).not.toContain(secret);
      }
    }
  });
});

describe('POST /users/logout', () => {
  it('ends this login at once, its access and refresh tokens; another one goes on', async () => {
    const user = await test.register();
    const other = await test.login({ email: user.email, password: PASSWORD });

    const { body } = await user.post('/logout').expect(200);
    expect(body).toEqual({ success: true, message: 'Logged out', data: null });

    await user.get('/me').expect(401);
    await refresh(user.refreshToken).expect(401);
    await other.get('/me').expect(200);
    await refreshed(other.refreshToken);
    const { sid } = jwt.decode(user.token) as { sid: string };
    expect(await test.eventsOf(sid)).toMatchObject([{ type: 'user.access_revoked', data: { sid, reason: 'logout' } }]);
  });

  it('twice at once -> one event', async () => {
    const user = await test.register();
    await Promise.all([user.post('/logout'), user.post('/logout')]);
    const { sid } = jwt.decode(user.token) as { sid: string };
    expect(await test.eventsOf(sid)).toHaveLength(1);
  });
});

describe('PUT /users/me/password', () => {
  const NEW = 'another good password';

  it('the right current one -> a new pair; every other login is over, and so is the old password', async () => {
    const user = await test.register();
    const other = await test.login({ email: user.email, password: PASSWORD });

    const { body } = await user.put('/me/password', { current: PASSWORD, new: NEW }).expect(200);

    const pair: Pair = body.data;
    await callerOf(test.url, pair.token).get('/me').expect(200);
    await refreshed(pair.refreshToken);
    for (const old of [user, other]) {
      await old.get('/me').expect(401);
      await refresh(old.refreshToken).expect(401);
    }
    await test.anybody.post('/login', { email: user.email, password: PASSWORD }).expect(401);
    await test.login({ email: user.email, password: NEW });
    expect((await test.eventsOf(user.id)).slice(1)).toEqual([
      { type: 'user.updated', subject: user.id, sequence: 2, data: pair.user },
      {
        type: 'user.access_revoked',
        subject: user.id,
        sequence: 3,
        data: { userId: user.id, minimumVersion: 2, reason: 'password_changed' },
      },
    ]);
  });

  it('a wrong current one, a new one too short -> 400, nothing changes', async () => {
    const user = await test.register();
    const { body } = await user.put('/me/password', { current: 'wrong', new: NEW }).expect(400);
    expect(body.error.fields).toEqual([{ field: 'current', message: 'is not the current password' }]);
    await user.put('/me/password', { current: PASSWORD, new: 'short' }).expect(400);
    await user.get('/me').expect(200);
  });

  it('a login with the old password that was checked just before -> refused', async () => {
    const { id, email } = await test.register();
    const { status } = await loginDuring(`UPDATE users SET password_hash = '$2b$04$' || repeat('x', 53)`, {
      id,
      email,
    });
    expect(status).toBe(401);
    expect(await test.query('SELECT FROM sessions WHERE user_id = $1', [id])).toHaveLength(1);
  });

  it('twice at once -> one wins, the other is refused, and one login is left', async () => {
    const user = await test.register();
    const answers = await Promise.all(
      [1, 2].map((number) => user.put('/me/password', { current: PASSWORD, new: `new password ${number}` })),
    );
    const [won, lost] = answers.map(({ status }) => status).sort();
    expect(won).toBe(200);
    expect([400, 401, 409]).toContain(lost);
    const open = await test.query('SELECT FROM sessions WHERE user_id = $1 AND ended_at IS NULL', [user.id]);
    expect(open).toHaveLength(1);
  });
});

describe('who may call', () => {
  it.each([
    ['post', '/logout'],
    ['put', '/me/password'],
  ] as const)('%s %s without a token -> 401 with WWW-Authenticate', async (method, path) => {
    const answer = await test.anybody[method](path, {}).expect(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.body.error.code).toBe('UNAUTHORIZED');
  });

  it.each(['/register', '/login', '/refresh', '/logout'])('GET %s -> 405 with Allow', async (path) => {
    await test.anybody.get(path).expect(405).expect('Allow', 'POST, OPTIONS');
  });
});

describe('another process', () => {
  it('a logout, a new password, a deactivation here -> refused there within 2 s, also by one that starts later', async () => {
    const there = await test.startAnother();
    try {
      const at = (port: number, token: string) => callerOf(`http://127.0.0.1:${port}`, token).get('/me');
      const [leaver, changer, deactivated] = [await test.register(), await test.register(), await test.register()];
      for (const { token } of [leaver, changer, deactivated]) await at(there.port, token).expect(200);
      const admin = await test.login(ADMIN);

      await leaver.post('/logout').expect(200);
      await changer.put('/me/password', { current: PASSWORD, new: 'another good password' }).expect(200);
      await admin.put(`/${deactivated.id}`, { isActive: false }).expect(200);

      const timeout = 2_000;
      for (const { token } of [leaver, changer, deactivated]) {
        await untilStatus(401, () => at(there.port, token), { timeout });
      }
      const late = await test.startAnother();
      try {
        for (const { token } of [leaver, changer, deactivated]) {
          await untilStatus(401, () => at(late.port, token), { timeout });
        }
        await at(late.port, admin.token).expect(200);
      } finally {
        await late.stop();
      }
    } finally {
      await there.stop();
    }
  });

  it('everything that was ever written into the outbox -> events of the contract', async () => {
    const rows = await test.query<{ type: keyof typeof eventSchemas; time: Date }>(
      'SELECT id, type, subject, sequence, time, data FROM outbox',
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { time, ...row } of rows) {
      const event = { ...row, specversion: '1.0', source: '/user-service', time: time.toISOString() };
      expect(eventSchemas[row.type].safeParse(event).error).toBeUndefined();
    }
    const repeated = await test.query('SELECT subject FROM outbox GROUP BY subject, sequence HAVING count(*) > 1');
    expect(repeated).toEqual([]);
  });
});
