import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { auditResource, type AuditResource } from '@shop/common/contracts';
import { addAuditEntry, auditTamperings, eventually } from '@shop/testing';
import {
  ADMIN,
  PASSWORD,
  registration,
  startTestService,
  type TestService,
  type TestUser,
} from '../test/test-service.js';

const SECOND = 1_000;
/** Few enough to be used up by hand. */
const login = { name: 'login', quota: 3, window: 600 * SECOND };

let test: TestService;
let admin: TestUser;

beforeAll(async () => {
  test = await startTestService({ trustedProxies: ['127.0.0.1'] });
  admin = await test.admin();
});
afterAll(() => test.stop());

async function trail(query: string): Promise<AuditResource[]> {
  const { body } = await admin.get(`/audit?limit=100&${query}`).expect(200);
  return auditResource.array().parse(body.data).reverse();
}
const trailOf = (userId: string) => trail(`subjectId=${userId}`);
/** What happened to a user, without how it came. */
const scenarioOf = async (userId: string) => (await trailOf(userId)).map(({ action }) => action);

describe('a login', () => {
  it('registration, login and logout -> who, from which address, in which request and login', async () => {
    const user = await test.register();
    const { body } = await test.anybody
      .post('/login', { email: user.email, password: PASSWORD })
      .set('X-Forwarded-For', '203.0.113.9')
      .set('X-Request-Id', 'request-of-user')
      .expect(200);
    await test.anybody.post('/logout').set('Authorization', `Bearer ${body.data.token}`).expect(200);
    await test.anybody.post('/logout').set('Authorization', `Bearer ${body.data.token}`).expect(401);

    const by = { actorId: user.id, actorRole: 'user', subjectKind: 'user', subjectId: user.id };
    const [registered, loggedIn, loggedOut, ...others] = await trailOf(user.id);
    expect(others).toEqual([]);
    expect(registered).toMatchObject({ action: 'user.registered', ...by });
    expect(loggedIn).toMatchObject({
      action: 'user.logged_in',
      ...by,
      clientAddress: '203.0.113.9',
      requestId: 'request-of-user',
    });
    expect(loggedOut).toMatchObject({ action: 'user.logged_out', ...by, details: loggedIn!.details });
    const [session] = await test.query<{ end_reason: string }>('SELECT end_reason FROM sessions WHERE id = $1', [
      loggedIn!.details.sessionId,
    ]);
    expect(session).toEqual({ end_reason: 'logout' });
  });

  it('with a wrong password, with an unknown address -> failed; the account only where there is one', async () => {
    const user = await test.register();
    const { email: unknown } = registration();
    await test.anybody.post('/login', { email: user.email, password: 'a wrong password' }).expect(401);
    await test.anybody.post('/login', { email: unknown, password: PASSWORD }).set('X-Request-Id', 'try-1').expect(401);
    await test.anybody
      .post('/login', { email: ` ${unknown.toUpperCase()}`, password: PASSWORD })
      .set('X-Request-Id', 'try-2')
      .expect(401);

    const failures = await trail('action=user.login_failed');
    const ofUser = failures.filter(({ subjectId }) => subjectId === user.id);
    expect(ofUser).toMatchObject([
      { actorId: null, clientAddress: '127.0.0.1', details: { reason: 'wrong_credentials' } },
    ]);
    const tries = failures.filter(({ requestId }) => requestId?.startsWith('try-'));
    expect(tries).toMatchObject([
      { actorId: null, subjectId: null, subjectKind: null, details: { reason: 'wrong_credentials' } },
      { actorId: null, subjectId: null, subjectKind: null, details: tries[0]!.details },
    ]);
    expect(tries[0]!.details.emailHash).toMatch(/^[\w-]{22}$/);
    expect(tries[0]!.details.emailHash).not.toBe(ofUser[0]!.details.emailHash);
  });

  it('of a deactivated user -> failed for that reason, after the right password only', async () => {
    const user = await test.register();
    await admin.put(`/${user.id}`, { isActive: false }).expect(200);
    await test.anybody.post('/login', { email: user.email, password: 'a wrong password' }).expect(401);
    await test.anybody.post('/login', { email: user.email, password: PASSWORD }).expect(403);

    const failures = await trail(`action=user.login_failed&subjectId=${user.id}`);
    expect(failures.map(({ details }) => details.reason)).toEqual(['wrong_credentials', 'deactivated']);
  });

  it('throttled -> the first refusal is in the trail, and not the many that follow', async () => {
    const strict = await startTestService({ attemptLimits: { ...test.config.attemptLimits, login } });
    try {
      const { email } = await strict.register();
      const attempt = () => strict.anybody.post('/login', { email, password: 'a wrong password' });
      for (let count = 0; count < login.quota; count++) await attempt().expect(401);
      await Promise.all(Array.from({ length: 10 }, () => attempt().expect(429)));

      const rows = await strict.query<{ reason: string; hash: string }>(
        `SELECT details->>'reason' AS reason, details->>'emailHash' AS hash FROM audit_trail
         WHERE action = 'user.login_failed' ORDER BY id`,
      );
      expect(rows.map(({ reason }) => reason)).toEqual([...Array(3).fill('wrong_credentials'), 'throttled']);
      expect(new Set(rows.map(({ hash }) => hash)).size).toBe(1);
    } finally {
      await strict.stop();
    }
  });

  it('a refresh token presented again long after -> its reuse, by nobody known', async () => {
    const user = await test.register();
    await test.anybody.post('/refresh', { refreshToken: user.refreshToken }).expect(200);
    test.passTime(31 * SECOND);
    await test.anybody.post('/refresh', { refreshToken: user.refreshToken }).expect(401);
    await test.anybody.post('/refresh', { refreshToken: user.refreshToken }).expect(401);
    test.restoreTime();

    expect(await trailOf(user.id)).toMatchObject([
      { action: 'user.registered' },
      { action: 'refresh_token.reused', actorId: null, details: { sessionId: expect.any(String) } },
    ]);
  });
});

describe('a change of a user', () => {
  it('by an admin -> who changed what; of names only that they were changed', async () => {
    const user = await test.register();
    await admin.put(`/${user.id}`, { role: 'admin', isActive: false, firstName: 'Grace' }).expect(200);
    await admin.put(`/${user.id}`, { isActive: true }).expect(200);
    await admin.delete(`/${user.id}`).expect(200);

    const [, ...changes] = await trailOf(user.id);
    expect(changes.map(({ action, details }) => [action, details])).toEqual([
      ['user.role_changed', { from: 'user', to: 'admin' }],
      ['user.deactivated', {}],
      ['user.updated', { fields: ['firstName'] }],
      ['user.activated', {}],
      ['user.deleted', {}],
    ]);
    for (const change of changes) expect(change).toMatchObject({ actorId: admin.id, actorRole: 'admin' });
    expect(await trail(`actorId=${admin.id}&subjectId=${user.id}`)).toHaveLength(5);
  });

  it('by itself -> new password and deletion, but not a new name', async () => {
    const user = await test.register();
    await user.put(`/${user.id}`, { firstName: 'Grace' }).expect(200);
    const { body } = await user.put('/me/password', { current: PASSWORD, new: 'another password' }).expect(200);
    await test.anybody.delete(`/${user.id}`).set('Authorization', `Bearer ${body.data.token}`).expect(200);

    expect(await scenarioOf(user.id)).toEqual(['user.registered', 'user.password_changed', 'user.deleted']);
    expect((await trailOf(user.id)).every(({ actorId }) => actorId === user.id)).toBe(true);
  });

  it('that is refused, or changes nothing -> is not in the trail', async () => {
    const [user, other] = [await test.register(), await test.register()];
    await other.put(`/${user.id}`, { firstName: 'Eve' }).expect(404);
    await user.put(`/${user.id}`, { role: 'admin' }).expect(403);
    await user.put('/me/password', { current: 'a wrong password', new: 'another password' }).expect(400);
    await admin.put(`/${user.id}`, { role: 'user', isActive: true, firstName: 'Ada' }).expect(200);
    await admin.delete(`/${admin.id}`).expect(409);
    await test.anybody.post('/register', registration({ email: user.email })).expect(409);

    expect(await scenarioOf(user.id)).toEqual(['user.registered']);
    expect(await scenarioOf(admin.id)).not.toContain('user.deleted');
  });

  it('the first admin, made at the start -> by the system', async () => {
    const [first] = await trailOf(admin.id);
    expect(first).toMatchObject({
      action: 'user.registered',
      actorId: null,
      details: { role: 'admin' },
      clientAddress: null,
    });
  });
});

it('all that was written -> no password, token, name or e-mail address', async () => {
  const user = await test.register({ firstName: 'Zaphod', lastName: 'Beeblebrox' });
  await test.anybody.post('/login', { email: user.email, password: 'a wrong password' }).expect(401);
  const { body } = await test.anybody.post('/refresh', { refreshToken: user.refreshToken }).expect(200);
  await admin.put(`/${user.id}`, { firstName: 'Ford' }).expect(200);

  const rows = JSON.stringify(await test.query('SELECT * FROM audit_trail'));
  expect(rows).toContain(user.id);
  const { token, refreshToken } = user;
  for (const secret of [PASSWORD, 'a wrong password', ADMIN.password, token, refreshToken, body.data.refreshToken]) {
    expect(rows).not.toContain(secret);
  }
  for (const personal of ['@', 'Zaphod', 'Beeblebrox', 'Ford']) expect(rows).not.toContain(personal);
});

describe('GET /audit', () => {
  it('anybody but an admin -> refused before anything is looked at', async () => {
    const user = await test.register();
    await user.get('/audit?limit=0').expect(403);
    await test.anybody.get('/audit').expect(401);
  });

  it('a filter of another service -> 400', async () => {
    const { body } = await admin.get('/audit?action=order.deleted').expect(400);
    expect(body.error.fields).toMatchObject([{ field: 'action' }]);
  });
});

describe('the data of a user', () => {
  it('asked for by itself or an admin -> the account and its open logins, and the trail says who asked', async () => {
    const user = await test.register();
    await test.anybody.post('/login', { email: user.email, password: PASSWORD }).expect(200);
    const { body: ended } = await test.anybody.post('/login', { email: user.email, password: PASSWORD }).expect(200);
    await test.anybody.post('/logout').set('Authorization', `Bearer ${ended.data.token}`).expect(200);

    const { body } = await user.get(`/${user.id}/personal-data`).expect(200);
    expect(body.data.user).toEqual((await user.get('/me').expect(200)).body.data);
    const open = 'SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL ORDER BY created_at DESC, id DESC';
    expect(body.data.sessions.map(({ id }: { id: string }) => id)).toEqual(
      (await test.query<{ id: string }>(open, [user.id])).map(({ id }) => id),
    );
    expect(body.data.sessions).toHaveLength(2);
    await admin.get(`/${user.id}/personal-data`).expect(200);

    expect(await trail(`action=user.data_exported&subjectId=${user.id}`)).toMatchObject([
      { actorId: user.id, actorRole: 'user' },
      { actorId: admin.id, actorRole: 'admin' },
    ]);
  });

  it('asked for by somebody else -> as if there were no such user, and nothing is noted', async () => {
    const [user, other] = [await test.register(), await test.register()];
    await other.get(`/${user.id}/personal-data`).expect(404);
    await other.get(`/${user.id}/audit`).expect(404);
    expect(await scenarioOf(user.id)).not.toContain('user.data_exported');
  });

  it('what can not be noted -> is not given', async () => {
    const user = await test.register();
    await test.query(`ALTER TABLE audit_trail ADD CONSTRAINT refused CHECK (subject_id <> '${user.id}') NOT VALID`);
    try {
      await user.get(`/${user.id}/personal-data`).expect(500);
    } finally {
      await test.query('ALTER TABLE audit_trail DROP CONSTRAINT refused');
    }
  });

  it('its trail, page by page -> all of it; from where it came itself, and not from where others did', async () => {
    const user = await test.register();
    await admin.put(`/${user.id}`, { firstName: 'Grace' }).expect(200);
    await test.anybody.post('/login', { email: user.email, password: 'a wrong password' }).expect(401);

    const entries: AuditResource[] = [];
    let cursor: string | null = null;
    do {
      const asked: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { body } = await user.get(`/${user.id}/audit?limit=2${asked}`).expect(200);
      entries.push(...auditResource.array().parse(body.data));
      cursor = body.meta.nextCursor;
    } while (cursor !== null);

    expect(entries).toMatchObject([
      { action: 'user.login_failed', actorId: null, clientAddress: '127.0.0.1' },
      { action: 'user.updated', actorId: admin.id, clientAddress: null, requestId: null, traceId: null },
      { action: 'user.registered', actorId: user.id, clientAddress: '127.0.0.1' },
    ]);
  });
});

describe('the trail in the database', () => {
  it.each(auditTamperings)('%s -> refused, and nothing is lost', async (tampering) => {
    const id = await addAuditEntry(test, 'user.deleted', '1 year -1 minute');

    await expect(test.query(tampering)).rejects.toMatchObject({ constraint: 'audit_trail_append_only' });

    expect(await test.query('SELECT actor_id FROM audit_trail WHERE id = $1', [id])).toEqual([{ actor_id: null }]);
  });

  it('what is a year old -> may go, and is purged by a running service', async () => {
    const [first, second] = [
      await addAuditEntry(test, 'user.deleted', '1 year'),
      await addAuditEntry(test, 'user.deleted', '1 year'),
    ];
    await test.query('DELETE FROM audit_trail WHERE id = $1', [first]);
    const another = await test.startAnother();
    try {
      await eventually(async () => {
        expect(await test.query('SELECT id FROM audit_trail WHERE id = $1', [second])).toEqual([]);
      });
    } finally {
      await another.stop();
    }
  });

  it('an entry that can not be written -> nobody is let in, and nothing is changed', async () => {
    const user = await test.register();
    await test.query(`ALTER TABLE audit_trail ADD CONSTRAINT refused CHECK (subject_id <> '${user.id}') NOT VALID`);
    await test.anybody.post('/login', { email: user.email, password: PASSWORD }).expect(500);
    await admin.put(`/${user.id}`, { role: 'admin' }).expect(500);
    await user.post('/logout').expect(500);

    await user.get('/me').expect(200);
    expect(await test.query('SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL', [user.id])).toHaveLength(
      1,
    );
    await test.query('ALTER TABLE audit_trail DROP CONSTRAINT refused');
    expect((await admin.get(`/${user.id}`).expect(200)).body.data.role).toBe('user');
  });
});
