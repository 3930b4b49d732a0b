import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { excessOf, type CountedProcess, type CountedRequest, type Work } from '@shop/testing';
import { PASSWORD, startTestService, type TestService, type TestUser } from '../test/test-service.js';

let test: TestService;
let counted: CountedProcess;
let user: TestUser;
let admin: TestUser;
const refreshTokens: string[] = [];

beforeAll(async () => {
  test = await startTestService();
  counted = await test.startCounted();
  for (let i = 0; i < 31; i++) {
    user = await test.register();
    refreshTokens.push(user.refreshToken);
  }
  admin = await test.admin();
});
afterAll(async () => {
  await counted.kill();
  await test.stop();
});

/** The numbers only go down: a change that needs less lowers them. */
const limits: [string, () => CountedRequest, Partial<Work>][] = [
  ['health', () => ({ path: '/health' }), { randoms: 1 }],
  [
    'a user by its id',
    () => ({ path: `/api/v1/users/${user.id}`, token: user.token }),
    { statements: 1, randoms: 1, hashes: 1, promises: 28, lines: 1 },
  ],
  [
    'oneself',
    () => ({ path: '/api/v1/users/me', token: user.token }),
    { statements: 1, randoms: 1, hashes: 1, promises: 24, lines: 1 },
  ],
  [
    'a page of 20 users',
    () => ({ path: '/api/v1/users?limit=20&total=false', token: admin.token }),
    { statements: 1, randoms: 1, hashes: 2, promises: 23, lines: 1 },
  ],
  [
    'a login',
    () => ({ path: '/api/v1/users/login', body: { email: user.email, password: PASSWORD } }),
    { statements: 2, randoms: 5, hashes: 6, signatures: 1, promises: 91, lines: 1 },
  ],
  [
    'a refresh',
    () => ({ path: '/api/v1/users/refresh', body: () => ({ refreshToken: refreshTokens.pop() }) }),
    { statements: 1, randoms: 2, hashes: 4, signatures: 1, promises: 57, lines: 1 },
  ],
];

describe('what a request has the service do', () => {
  it.each(limits)('%s -> no more than before', async (_, request, most) => {
    expect(excessOf(await counted.workOf(request()), most)).toEqual([]);
  });
});
