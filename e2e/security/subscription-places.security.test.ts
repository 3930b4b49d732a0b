import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { subscribe, type Subscriber } from '@shop/testing';
import { startProcess, type RunningProcess } from '../support/rolling-service.ts';
import { eventually, placeOrder, register, settings, type Account } from '../support/system.js';

/** As many as take all places, where nothing but the account counts: 20 each. */
const ACCOUNTS = 51;
const PER_ACCOUNT = 20;
const PLACES = 1_000;
const PER_ADDRESS = 100;

let attacked: RunningProcess;
const subscribers: Subscriber[] = [];

beforeAll(async () => {
  attacked = await startProcess('gateway', {
    ...settings,
    SUBSCRIPTIONS_PER_ACCOUNT: `${PER_ACCOUNT}`,
    SUBSCRIPTIONS_PER_ADDRESS: `${PER_ADDRESS}`,
    SUBSCRIPTIONS_IN_ALL: `${PLACES}`,
  });
});
afterEach(() => {
  for (const subscriber of subscribers.splice(0)) subscriber.leave();
});
afterAll(() => attacked.stop());

/** The tests run where a trusted proxy does: so they say whose address it is. */
async function watch({ token }: Account, orderId: string, address: string): Promise<Subscriber> {
  const subscriber = await subscribe(`http://127.0.0.1:${attacked.port}/graphql`, {
    query: `subscription { orderUpdated(id: "${orderId}") { status } }`,
    token,
    headers: { 'x-forwarded-for': address },
  });
  subscribers.push(subscriber);
  return subscriber;
}
const openPlaces = async (): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${attacked.port}/metrics`)).text();
  return Number(/^graphql_open_subscriptions\{[^}]*\} (\d+)$/m.exec(text)?.[1]);
};

it('51 accounts of one address open all that they can -> others find places, and the log has no error', async () => {
  const accounts = [];
  for (let made = 0; made < ACCOUNTS; made++) {
    const account = await register();
    accounts.push({ account, orderId: (await placeOrder(account.token)).orderId });
  }
  for (const { account, orderId } of accounts) {
    await Promise.all(Array.from({ length: PER_ACCOUNT }, () => watch(account, orderId, '192.0.2.1')));
  }
  await eventually(async () => expect(await openPlaces()).toBe(PER_ADDRESS));
  process.stdout.write(`${subscribers.length} asked for, ${await openPlaces()} open\n`);

  const other = await register();
  const { orderId } = await placeOrder(other.token);
  const subscriber = await watch(other, orderId, '192.0.2.2');
  expect([await openPlaces(), subscriber.results]).toEqual([PER_ADDRESS + 1, []]);
  expect(attacked.errors).toEqual([]);

  for (const one of subscribers) one.leave();
  await eventually(async () => expect(await openPlaces()).toBe(0));
});
