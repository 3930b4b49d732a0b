import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { tablesOnDefaults } from '@shop/testing';
import { startTestService, type Pair, type TestService, type TestUser } from '../../test/test-service.js';

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

let test: TestService;

beforeAll(async () => {
  test = await startTestService();
});
afterEach(() => test.restoreTime());
afterAll(() => test.stop());

const refresh = (refreshToken: string) => test.anybody.post('/refresh', { refreshToken });
const refreshed = async (refreshToken: string): Promise<Pair> => (await refresh(refreshToken).expect(200)).body.data;
const sessionOf = async ({ id }: TestUser): Promise<string> =>
  (await test.query<{ id: string }>('SELECT id FROM sessions WHERE user_id = $1', [id]))[0]!.id;
const isThere = async (sessionId: string) =>
  (await test.query('SELECT FROM sessions WHERE id = $1', [sessionId])).length > 0;
const tokensOf = async (sessionId: string) =>
  (await test.query('SELECT FROM refresh_tokens WHERE session_id = $1', [sessionId])).length;

describe('a login', () => {
  it('that ended more than a week ago -> is forgotten with its tokens; one that ended later is not', async () => {
    const [old, recent] = [await test.register(), await test.register()];
    const sessions = [await sessionOf(old), await sessionOf(recent)] as const;
    await old.post('/logout').expect(200);
    test.passTime(2 * HOUR);
    await recent.post('/logout').expect(200);

    // A week, and an hour for the access tokens.
    await test.runLater(7 * DAY + 2 * HOUR, async () => expect(await isThere(sessions[0])).toBe(false));

    expect(await tokensOf(sessions[0])).toBe(0);
    expect(await isThere(sessions[1])).toBe(true);
    expect(await tokensOf(sessions[1])).toBe(1);
  });

  it('that goes on -> keeps every token it had, so that the use of a stolen one is noticed to its last day', async () => {
    const [user, ended] = [await test.register(), await test.register()];
    await ended.post('/logout').expect(200);
    const [session, endedSession] = [await sessionOf(user), await sessionOf(ended)];
    let latest: Pair = user;
    for (const days of [25, 50, 75, 89]) {
      test.restoreTime();
      test.passTime(days * DAY);
      latest = await refreshed(latest.refreshToken);
    }
    await test.runLater(89 * DAY, async () => expect(await isThere(endedSession)).toBe(false));

    expect(await tokensOf(session)).toBe(5);
    await refresh(user.refreshToken).expect(401); // the first one of all
    await refresh(latest.refreshToken).expect(401);
    const [{ end_reason: reason } = {}] = await test.query('SELECT end_reason FROM sessions WHERE id = $1', [session]);
    expect(reason).toBe('reuse');
  });

  it('past its greatest age -> is forgotten, and its tokens are refused as before', async () => {
    const user = await test.register();
    const session = await sessionOf(user);
    test.passTime(98 * DAY);
    await refresh(user.refreshToken).expect(401);
    await test.runLater(98 * DAY, async () => expect(await isThere(session)).toBe(false));

    const { body } = await refresh(user.refreshToken).expect(401);
    expect(body.error).toMatchObject({ code: 'UNAUTHORIZED', message: 'Invalid refresh token' });
  });

  it('with more tokens than are deleted at a time -> is forgotten all the same', async () => {
    const user = await test.register();
    const session = await sessionOf(user);
    await test.query(
      `INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at)
       SELECT sha256(number::text::bytea), $1, now(), now() + interval '1 day' FROM generate_series(1, 2500) AS number`,
      [session],
    );
    await user.post('/logout').expect(200);

    await test.runLater(8 * DAY, async () => expect(await isThere(session)).toBe(false));
  });
});

it('many logins -> those that are over are found by an index', async () => {
  const user = await test.register();
  await test.query(
    `INSERT INTO sessions (id, user_id, created_at, expires_at)
     SELECT gen_random_uuid(), $1, now(), now() + interval '90 days' FROM generate_series(1, 20000)`,
    [user.id],
  );
  await test.query('ANALYZE sessions');
  const plan = await test.query(
    `EXPLAIN (FORMAT JSON) SELECT id FROM sessions WHERE LEAST(ended_at, expires_at) < now()
     ORDER BY LEAST(ended_at, expires_at) LIMIT 1000`,
  );

  expect(JSON.stringify(plan)).toContain('sessions_over_idx');
});

it('every table that grows or changes -> is vacuumed and analyzed long before a fifth of it has changed', async () => {
  expect(await tablesOnDefaults(test.query)).toEqual(['_prisma_migrations']);
});
