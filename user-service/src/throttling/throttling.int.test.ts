import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createDatabaseAdapter } from '@shop/common/database';
import { RateLimited, ServiceUnavailable } from '@shop/common/errors';
import { spoofedAddresses } from '@shop/testing';
import bcrypt from 'bcrypt';
import type { Response } from 'supertest';
import {
  callerOf,
  PASSWORD,
  registration,
  startTestService,
  type TestService,
  type TestUser,
} from '../../test/test-service.js';
import type { Config } from '../config.js';
import { createDatabase, type Database } from '../database.js';
import { HashingQueue } from '../users/hashing-queue.js';
import { HashThreads } from '../users/hash-threads.js';
import { AttemptBudgetRepository, type Settlement } from './attempt-budget.repository.js';
import { budgetOf, keyOf, type AttemptBudget } from './attempt-limit.js';
import { Throttle } from './throttle.service.js';

const WRONG = 'wrong password';
const MINUTE = 60_000;

let test: TestService;
let limits: Config['attemptLimits'];
let database: Database;

beforeAll(async () => {
  test = await startTestService({ trustedProxies: ['127.0.0.1'] });
  limits = test.config.attemptLimits;
  database = createDatabase(
    createDatabaseAdapter({ url: test.config.databaseUrl, poolSize: 5, applicationName: 'test' }),
  );
});
beforeEach(() => test.query('TRUNCATE attempt_budgets'));
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(async () => {
  await database.$disconnect();
  await test.stop();
});

/** The address of a client that nobody else in these tests has. */
let clients = 0;
const newAddress = () => `10.${(++clients >> 16) & 255}.${(clients >> 8) & 255}.${clients & 255}`;
const newEmail = () => registration().email;

const login = (email: string, password: string, address: string, url = test.url): Promise<Response> =>
  callerOf(url)
    .post('/login', { email, password })
    .set('X-Forwarded-For', address)
    .then((answer) => answer);

const statusesOf = async (tries: readonly (() => Promise<Response>)[]): Promise<number[]> => {
  const statuses: number[] = [];
  for (const once of tries) statuses.push((await once()).status);
  return statuses;
};
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const counted = (statuses: readonly number[]) =>
  Object.fromEntries(
    [...new Set(statuses)].map((status) => [status, statuses.filter((other) => other === status).length]),
  );

/** As if this much time had gone by for every limit. */
const passTime = (milliseconds: number) =>
  test.query(`UPDATE attempt_budgets SET full_at = full_at - $1::integer * interval '1 millisecond'`, [milliseconds]);

/** Another process of the service with other limits. */
const withLimits = async (
  changes: Partial<Record<keyof Config['attemptLimits'], { quota: number }>>,
  run: (url: string) => Promise<void>,
  overrides: Partial<Config> = {},
) => {
  const attemptLimits = { ...limits };
  for (const [name, change] of Object.entries(changes) as [keyof typeof limits, { quota: number }][]) {
    attemptLimits[name] = { ...limits[name], ...change };
  }
  const service = await test.startAnother({ attemptLimits, ...overrides });
  try {
    await run(`http://127.0.0.1:${service.port}`);
  } finally {
    await service.stop();
  }
};

describe('wrong logins of one account from one address', () => {
  it('ten -> then 429, which says when to come back, whatever the password', async () => {
    const { email } = await test.register();
    const address = newAddress();

    expect(await statusesOf(times(10, () => () => login(email, WRONG, address)))).toEqual(Array(10).fill(401));
    const refused = await login(email, PASSWORD, address);

    expect(refused.status).toBe(429);
    expect(refused.body.error).toEqual({ code: 'RATE_LIMITED', message: 'Too many requests' });
    const wait = Number(refused.headers['retry-after']);
    expect(wait).toBeGreaterThan(60);
    expect(wait).toBeLessThanOrEqual(90);
    expect(refused.headers['ratelimit-policy']).toMatch(/, "login";q=10;w=900$/);
    expect(refused.headers.ratelimit).toMatch(new RegExp(`, "login";r=0;t=${wait}$`));
  });

  it('an account that does not exist -> alike in body, headers and count', async () => {
    const { email } = await test.register();
    const historyOf = async (who: string) => {
      const address = newAddress();
      const answers: Response[] = [];
      for (let n = 0; n < 12; n++) answers.push(await login(who, WRONG, address));
      return answers.map(({ status, headers, body }) => ({
        status,
        headers: Object.entries({ ...headers, 'x-request-id': '', traceparent: '', date: '' }).map(([name, value]) => [
          name,
          // The moment, and what else was asked in it.
          value.replace(/r=\d+;t=\d+/g, '').replace(/^\d\d$/, ''),
        ]),
        body: { ...body, requestId: '' },
      }));
    };

    const [known, unknown] = [await historyOf(email), await historyOf(newEmail())];

    expect(known).toEqual(unknown);
    expect(known.map(({ status }) => status)).toEqual([...Array(10).fill(401), 429, 429]);
  });

  it('fifty at once, at two processes -> ten are checked, no more and no less', async () => {
    const { email } = await test.register();
    const address = newAddress();
    await withLimits({}, async (url) => {
      const answers = await Promise.all(times(50, (n) => login(email, WRONG, address, n % 2 === 0 ? test.url : url)));
      expect(counted(answers.map(({ status }) => status))).toEqual({ 401: 10, 429: 40 });
    });
  });

  it('after a pause -> one more try for each 90 seconds of it', async () => {
    const { email } = await test.register();
    const address = newAddress();
    const wrong = () => login(email, WRONG, address);
    await statusesOf(times(11, () => wrong));

    await passTime(1.5 * MINUTE);
    expect(await statusesOf([wrong, wrong])).toEqual([401, 429]);
    await passTime(3 * MINUTE);
    expect(await statusesOf([wrong, wrong, wrong])).toEqual([401, 401, 429]);
    await passTime(1.5 * MINUTE);
    expect((await login(email, PASSWORD, address)).status).toBe(200);
  });

  it('a right one in between -> counts from the start again', async () => {
    const { email } = await test.register();
    const address = newAddress();
    const wrong = () => login(email, WRONG, address);
    await statusesOf(times(9, () => wrong));

    expect((await login(email, PASSWORD, address)).status).toBe(200);

    expect(await statusesOf(times(11, () => wrong))).toEqual([...Array(10).fill(401), 429]);
  });

  it('right ones -> not counted', async () => {
    const { email } = await test.register();
    const address = newAddress();
    const statuses = await statusesOf(times(15, () => () => login(email, PASSWORD, address)));
    expect(statuses).toEqual(Array(15).fill(200));
  });

  it('deactivated -> its right password counts as well', async () => {
    const { id, email } = await test.register();
    await (await test.admin()).put(`/${id}`, { isActive: false }).expect(200);
    const address = newAddress();
    const statuses = await statusesOf(times(11, () => () => login(email, PASSWORD, address)));
    expect(statuses).toEqual([...Array(10).fill(403), 429]);
  });

  it('spelt otherwise -> the same account', async () => {
    const { email } = await test.register();
    const address = newAddress();
    const spelt = [email, email.toUpperCase(), ` ${email} `];
    const statuses = await statusesOf(times(11, (n) => () => login(spelt[n % 3]!, WRONG, address)));
    expect(statuses.at(-1)).toBe(429);
  });

  it('that are no valid request -> not counted', async () => {
    const { email } = await test.register();
    const address = newAddress();
    await statusesOf(times(12, () => () => login(email, '', address)));
    expect((await login(email, PASSWORD, address)).status).toBe(200);
  });
});

describe('wrong logins of one account from many addresses', () => {
  it('fifty -> then 429 from everywhere, except where the account logged in before', async () => {
    const user = await test.register();
    const home = newAddress();
    expect((await login(user.email, PASSWORD, home)).status).toBe(200);

    const answers = await Promise.all(times(60, () => login(user.email, WRONG, newAddress())));

    expect(counted(answers.map(({ status }) => status))).toEqual({ 401: 50, 429: 10 });
    const elsewhere = await login(user.email, PASSWORD, newAddress());
    expect(elsewhere.status).toBe(429);
    expect(Number(elsewhere.headers['retry-after'])).toBeLessThanOrEqual(72);
    expect((await login(user.email, PASSWORD, home)).status).toBe(200);
    expect(await statusesOf(times(11, () => () => login(user.email, WRONG, home)))).toEqual([
      ...Array(10).fill(401),
      429,
    ]);
  });

  it('of an account that does not exist -> the same', async () => {
    const email = newEmail();
    const answers = await Promise.all(times(60, () => login(email, WRONG, newAddress())));
    expect(counted(answers.map(({ status }) => status))).toEqual({ 401: 50, 429: 10 });
  });

  it('the place where it was registered -> familiar; after 90 days without a login no more', async () => {
    const fields = registration();
    const home = newAddress();
    await test.anybody.post('/register', fields).set('X-Forwarded-For', home).expect(201);
    await Promise.all(times(51, () => login(fields.email, WRONG, newAddress())));

    expect((await login(fields.email, PASSWORD, home)).status).toBe(200);
    await test.query(`UPDATE familiar_addresses SET expires_at = expires_at - interval '90 days'`);
    expect((await login(fields.email, PASSWORD, home)).status).toBe(429);
  });
});

describe('wrong logins from one address', () => {
  it('past its limit -> 429 for every account alike, whether it logged in from there or not, and at no other address', async () => {
    await withLimits({ loginFromAddress: { quota: 5 } }, async (url) => {
      const [neighbour, visitor] = [await test.register(), await test.register()];
      const [address, home] = [newAddress(), newAddress()];
      for (const place of [address, home]) {
        expect((await login(neighbour.email, PASSWORD, place, url)).status).toBe(200);
      }

      const statuses = await statusesOf(times(7, () => () => login(newEmail(), WRONG, address, url)));

      expect(statuses).toEqual([...Array(5).fill(401), 429, 429]);
      for (const [email, password] of [
        [visitor.email, PASSWORD],
        [neighbour.email, PASSWORD],
        [neighbour.email, WRONG],
      ] as const) {
        const refused = await login(email, password, address, url);
        expect(refused.status).toBe(429);
        expect(refused.headers['ratelimit-policy']).toMatch(/"login-address";q=5;w=900$/);
      }
      expect((await login(visitor.email, PASSWORD, newAddress(), url)).status).toBe(200);
      expect((await login(neighbour.email, PASSWORD, home, url)).status).toBe(200);
    });
  });

  it('a right login of one’s own in between -> gives no tries back', async () => {
    await withLimits({ loginFromAddress: { quota: 5 } }, async (url) => {
      const own = await test.register();
      const address = newAddress();
      const guess = () => login(newEmail(), WRONG, address, url);
      await statusesOf(times(4, () => guess));

      expect((await login(own.email, PASSWORD, address, url)).status).toBe(200);

      expect(await statusesOf([guess, guess])).toEqual([401, 429]);
    });
  });

  it('tries that another limit refuses -> cost the address nothing', async () => {
    await withLimits({ loginFromAddress: { quota: 12 } }, async (url) => {
      const address = newAddress();
      const email = newEmail();
      await statusesOf(times(30, () => () => login(email, WRONG, address, url)));
      expect(await statusesOf(times(3, () => () => login(newEmail(), WRONG, address, url)))).toEqual([401, 401, 429]);
    });
  });

  it('of IPv6 -> one client for each block that a customer gets', async () => {
    const { email } = await test.register();
    const statuses = await statusesOf(times(11, (n) => () => login(email, WRONG, `2001:db8:0:${n}::${n + 1}`)));
    expect(statuses.at(-1)).toBe(429);
    expect((await login(email, PASSWORD, '2001:db8:1::1')).status).toBe(200);
  });

  it('a client that claims another address each time -> one client all the same', async () => {
    await withLimits(
      { loginFromAddress: { quota: 5 } },
      async (url) => {
        const statuses: number[] = [];
        for (const [, headers] of spoofedAddresses) {
          const answer = await callerOf(url).post('/login', { email: newEmail(), password: WRONG }).set(headers);
          statuses.push(answer.status);
        }
        expect(counted(statuses)).toEqual({ 401: 5, 429: spoofedAddresses.length - 5 });
      },
      { trustedProxies: [] },
    );
  });
});

describe('all logins of one account from one address', () => {
  it('past their limit, though all are right -> 429 until one comes back; elsewhere, and of others, they go on', async () => {
    await withLimits({ everyLogin: { quota: 3 } }, async (url) => {
      const [user, other] = [await test.register(), await test.register()];
      const address = newAddress();
      const right = () => login(user.email, PASSWORD, address, url);
      expect(await statusesOf(times(3, () => right))).toEqual([200, 200, 200]);

      const refused = await right();

      expect(refused.status).toBe(429);
      expect(refused.headers['ratelimit-policy']).toMatch(/"logins";q=3;w=60$/);
      expect((await login(user.email, PASSWORD, newAddress(), url)).status).toBe(200);
      expect((await login(other.email, PASSWORD, address, url)).status).toBe(200);
      await passTime(MINUTE / 3);
      expect(await statusesOf(times(2, () => right))).toEqual([200, 429]);
    });
  });
});

describe('the work that a login costs', () => {
  /** bcrypt's rounds that a login costs. */
  const roundsOf = async (attempt: () => Promise<Response>, status: number): Promise<number> => {
    const compare = jest.spyOn(HashThreads.prototype, 'compare');
    const hash = jest.spyOn(HashThreads.prototype, 'hash');
    expect((await attempt()).status).toBe(status);
    const compared = compare.mock.calls.map(([, against]) => 2 ** bcrypt.getRounds(against));
    const hashed = hash.mock.calls.map(([, cost]) => 2 ** cost);
    jest.restoreAllMocks();
    return [...compared, ...hashed].reduce((sum, rounds) => sum + rounds, 0);
  };

  it('known, unknown, deactivated, with a hash of a lower cost -> the same; throttled -> none', async () => {
    await withLimits(
      {},
      async (url) => {
        const [known, deactivated, old] = await Promise.all([test.register(), test.register(), test.register()]);
        await (await test.admin()).put(`/${deactivated.id}`, { isActive: false }).expect(200);
        for (const { email } of [known, deactivated]) {
          await test.query('UPDATE users SET password_hash = $2 WHERE email = $1', [
            email,
            await bcrypt.hash(PASSWORD, 7),
          ]);
        }
        const address = newAddress();
        const work = 2 ** 7;

        for (const email of [known.email, deactivated.email, old.email, newEmail()]) {
          expect(await roundsOf(() => login(email, WRONG, address, url), 401)).toBe(work);
        }
        for (const email of [known.email, newEmail()]) {
          await statusesOf(times(10, () => () => login(email, WRONG, address, url)));
          expect(await roundsOf(() => login(email, WRONG, address, url), 429)).toBe(0);
        }
      },
      { bcryptCost: 7 },
    );
  });

  it('a hash of another cost -> replaced at the next login, and the logins of before live on', async () => {
    for (const bcryptCost of [5, 4]) {
      const user = await test.register();
      await test.query('UPDATE users SET password_hash = $2 WHERE id = $1', [user.id, await bcrypt.hash(PASSWORD, 6)]);
      await withLimits(
        {},
        async (url) => {
          const both = await Promise.all(times(2, () => login(user.email, PASSWORD, newAddress(), url)));
          expect(both.map(({ status }) => status)).toEqual([200, 200]);
          const [row] = await test.query<{ hash: string }>('SELECT password_hash AS hash FROM users WHERE id = $1', [
            user.id,
          ]);
          expect(bcrypt.getRounds(row!.hash)).toBe(bcryptCost);
          await user.get('/me').expect(200);
          expect((await login(user.email, PASSWORD, newAddress(), url)).status).toBe(200);
        },
        { bcryptCost },
      );
    }
  });
});

describe('registrations from one address', () => {
  it('past its limit -> 429, also for emails that are taken; elsewhere they go on', async () => {
    await withLimits({ registrationFromAddress: { quota: 3 } }, async (url) => {
      const address = newAddress();
      const taken = await test.register();
      const register =
        (from: string, changes: object = {}) =>
        () =>
          callerOf(url)
            .post('/register', registration(changes))
            .set('X-Forwarded-For', from)
            .then((answer) => answer);
      const again = { email: taken.email };

      expect(
        await statusesOf([register(address), register(address, again), register(address), register(address, again)]),
      ).toEqual([201, 409, 201, 429]);
      expect((await register(address)()).headers['ratelimit-policy']).toMatch(/"registration";q=3;w=3600$/);
      expect((await register(newAddress())()).status).toBe(201);
    });
  });
});

describe('refreshes from one address', () => {
  it('past its limit -> 429, and the token is as good as before', async () => {
    await withLimits({ refreshFromAddress: { quota: 3 } }, async (url) => {
      const user = await test.register();
      const address = newAddress();
      const refresh = (refreshToken: string, from: string) => () =>
        callerOf(url)
          .post('/refresh', { refreshToken })
          .set('X-Forwarded-For', from)
          .then((answer) => answer);
      await statusesOf(times(3, () => refresh('x'.repeat(43), address)));

      expect((await refresh(user.refreshToken, address)()).status).toBe(429);
      expect((await refresh(user.refreshToken, newAddress())()).status).toBe(200);
    });
  });

  it('more at once than there are tries, beside others -> as many as there are, and the others all', async () => {
    await withLimits({ refreshFromAddress: { quota: 3 } }, async (url) => {
      const users = await Promise.all(times(12, () => test.register()));
      const [crowded, elsewhere] = [newAddress(), times(4, newAddress)];
      const statuses = await Promise.all(
        users.map(async ({ refreshToken }, n) => {
          const address = elsewhere[n] ?? crowded;
          const answer = await callerOf(url).post('/refresh', { refreshToken }).set('X-Forwarded-For', address);
          return answer.status;
        }),
      );
      expect(statuses.slice(0, 4)).toEqual(Array(4).fill(200));
      expect(statuses.slice(4).sort()).toEqual([...Array<number>(3).fill(200), ...Array<number>(5).fill(429)]);
    });
  });

  it('one that the database refuses among many at once -> the others get their successors, each its own', async () => {
    const users = await Promise.all(times(20, () => test.register()));
    const [poisoned] = users as [TestUser];
    await test.query(
      `ALTER TABLE refresh_tokens ADD CONSTRAINT poison CHECK (
         replaced_at IS NULL OR hash <> sha256('${poisoned.refreshToken}')
       ) NOT VALID`,
    );
    const answers = await Promise.all(
      users.map(({ refreshToken }) =>
        callerOf(test.url)
          .post('/refresh', { refreshToken })
          .then((answer) => answer),
      ),
    );
    await test.query('ALTER TABLE refresh_tokens DROP CONSTRAINT poison');
    for (const [n, { status, body }] of answers.entries()) {
      expect(status).toBe(users[n] === poisoned ? 500 : 200);
      if (users[n] !== poisoned) expect(body.data.user.id).toBe(users[n]?.id);
    }
    const left = await test.query(
      'SELECT FROM refresh_tokens JOIN sessions ON id = session_id WHERE user_id = ANY($1) AND replaced_at IS NULL',
      [users.map(({ id }) => id)],
    );
    expect(left).toHaveLength(20);
  });
});

describe('wrong current passwords', () => {
  const change = (user: Awaited<ReturnType<TestService['register']>>, current: string) => () =>
    user.put('/me/password', { current, new: 'another good password' }).then((answer) => answer);

  it('ten of one account, from wherever -> then 429, also for the right one; other accounts go on', async () => {
    const [user, other] = [await test.register(), await test.register()];
    const wrong = () => change(user, WRONG)().then((answer) => answer);

    expect(await statusesOf(times(10, () => wrong))).toEqual(Array(10).fill(400));

    const refused = await change(user, PASSWORD)();
    expect(refused.status).toBe(429);
    expect(refused.headers['ratelimit-policy']).toMatch(/"password-change";q=10;w=900$/);
    await user.get('/me').expect(200);
    expect((await change(other, PASSWORD)()).status).toBe(200);
    expect((await login(user.email, PASSWORD, newAddress())).status).toBe(200);
  });

  it('a right one -> counts from the start again', async () => {
    const user = await test.register();
    await statusesOf(times(9, () => change(user, WRONG)));
    const { body } = await user.put('/me/password', { current: PASSWORD, new: PASSWORD }).expect(200);
    const again = { ...user, ...callerOf(test.url, body.data.token) };
    expect(await statusesOf(times(11, () => change(again, WRONG)))).toEqual([...Array(10).fill(400), 429]);
  });
});

const takeOf = (budgets: AttemptBudgetRepository) => async (wanted: readonly AttemptBudget[]) => ({
  tries: await budgets.take(wanted),
});

describe('a try that was never checked', () => {
  it('since hashing was too busy -> not counted', async () => {
    const budgets = new AttemptBudgetRepository({ database });
    const throttle = new Throttle({
      limits,
      budgets,
      gate: new HashingQueue({ atOnce: 1, maxWaiting: 0, maxWait: 1_000 }),
      refreshGate: new HashingQueue({ atOnce: 1, maxWaiting: 0, maxWait: 1_000 }),
      clientAddress: () => '192.0.2.1',
    });
    const email = newEmail();
    const attempt = (error: Error) =>
      throttle.login(email, takeOf(budgets), () => Promise.reject(error)).catch((e: unknown) => e);
    for (let n = 0; n < 20; n++) expect(await attempt(new ServiceUnavailable())).toBeInstanceOf(ServiceUnavailable);
    const wrong = new Error('wrong');
    for (let n = 0; n < 10; n++) expect(await attempt(wrong)).toBe(wrong);
    expect(await attempt(wrong)).toBeInstanceOf(RateLimited);
  });
});

describe('budgets', () => {
  it('that are full again, and addresses that are no longer familiar -> purged, so many at a time; no others', async () => {
    await test.query('TRUNCATE familiar_addresses');
    const budgets = new AttemptBudgetRepository({ database });
    const limit = { name: 'test', quota: 2, window: MINUTE };
    for (const who of ['a', 'b', 'c']) await budgets.take([budgetOf(limit, who)]);
    await passTime(MINUTE);
    await budgets.take([budgetOf(limit, 'd')]);
    await budgets.makeFamiliar(keyOf('old'));
    await test.query(`UPDATE familiar_addresses SET expires_at = now() - interval '1 second'`);
    await budgets.makeFamiliar(keyOf('new'));

    expect(await budgets.purge(2)).toBe(true);
    expect(await budgets.purge(2)).toBe(false);

    const left = await test.query<{ key: Buffer }>('SELECT key FROM attempt_budgets');
    expect(left.map(({ key }) => key.toString('hex'))).toEqual([Buffer.from(budgetOf(limit, 'd').key).toString('hex')]);
    const familiar = await test.query<{ key: Buffer }>('SELECT key FROM familiar_addresses');
    expect(familiar.map(({ key }) => key.toString('hex'))).toEqual([Buffer.from(keyOf('new')).toString('hex')]);
  });

  it('taken many at once -> as many as there are', async () => {
    const budgets = new AttemptBudgetRepository({ database });
    const budget = budgetOf({ name: 'test', quota: 7, window: MINUTE }, 'race');
    const taken = await Promise.all(times(50, () => budgets.take([budget])));
    expect(taken.filter(({ refused }) => refused === undefined)).toHaveLength(7);
    expect((await budgets.refuse(budget)).retryAfterSeconds).toBeLessThanOrEqual(9);
  });

  it('of which one has no try left -> it is the one named, and none is used up of the others', async () => {
    const budgets = new AttemptBudgetRepository({ database });
    const [first, second, third] = [3, 1, 2].map((quota, n) =>
      budgetOf({ name: `limit-${n}`, quota, window: MINUTE }, 'row'),
    ) as [AttemptBudget, AttemptBudget, AttemptBudget];
    const all = [first, second, third];
    expect(await budgets.take(all)).toEqual({ taken: all.map((budget) => expect.objectContaining(budget)) });

    const { taken, refused } = await budgets.take(all);
    expect(taken).toEqual([]);
    expect(refused).toMatchObject(second);
    expect(await budgets.refuse(second)).toMatchObject({ isFirst: true });
    expect(await budgets.refuse(second)).toMatchObject({ isFirst: false });

    for (const [budget, left] of [
      [first, 2],
      [third, 1],
    ] as const) {
      const tries = await Promise.all(times(5, () => budgets.take([budget])));
      expect(tries.filter((one) => one.refused === undefined)).toHaveLength(left);
    }
  });

  it('of which one loses its last try to another in the same moment -> it is named, and what was taken is to be given back', async () => {
    const budgets = new AttemptBudgetRepository({ database });
    const [free, last] = [9, 1].map((quota, n) => budgetOf({ name: `race-${n}`, quota, window: MINUTE }, 'row')) as [
      AttemptBudget,
      AttemptBudget,
    ];
    await budgets.take([last]);
    await passTime(MINUTE);

    const outcomes = await Promise.all(times(5, () => budgets.take([free, last])));

    expect(outcomes.filter(({ refused }) => refused === undefined)).toHaveLength(1);
    for (const { taken, refused } of outcomes.filter((outcome) => outcome.refused !== undefined)) {
      expect(refused).toMatchObject(last);
      await budgets.giveBack(taken.map((budget) => ({ budget, tries: 1 })));
    }
    const tries = await Promise.all(times(9, () => budgets.take([free])));
    expect(tries.filter(({ refused }) => refused === undefined)).toHaveLength(8);
  });

  it('taken and given back by many at once, of accounts and addresses that cross -> nobody waits in a circle, all come back', async () => {
    const [emails, addresses] = [times(3, newEmail), times(3, newAddress)];
    const budgets = new AttemptBudgetRepository({ database });
    const throttle = (address: string) =>
      new Throttle({
        limits,
        budgets,
        gate: new HashingQueue({ atOnce: 5, maxWaiting: 500, maxWait: 30_000 }),
        refreshGate: new HashingQueue({ atOnce: 5, maxWaiting: 500, maxWait: 30_000 }),
        clientAddress: () => address,
      });
    const throttles = addresses.map(throttle);

    const giveBack = (_claimed: unknown, { returns, place }: Settlement) => budgets.giveBack(returns, place);
    await Promise.all(times(150, (n) => throttles[n % 3]!.login(emails[(n >> 2) % 3]!, takeOf(budgets), giveBack)));

    const [row] = await test.query<{ used: number }>(
      `SELECT count(*)::integer AS used FROM attempt_budgets WHERE full_at > now() AND key <> ALL ($1)`,
      [emails.flatMap((email) => addresses.map((one) => Buffer.from(budgetOf(limits.everyLogin, email, one).key)))],
    );
    expect(row).toEqual({ used: 0 });
  });

  it('at a familiar place and elsewhere -> as many rows written, there one of the place itself', async () => {
    const budgets = new AttemptBudgetRepository({ database });
    const limit = { name: 'test', quota: 2, window: MINUTE };
    const written = async (isFamiliar: boolean) => {
      await test.query('TRUNCATE attempt_budgets');
      const familiarPlace = keyOf(`place-${isFamiliar}`);
      if (isFamiliar) await budgets.makeFamiliar(familiarPlace);
      const wanted = [budgetOf(limit, 'a'), { ...budgetOf(limit, 'b'), familiarPlace }];
      expect((await budgets.take(wanted)).refused).toBeUndefined();
      const rows = await test.query<{ key: Buffer }>('SELECT key FROM attempt_budgets WHERE full_at > now()');
      return rows.map(({ key }) => key.toString('hex')).sort();
    };
    const keys = (...all: Uint8Array[]) => all.map((key) => Buffer.from(key).toString('hex')).sort();
    const [a, b] = [budgetOf(limit, 'a').key, budgetOf(limit, 'b').key];
    expect(await written(false)).toEqual(keys(a, b));
    expect(await written(true)).toEqual(keys(a, keyOf('place-true')));
  });

  it('used up -> the connection waits for the disk as before', async () => {
    const one = createDatabase(
      createDatabaseAdapter({ url: test.config.databaseUrl, poolSize: 1, applicationName: 'test' }),
    );
    await one.$executeRaw`SET synchronous_commit = 'remote_write'`;
    const budget = budgetOf({ name: 'test', quota: 2, window: MINUTE }, 'async_commit');
    const budgets = new AttemptBudgetRepository({ database: one });
    await budgets.take([{ ...budget, familiarPlace: keyOf('place') }]);
    await budgets.giveBack([{ budget, tries: 1 }], keyOf('place'));
    await budgets.refuse(budget);
    expect(await one.$queryRaw`SHOW synchronous_commit`).toEqual([{ synchronous_commit: 'remote_write' }]);
    await one.$disconnect();
  });

  it('hold no address and no email in clear', async () => {
    await login('nobody-of-ours@example.com', WRONG, '198.51.100.99');
    const [row] = await test.query<{ text: string }>(
      `SELECT string_agg(t::text, '') || coalesce((SELECT string_agg(f::text, '') FROM familiar_addresses f), '') AS text
       FROM attempt_budgets t`,
    );
    expect(row!.text).not.toMatch(/nobody|198\.51/);
    expect(row!.text).not.toContain(Buffer.from('nobody-of-ours').toString('hex'));
  });
});
