import { describe, expect, it } from '@jest/globals';
import { timeLimit } from '@shop/testing';
import { sendRequest } from '@shop/testing/api-client';
import pg from 'pg';
import { RollingService, type Workspace } from './support/rolling-service.js';
import {
  eventually,
  loginAsAdmin,
  register,
  rest,
  settings,
  urls,
  type Account,
  type Answer,
} from './support/system.js';

const WITHIN = timeLimit(2_000);

interface LoggedIn extends Account {
  refreshToken: string;
}

async function login(account: Account): Promise<LoggedIn> {
  const { body } = await rest('POST', '/users/login', { body: account });
  return { ...account, token: body.data.token, refreshToken: body.data.refreshToken };
}

const refresh = (refreshToken: string) => rest('POST', '/users/refresh', { body: { refreshToken } });

/** The refresh tokens that a user has handed in were so a minute ago. */
async function age(userId: string): Promise<void> {
  const client = new pg.Client({ connectionString: settings.USER_DATABASE_URL });
  await client.connect();
  await client.query(
    `UPDATE refresh_tokens SET replaced_at = replaced_at - interval '1 minute'
     FROM sessions WHERE sessions.id = session_id AND user_id = $1`,
    [userId],
  );
  await client.end();
}

/** What ends the access of a user's token, and what its refresh token is good for then. */
const endings: [string, (user: LoggedIn, admin: Account) => Promise<unknown>, afterwards: number][] = [
  ['logged out', ({ token }) => rest('POST', '/users/logout', { token }), 401],
  ['deleted itself', ({ id, token }) => rest('DELETE', `/users/${id}`, { token }), 401],
  [
    'with a new password',
    ({ token, password }) =>
      rest('PUT', '/users/me/password', { token, body: { current: password, new: 'new password' } }),
    401,
  ],
  ['deactivated', ({ id }, { token }) => rest('PUT', `/users/${id}`, { token, body: { isActive: false } }), 401],
  ['deleted by an admin', ({ id }, { token }) => rest('DELETE', `/users/${id}`, { token }), 401],
  ['made an admin', ({ id }, { token }) => rest('PUT', `/users/${id}`, { token, body: { role: 'admin' } }), 200],
  [
    'whose refresh token was used twice',
    async ({ id, refreshToken }) => {
      await refresh(refreshToken);
      await age(id);
      await refresh(refreshToken);
    },
    401,
  ],
];

type Urls = Record<Workspace, string>;
const running: Urls = {
  'user-service': urls.userService,
  'order-service': urls.orderService,
  'payment-service': urls.paymentService,
  gateway: urls.gateway,
};
const refused = { 'user-service': 401, 'order-service': 401, 'payment-service': 401, gateway: 'UNAUTHORIZED' };
const served = { 'user-service': 200, 'order-service': 200, 'payment-service': 200, gateway: undefined };

/** What each process answers to a token: its status, or the code of GraphQL. */
async function answersTo(token: string, at: Urls): Promise<Record<Workspace, unknown>> {
  const statusOf = async (workspace: Workspace, path: string) =>
    (await sendRequest(`${at[workspace]}/api/v1/${path}`, { token })).status;
  const codeOf = async () => {
    const answer: Answer = await sendRequest(`${at.gateway}/graphql`, { token, body: { query: '{ me { id } }' } });
    return answer.body.errors?.[0]?.extensions.code;
  };
  const [users, orders, payments, gateway] = await Promise.all([
    statusOf('user-service', 'users/me'),
    statusOf('order-service', 'orders'),
    statusOf('payment-service', 'payments'),
    codeOf(),
  ]);
  return { 'user-service': users, 'order-service': orders, 'payment-service': payments, gateway };
}

describe('the access token of a user who is', () => {
  it.each(endings)('%s -> refused at every service and the gateway within two seconds', async (_, end, afterwards) => {
    const admin = await loginAsAdmin();
    const user = await login(await register());
    expect(await answersTo(user.token, running)).toEqual(served);

    await end(user, admin);

    await eventually(async () => expect(await answersTo(user.token, running)).toEqual(refused), { timeout: WITHIN });
    expect((await refresh(user.refreshToken)).status).toBe(afterwards);
    expect(await answersTo(admin.token, running)).toEqual(served);
  });

  it('... -> refused by processes that start later, too, from their first answer on; others are served there', async () => {
    const admin = await loginAsAdmin();
    const bystander = await register();
    const users: LoggedIn[] = [];
    for (const [, end] of endings) {
      const user = await login(await register());
      await end(user, admin);
      users.push(user);
    }
    const workspaces = Object.keys(running) as Workspace[];
    const late = await Promise.all(workspaces.map((workspace) => RollingService.create(workspace)));
    try {
      await Promise.all(late.map((service) => service.roll(settings)));
      const at = Object.fromEntries(workspaces.map((name, index) => [name, late[index]!.url])) as Urls;
      const answers = await Promise.all(users.map(({ token }) => answersTo(token, at)));
      expect(answers).toEqual(users.map(() => refused));
      expect(await answersTo(bystander.token, at)).toEqual(served);
    } finally {
      await Promise.all(late.map((service) => service.stop()));
    }
  });
});
