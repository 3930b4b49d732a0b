import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import supertest from 'supertest';
import { createEventSender, eventually, type ServiceProcess } from '@shop/testing';
import { startFakeStripe, type FakeStripe } from '@shop/testing/fake-stripe';
import { buildOrder, orderCreatedEvent } from '../test/order-builder.js';
import { environmentOf, startTestService, type TestService } from '../test/test-service.js';

/** Real ones: production takes no other. */
const [databasePassword, brokerPassword] = [randomBytes(24).toString('hex'), randomBytes(24).toString('hex')];
const user = `shop_${randomBytes(6).toString('hex')}`;
const stripe = {
  PAYMENT_PROVIDERS: 'stripe',
  STRIPE_SECRET_KEY: `sk_live_${randomBytes(24).toString('hex')}`,
  STRIPE_WEBHOOK_SECRETS: `whsec_${randomBytes(24).toString('hex')}`,
};

let test: TestService;
let fake: FakeStripe;
let service: ServiceProcess | undefined;

const withLogin = (url: string, password: string): string => {
  const changed = new URL(url);
  changed.username = user;
  changed.password = password;
  return changed.href;
};

/** Everything that a process in production is configured with. */
const production = (changes: Record<string, string> = {}): Record<string, string> => {
  const {
    SIMULATED_PROVIDER_DATABASE_URL: _url,
    SIMULATED_WEBHOOK_SECRETS: _secrets,
    ...others
  } = environmentOf(test.config);
  return {
    ...others,
    NODE_ENV: 'production',
    PAYMENT_DATABASE_URL: withLogin(test.config.databaseUrl, databasePassword),
    RABBITMQ_URL: withLogin(test.config.brokerUrl, brokerPassword),
    ...stripe,
    STRIPE_API_URL: fake.url,
    ...changes,
  };
};

beforeAll(async () => {
  test = await startTestService();
  fake = await startFakeStripe({ secretKey: stripe.STRIPE_SECRET_KEY });
  await test.query(`CREATE ROLE ${user} LOGIN SUPERUSER PASSWORD '${databasePassword}'`);
  await test.broker.request('PUT', `/users/${user}`, { password: brokerPassword, tags: '' });
  await test.broker.request('PUT', `/permissions/{vhost}/${user}`, { configure: '.*', write: '.*', read: '.*' });
});
afterAll(async () => {
  await service?.kill();
  await test.broker.request('DELETE', `/users/${user}`);
  await test.query(`DROP ROLE ${user}`);
  await fake.stop();
  await test.stop();
});

describe('in production', () => {
  it('with Stripe and secrets of its own -> starts, and takes a payment', async () => {
    service = await test.startProcessWith(production());
    await supertest(service.url).get('/ready').expect(200);
    const alice = test.caller();
    const order = buildOrder({ userId: alice.id });
    const events = createEventSender(test.config.brokerUrl);
    await events.publish(orderCreatedEvent(order));
    await events.stop();
    const { body } = await eventually(() => alice.at(service!.url).get(`/order/${order.id}`).expect(200));
    const { id } = body.data as { id: string };
    const paid = await alice.at(service.url).post(`/${id}/process`, { token: 'pm_card_visa' }).expect(200);
    expect(paid.body.data).toMatchObject({ status: 'success', provider: 'stripe' });
    expect([...fake.account.intents.values()]).toMatchObject([{ status: 'succeeded', metadata: { paymentId: id } }]);
  });

  it.each([
    ['the simulated provider', { PAYMENT_PROVIDERS: 'stripe,simulated' }, 'PAYMENT_PROVIDERS has simulated'],
    ['a test key', { STRIPE_SECRET_KEY: `sk_test_${'0'.repeat(32)}` }, 'STRIPE_SECRET_KEY is a test key'],
    ['no secret for webhooks', { STRIPE_WEBHOOK_SECRETS: '' }, 'STRIPE_WEBHOOK_SECRETS is missing'],
  ])('with %s -> does not start, and says why', async (_what, changes, fault) => {
    await expect(test.startProcessWith(production(changes))).rejects.toThrow(fault);
  });
});
