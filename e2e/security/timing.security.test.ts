import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startServiceProcess, type ServiceProcess } from '@shop/testing';
import { sendRequest } from '@shop/testing/api-client';
import { loginAsAdmin, rest, settings, type Answer } from '../support/system.js';
import { median, shown } from './support/measurements.js';

/** How much two medians may differ. */
const TOLERANCE = 0.05;
const TRIES = 500;
const ROUNDS = 3;
/**
 * Low on purpose. That each login costs the same rounds of bcrypt is counted elsewhere; what is left to find is all else,
 * such as a query more, and the lower the hash, the more of the time that is. A hash that is missing, or of a cost one lower,
 * is still a quarter of it at least.
 */
const COST = 6;

const password = 'password123';
const wrong = 'wrong password';

let service: ServiceProcess;
let strict: ServiceProcess;
let accounts: Record<'known' | 'familiar' | 'deactivated' | 'old', string>;
const unknown = () => `${randomUUID()}@example.com`;

/** user-service of the running system once more, with other settings. */
const start = (changes: Record<string, string>): Promise<ServiceProcess> =>
  startServiceProcess({
    directory: path.resolve('user-service'),
    environment: { ...settings, USER_SERVICE_PORT: '0', BCRYPT_COST: `${COST}`, ...changes, LOG_LEVEL: 'info' },
  });

/** The tests come through a trusted proxy, as it were. An account has logged in from where it was registered. */
const home = '203.0.113.1';
const elsewhere = '203.0.113.2';

const post = (url: string, action: 'register' | 'login', body: object, address: string): Promise<Answer> =>
  sendRequest(`${url}/api/v1/users/${action}`, { headers: { 'x-forwarded-for': address }, body });

async function register(url: string, address: string): Promise<{ id: string; email: string }> {
  const email = unknown();
  const answer = await post(url, 'register', { email, password, firstName: 'Ada', lastName: 'Lovelace' }, address);
  return { id: answer.body.data.user.id, email };
}

/** Milliseconds until a wrong login is answered, with this status. */
async function timeOf(url: string, email: string, status: number): Promise<number> {
  const begin = performance.now();
  const answer = await post(url, 'login', { email, password: wrong }, elsewhere);
  const taken = performance.now() - begin;
  expect(answer.status).toBe(status);
  return taken;
}

/** Each case's median over `TRIES`, all cases in turn, so that whatever else the machine does meets all of them. */
async function mediansOf(cases: Readonly<Record<string, () => Promise<number>>>): Promise<Record<string, number>> {
  const times = new Map(Object.keys(cases).map((name) => [name, [] as number[]]));
  const names = [...times.keys()];
  for (let n = 0; n < TRIES; n++) {
    for (const index of names.keys()) {
      const name = names[(index + n) % names.length]!;
      times.get(name)!.push(await cases[name]!());
    }
  }
  return Object.fromEntries([...times].map(([name, measured]) => [name, median(measured)]));
}

/** By how much each case differs from the first, as the median of several rounds. */
async function differences(cases: Readonly<Record<string, () => Promise<number>>>): Promise<Record<string, number>> {
  const rounds: Record<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await mediansOf(cases));
  shown('medians of wrong logins, ms', rounds);
  const [first, ...others] = Object.keys(cases);
  return Object.fromEntries(
    others.map((name) => [name, Math.abs(median(rounds.map((round) => round[name]! / round[first!]!)) - 1)]),
  );
}

beforeAll(async () => {
  const before = await start({ BCRYPT_COST: `${COST - 1}` });
  const old = await register(before.url, home);
  await before.kill();
  service = await start({});
  strict = await start({ LOGIN_LIMIT: '1/1d' });
  const [known, deactivated] = [await register(service.url, home), await register(service.url, home)];
  const familiar = await register(service.url, elsewhere);
  const admin = await loginAsAdmin();
  await rest('PUT', `/users/${deactivated.id}`, { token: admin.token, body: { isActive: false } });
  accounts = { known: known.email, familiar: familiar.email, deactivated: deactivated.email, old: old.email };
});
afterAll(async () => {
  await service.kill();
  await strict.kill();
});

describe('how long a wrong login takes', () => {
  it('an account that is unknown, deactivated, or of a lower cost -> as long as one that is known', async () => {
    const stranger = unknown();
    const timed = (email: () => string) => () => timeOf(service.url, email(), 401);
    const differing = await differences({
      known: timed(() => accounts.known),
      unknown: timed(() => stranger),
      deactivated: timed(() => accounts.deactivated),
      'of a lower cost': timed(() => accounts.old),
    });
    for (const difference of Object.values(differing)) expect(difference).toBeLessThan(TOLERANCE);
  });

  it('an account that has logged in from the same address -> as long as one that is unknown, or unknown there', async () => {
    const stranger = unknown();
    const differing = await differences({
      unknown: () => timeOf(service.url, stranger, 401),
      familiar: () => timeOf(service.url, accounts.familiar, 401),
      known: () => timeOf(service.url, accounts.known, 401),
    });
    for (const difference of Object.values(differing)) expect(difference).toBeLessThan(TOLERANCE);
  });

  it('throttled -> as long for an unknown account as for a known one', async () => {
    const stranger = unknown();
    for (const email of [accounts.known, accounts.familiar, stranger]) await timeOf(strict.url, email, 401);
    const differing = await differences({
      known: () => timeOf(strict.url, accounts.known, 429),
      familiar: () => timeOf(strict.url, accounts.familiar, 429),
      unknown: () => timeOf(strict.url, stranger, 429),
    });
    for (const difference of Object.values(differing)) expect(difference).toBeLessThan(TOLERANCE);
  });
});
