import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as newId } from 'uuid';
import { createTestDatabase, eventually } from '@shop/testing';
import { startFakeStripe } from '@shop/testing/fake-stripe';
import {
  ProviderNotReached,
  type Charge,
  type ChargeState,
  type NewCharge,
  type PaymentProvider,
  type ProviderLedger,
} from './payment-provider.js';
import { SimulatedLedger } from './simulated/simulated-ledger.js';
import { SimulatedProvider } from './simulated/simulated-provider.js';
import { createStripeClient } from './stripe/stripe-client.js';
import { StripeLedger } from './stripe/stripe-ledger.js';
import { StripeProvider } from './stripe/stripe-provider.js';

/** A provider, and what its customers do. */
interface Subject {
  provider: PaymentProvider;
  ledger: ProviderLedger;
  /** The same provider, where nobody is. */
  unreachable: PaymentProvider;
  tokens: { good: string; declined: string; challenged: string; challengeFailed: string };
  approve(charge: Charge): void;
  refuse(charge: Charge): void;
  stop(): Promise<void>;
}

const silentWebhooks = {
  sendNow: () => Promise.resolve(),
  sendLater: () => undefined,
};
const onConnectionLost = () => undefined;

async function simulated(): Promise<Subject> {
  const database = await createTestDatabase({ serviceDirectory: path.join(import.meta.dirname, '../..') });
  const ledger = new SimulatedLedger({ url: database.url, connectTimeout: 5_000, newId, onConnectionLost });
  const nowhere = new SimulatedLedger({
    url: 'postgresql://127.0.0.1:1/none',
    connectTimeout: 5_000,
    newId,
    onConnectionLost,
  });
  return {
    provider: new SimulatedProvider({ ledger, webhooks: silentWebhooks }),
    ledger,
    unreachable: new SimulatedProvider({ ledger: nowhere, webhooks: silentWebhooks }),
    tokens: {
      good: 'tok_visa',
      declined: 'tok_chargeDeclined',
      challenged: 'tok_threeDSecure',
      challengeFailed: 'tok_threeDSecureFailed',
    },
    approve: () => undefined, // simulated customers answer after two seconds
    refuse: () => undefined,
    stop: async () => {
      await Promise.all([ledger.close(), nowhere.close()]);
      await database.drop();
    },
  };
}

async function stripe(): Promise<Subject> {
  const secretKey = 'sk_test_contract0000';
  const fake = await startFakeStripe({ secretKey });
  const client = createStripeClient({ secretKey, apiUrl: fake.url, timeout: 5_000 });
  const nowhere = createStripeClient({ secretKey, apiUrl: 'http://127.0.0.1:1', timeout: 5_000 });
  return {
    provider: new StripeProvider({ stripe: client.stripe, returnUrl: 'https://shop.example/paid' }),
    ledger: new StripeLedger({ stripe: client.stripe }),
    unreachable: new StripeProvider({ stripe: nowhere.stripe, returnUrl: undefined }),
    tokens: {
      good: 'pm_card_visa',
      declined: 'pm_card_visa_chargeDeclined',
      challenged: 'pm_card_authenticationRequired',
      challengeFailed: 'pm_card_authenticationRequired',
    },
    approve: ({ reference }) => void fake.account.succeed(reference!),
    refuse: ({ reference }) => fake.account.failAuthentication(reference!),
    stop: async () => {
      client.close();
      nowhere.close();
      await fake.stop();
    },
  };
}

describe.each([
  ['simulated', simulated],
  ['stripe', stripe],
])('what each provider keeps to: %s', (_name, start) => {
  let subject: Subject;
  const signal = new AbortController().signal;

  beforeAll(async () => {
    subject = await start();
  });
  afterAll(() => subject.stop());

  async function begin(changes: Partial<NewCharge> = {}): Promise<Charge> {
    const money = { amount: 4_498n, currency: 'USD', currencyDecimals: 2 };
    const asked: NewCharge = { key: newId(), orderId: newId(), token: subject.tokens.good, ...money, ...changes };
    const begun = await subject.provider.beginCharge(asked, signal);
    if (begun.outcome !== 'begun') throw new Error(`not begun: ${begun.reason}`);
    const { key, amount, currency, currencyDecimals } = asked;
    return { key, amount, currency, currencyDecimals, reference: begun.reference };
  }
  const confirm = (charge: Charge, token: string | undefined = subject.tokens.good): Promise<ChargeState> =>
    subject.provider.confirmCharge(charge, token, signal);
  const find = (charge: Charge) => subject.provider.findCharge(charge, signal);
  const cancel = (charge: Charge) => subject.provider.cancelCharge(charge, signal);
  const refundOf = ({ reference, currency, currencyDecimals }: Charge, amount: bigint, key = newId()) => ({
    key,
    transactionId: reference!,
    amount,
    currency,
    currencyDecimals,
  });
  const refund = (charge: Charge, amount: bigint, key?: string) =>
    subject.provider.refund(refundOf(charge, amount, key), signal);

  it('a charge that is begun, twice -> has the same name, and moves no money', async () => {
    const orderId = newId();
    const charge = await begin({ orderId });
    const { referenceOf } = subject.provider;
    if (referenceOf) expect(charge.reference).toBe(referenceOf(charge.key));
    expect((await begin({ key: charge.key, orderId })).reference).toBe(charge.reference);
    expect(await find(charge)).toEqual({ outcome: 'unconfirmed', amount: 4_498n, currency: 'USD' });
    expect(await find({ ...charge, key: newId(), reference: null })).toMatchObject({ outcome: 'unconfirmed' });
  });

  it('confirmed, twice -> charged once, with its amount, under its name', async () => {
    const charge = await begin();
    const verdict = { outcome: 'succeeded', transactionId: charge.reference, amount: 4_498n, currency: 'USD' };
    expect(await confirm(charge)).toEqual(verdict);
    expect(await confirm(charge)).toEqual(verdict);
    expect(await find(charge)).toEqual(verdict);
    expect(await cancel(charge)).toEqual(verdict);
  });

  it('declined -> for good, whatever comes after', async () => {
    const charge = await begin({ token: subject.tokens.declined });
    const verdict = await confirm(charge, subject.tokens.declined);
    expect(verdict).toMatchObject({ outcome: 'declined', amount: 4_498n, currency: 'USD' });
    expect(await find(charge)).toEqual(verdict);
    expect(await cancel(charge)).toEqual(verdict);
    expect(await confirm(charge, subject.tokens.declined)).toEqual(verdict);
  });

  it('a token that is none -> declined, for good', async () => {
    const charge = await begin({ token: '4242424242424242' });
    expect(await confirm(charge, '4242424242424242')).toMatchObject({ outcome: 'declined', reason: 'unknown_token' });
    expect(await find(charge)).toMatchObject({ outcome: 'declined' });
  });

  it('the customer is needed -> says what for; agrees: charged', async () => {
    const charge = await begin();
    const state = await confirm(charge, subject.tokens.challenged);
    expect(state).toMatchObject({ outcome: 'needs-customer', amount: 4_498n, currency: 'USD' });
    expect(state).toMatchObject({ nextAction: { type: expect.any(String), url: expect.stringMatching(/^https:/) } });
    expect(await find(charge)).toEqual(state);
    subject.approve(charge);
    await eventually(async () => expect(await find(charge)).toMatchObject({ outcome: 'succeeded' }));
  });

  it('the customer refuses -> declined, for good', async () => {
    const charge = await begin();
    expect(await confirm(charge, subject.tokens.challengeFailed)).toMatchObject({ outcome: 'needs-customer' });
    subject.refuse(charge);
    await eventually(async () =>
      expect(await find(charge)).toMatchObject({
        outcome: 'declined',
        reason: expect.stringMatching(/authentication_fail/),
      }),
    );
  });

  it('called off before it was confirmed -> it can not be any more', async () => {
    const charge = await begin();
    const verdict = { outcome: 'declined', reason: 'charge_cancelled', amount: 4_498n, currency: 'USD' };
    expect(await cancel(charge)).toEqual(verdict);
    expect(await cancel(charge)).toEqual(verdict);
    expect(await confirm(charge)).toEqual(verdict);
    expect(await find(charge)).toEqual(verdict);
  });

  it('called off while the customer is asked -> the answer does not count any more', async () => {
    const charge = await begin();
    await confirm(charge, subject.tokens.challenged);
    expect(await cancel(charge)).toMatchObject({ outcome: 'declined', reason: 'charge_cancelled' });
    expect(await find(charge)).toMatchObject({ outcome: 'declined' });
  });

  it('refunds -> each once for its key, and never more than was charged', async () => {
    const charge = await begin();
    await confirm(charge);
    const key = newId();
    const first = await refund(charge, 498n, key);
    expect(first).toMatchObject({ outcome: 'succeeded', amount: 498n, currency: 'USD' });
    expect(await refund(charge, 498n, key)).toEqual(first);
    expect(await refund(charge, 4_001n)).toMatchObject({ outcome: 'declined' });
    expect(await refund(charge, 4_000n)).toMatchObject({ outcome: 'succeeded' });
    expect(await refund(charge, 1n)).toMatchObject({ outcome: 'declined' });
    expect(await subject.provider.findRefund(refundOf(charge, 498n, key), signal)).toEqual(first);
    expect(await subject.provider.findRefund(refundOf(charge, 498n), signal)).toBeUndefined();
  });

  it.each([
    ['JPY', 500n, 0],
    ['KWD', 5_120n, 3],
    ['ISK', 500n, 0],
    ['ISK', 50_000n, 2], // stored while it still had two decimals
    ['UGX', 500n, 0],
    ['MGA', 50_000n, 2],
    ['HUF', 17_550n, 2],
    ['ZZZ', 17n, 0], // placed by a later version of order-service
  ])(
    '%s %d of %d decimals -> the same amount back, of the charge, of its refund and in the ledger',
    async (...money) => {
      const [currency, amount, currencyDecimals] = money;
      const since = new Date(Date.now() - 1_000);
      const charge = await begin({ amount, currency, currencyDecimals });
      expect(await confirm(charge)).toMatchObject({ outcome: 'succeeded', amount, currency });
      const key = newId();
      expect(await refund(charge, amount, key)).toMatchObject({ outcome: 'succeeded', amount, currency });
      const charges = await allOf((page) => subject.ledger.listCharges(page, signal), since);
      expect(charges).toContainEqual(expect.objectContaining({ key: charge.key, amount, currency }));
      const refunds = await allOf((page) => subject.ledger.listRefunds(page, signal), since);
      expect(refunds).toContainEqual(expect.objectContaining({ key, amount, currency }));
    },
  );

  it('its ledger -> every verdict under our keys, page by page', async () => {
    const since = new Date(Date.now() - 1_000);
    const charge = await begin();
    await confirm(charge);
    const key = newId();
    await refund(charge, 498n, key);
    await Promise.all(Array.from({ length: 101 }, async () => confirm(await begin())));
    const charges = await allOf((page) => subject.ledger.listCharges(page, signal), since);
    expect(charges.length).toBeGreaterThan(101);
    const { reference: transactionId } = charge;
    const verdict = expect.objectContaining({ outcome: 'succeeded', transactionId });
    expect(charges).toContainEqual(
      expect.objectContaining({ key: charge.key, amount: 4_498n, currency: 'USD', verdict }),
    );
    const refunds = await allOf((page) => subject.ledger.listRefunds(page, signal), since);
    expect(refunds).toContainEqual(expect.objectContaining({ key, amount: 498n, currency: 'USD' }));
  });

  it('nobody is there -> certainly not reached, in every step', async () => {
    const { unreachable } = subject;
    const money = { amount: 1n, currency: 'USD', currencyDecimals: 2 };
    const charge = { key: newId(), reference: 'pi_1', ...money };
    const asked = { key: newId(), transactionId: 'pi_1', ...money };
    const steps: (() => Promise<unknown>)[] = [
      () => unreachable.confirmCharge(charge, subject.tokens.good, signal),
      () => unreachable.findCharge(charge, signal),
      () => unreachable.cancelCharge(charge, signal),
      () => unreachable.refund(asked, signal),
      () => unreachable.findRefund(asked, signal),
    ];
    // Nobody is asked for a name that follows from the key.
    if (!unreachable.referenceOf) {
      steps.push(() => unreachable.beginCharge({ ...charge, orderId: newId(), token: undefined }, signal));
    }
    for (const step of steps) await expect(step()).rejects.toThrow(ProviderNotReached);
  });
});

async function allOf(
  list: (page: Parameters<ProviderLedger['listCharges']>[0]) => ReturnType<ProviderLedger['listCharges']>,
  since: Date,
) {
  const entries = [];
  let start: string | undefined;
  do {
    const page = await list({ since, start });
    entries.push(...page.entries);
    start = page.next;
  } while (start !== undefined);
  return entries;
}
