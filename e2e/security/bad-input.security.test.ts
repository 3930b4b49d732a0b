import { describe, expect, it } from '@jest/globals';
import { attackedOperations, attackedPages } from '../../gateway/test/attacked-operations.ts';
import { buildSchema } from '../../gateway/src/schema.ts';
import { attackedTable as orderTable } from '../../order-service/test/attacked-routes.ts';
import { attackedTable as paymentTable } from '../../payment-service/test/attacked-routes.ts';
import { attackedTable as userTable } from '../../user-service/test/attacked-routes.ts';
import { attack, attackedRoutes, badRequests, fuzzed, type AttackedRoute, type BadRequest } from '@shop/testing';
import { loginAsAdmin, placeOrder, register, rest, urls, type Account } from '../support/system.js';

/** Of each server, besides the whole corpus. */
const FUZZED = 5_000;
/** Some of the corpus damages the token itself. */
const MAX_REFUSED = 0.05;
/** Wrong credentials and signatures are 401 as well, and whoever has logged out stays outside. */
const isRefusedAnyway = /\/(login|refresh|logout|webhooks\/simulated)$/;
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** Somebody who gets furthest. */
async function newAdmin(): Promise<Account> {
  const [user, admin] = [await register(), await loginAsAdmin()];
  await rest('PUT', `/users/${user.id}`, { token: admin.token, body: { role: 'admin' } });
  const { body } = await rest('POST', '/users/login', { body: user });
  return { ...user, token: body.data.token };
}

/** How many of the requests that carried a route's token were answered as if it were none. */
function countRefusals(routes: readonly AttackedRoute[]) {
  const counts = routes.map(({ method, path, headers }) => ({
    route: `${method} ${path}`,
    token: `${headers.Authorization}`,
    asked: 0,
    refused: 0,
  }));
  return {
    note: ({ bytes }: BadRequest, { status }: { status: number }): void => {
      const count = counts.find(({ token }) => bytes.includes(token));
      if (count === undefined) return;
      count.asked++;
      if (status === 401) count.refused++;
    },
    shares: () => counts.map(({ route, asked, refused }) => ({ route, share: refused / asked })),
  };
}

describe(`bad input, seed ${seed}`, () => {
  const isWell = async (url: string) => {
    const { status } = await fetch(`${url}/health`);
    return status === 200;
  };

  it.each([
    ['user-service', 'userService', '/api/v1/users', userTable],
    ['order-service', 'orderService', '/api/v1/orders', orderTable],
    ['payment-service', 'paymentService', '/api/v1/payments', paymentTable],
  ] as const)('to %s -> refused or taken in the form of the contract', async (_, name, base, table) => {
    const owner = await register();
    const { orderId, paymentId } = await placeOrder(owner.token);
    const routes: AttackedRoute[] = [];
    for (const [route, takes] of Object.entries(table)) {
      // Each route has a caller and a user of its own: some of what is asked ends logins, or users.
      const [caller, victim] = [await newAdmin(), await register()];
      const id = { '/api/v1/users': victim.id, '/api/v1/orders': orderId, '/api/v1/payments': paymentId }[base];
      const params = { id, orderId, refundId: orderId, provider: 'simulated' };
      routes.push(...attackedRoutes(base, { [route]: takes }, { headers: () => bearer(caller.token), params }));
    }
    const refusals = countRefusals(routes);

    const requests = [...badRequests(routes), ...fuzzed(routes, { count: FUZZED, seed })];
    // Where passwords are hashed, more at once would be refused as too many: 503.
    const atOnce = name === 'userService' ? 2 : 8;
    const failures = await attack(urls[name], requests, { atOnce, onAnswer: refusals.note });

    expect(failures.slice(0, 20)).toEqual([]);
    // Or else nothing behind the door was attacked.
    const outside = refusals.shares().filter(({ route, share }) => share > MAX_REFUSED && !isRefusedAnyway.test(route));
    expect(outside).toEqual([]);
    expect(await isWell(urls[name])).toBe(true);
  });

  it('to the gateway -> refused or taken in the form of the contract', async () => {
    const { token } = await register();
    const operations = attackedOperations(buildSchema(), bearer(token));
    const ending = /logout|changePassword|deleteUser/;
    const lasting = operations.filter(({ body }) => !ending.test(JSON.stringify(body)));
    const routes = [...attackedPages, ...lasting];

    const failures = await attack(urls.gateway, [...badRequests(routes), ...fuzzed(routes, { count: FUZZED, seed })]);

    expect(failures.slice(0, 20)).toEqual([]);
    expect(await isWell(urls.gateway)).toBe(true);
  });

  it('all over -> nothing is left that belongs to nobody, and everybody is served', async () => {
    const { token } = await register();
    const { orderId } = await placeOrder(token);

    expect((await rest('GET', `/orders/${orderId}`, { token })).status).toBe(200);
  });
});
