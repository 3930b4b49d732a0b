import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ask,
  authorizationAttacks,
  createTestBroker,
  createTestTokens,
  createVictim,
  eventually,
  genuineToken,
  revocationsOf,
  revokeAccess,
  revokedTokens,
  type TestBroker,
} from '@shop/testing';
import { anOrder } from '../test/resources.js';
import { nobodyListens, startTestGateway } from '../test/start-test-gateway.js';
import { startStandIn, type StandIn } from '../test/upstream.js';
import type { RunningGateway } from './container.js';

const tokens = createTestTokens();
const victim = createVictim(tokens);
const order = anOrder();

let broker: TestBroker;
let orders: StandIn;
let gateway: RunningGateway;

beforeAll(async () => {
  [broker, orders] = await Promise.all([createTestBroker(), startStandIn()]);
  orders.on(`GET /api/v1/orders/${order.id}`, () => ({ data: order }));
  gateway = await startTestGateway({
    tokens,
    brokerUrl: broker.url,
    serviceUrls: { ...nobodyListens, orders: orders.url },
  });
  await revokeAccess(broker.url, revocationsOf(victim));
  await eventually(async () => {
    for (const token of revokedTokens(victim)) expect(await outcome(`Bearer ${token}`)).toEqual(refusal);
  });
  orders.calls.length = 0;
});
afterAll(async () => {
  await gateway.stop();
  await orders.stop();
  await broker.stop();
});

const outcome = async (authorization: string | string[]) => {
  const query = `{ order(id: "${order.id}") { id } __typename }`;
  const url = `http://127.0.0.1:${gateway.port}/graphql`;
  const { status, body } = await ask(url, { method: 'POST', authorization, body: { query } });
  return { status, data: body.data, code: body.errors?.[0].extensions.code };
};
/** Who presents a bad token is nobody: what anybody may ask is answered. */
const refusal = { status: 200, data: { order: null, __typename: 'Query' }, code: 'UNAUTHORIZED' };

describe('presented to the gateway', () => {
  it('the token that attacks start from -> accepted', async () => {
    expect((await outcome(`Bearer ${genuineToken(victim)}`)).data).toMatchObject({ order: { id: order.id } });
    expect(orders.calls).toHaveLength(1);
    orders.calls.length = 0;
  });

  it.each(authorizationAttacks.map(({ name, header }) => [name, header] as const))(
    '%s -> UNAUTHORIZED, and no service is asked',
    async (_name, header) => {
      expect(await outcome(header(victim))).toEqual(refusal);
      expect(orders.calls).toEqual([]);
    },
  );

  it.each(authorizationAttacks.map(({ name, header }) => [name, header] as const))(
    '%s, for the export -> 401',
    async (_name, header) => {
      const url = `http://127.0.0.1:${gateway.port}/api/v1/users/${order.userId}/export`;
      const { status, body } = await ask(url, { authorization: header(victim) });
      expect([status, body.error.code]).toEqual([401, 'UNAUTHORIZED']);
    },
  );
});
