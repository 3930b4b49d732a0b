import { describe, expect, it } from '@jest/globals';
import Stripe from 'stripe';
import { WebhookMalformed, WebhookNotGenuine } from '../webhook-reader.js';
import { StripeWebhookReader } from './stripe-webhook-reader.js';

const [secret, oldSecret] = [`whsec_${'1'.repeat(32)}`, `whsec_${'2'.repeat(32)}`] as const;
const now = new Date('2026-01-31T12:00:00.500Z');
const reader = new StripeWebhookReader({ secrets: [secret, oldSecret], tolerance: 300, mode: 'test' });

const intent = {
  id: 'pi_1',
  status: 'succeeded',
  amount: 4_498,
  amount_received: 4_498,
  currency: 'usd',
  metadata: { paymentId: 'p1', confirmedBy: 'server' },
};
const eventOf = (changes: object = {}, object: object = intent, type = 'payment_intent.succeeded') =>
  JSON.stringify({ id: 'evt_1', object: 'event', type, livemode: false, data: { object }, ...changes });

/** Signed by Stripe's own helper. */
const signed = (payload: string, { by = secret, at = now }: { by?: string; at?: Date } = {}) => ({
  headers: {
    'stripe-signature': Stripe.webhooks.generateTestHeaderString({
      payload,
      secret: by,
      timestamp: Math.floor(at.getTime() / 1_000),
    }),
  },
  body: Buffer.from(payload),
});
const read = (payload: string, how?: Parameters<typeof signed>[1]) => reader.read(signed(payload, how), now);
const later = (seconds: number) => new Date(now.getTime() + seconds * 1_000);

describe('a webhook of Stripe', () => {
  it.each([secret, oldSecret])('signed with either secret while they rotate -> what has become of the charge', (by) => {
    expect(read(eventOf(), { by })).toEqual({
      id: 'evt_1',
      about: {
        kind: 'charge',
        key: 'p1',
        state: { outcome: 'succeeded', transactionId: 'pi_1', amount: 4_498n, currency: 'USD' },
      },
    });
  });

  it('as old as is tolerated -> accepted; older -> refused', () => {
    expect(read(eventOf(), { at: later(-300) }).id).toBe('evt_1');
    expect(() => read(eventOf(), { at: later(-301) })).toThrow(WebhookNotGenuine);
  });

  it.each([
    ['signed with another secret', signed(eventOf(), { by: `whsec_${'3'.repeat(32)}` })],
    ['without a signature', { headers: {}, body: Buffer.from(eventOf()) }],
    ['with two', { ...signed(eventOf()), headers: { 'stripe-signature': ['a', 'b'] } }],
    ['with another body', { ...signed(eventOf()), body: Buffer.from(`${eventOf()} `) }],
    ['with a signature that is none', { headers: { 'stripe-signature': 'hello' }, body: Buffer.from(eventOf()) }],
  ])('%s -> not genuine', (_what, request) => {
    expect(() => reader.read(request, now)).toThrow(WebhookNotGenuine);
  });

  it.each([
    '',
    '[]',
    '{"id":"evt_1"}',
    eventOf({}, { id: 'pi_1' }),
    eventOf({}, { ...intent, currency: 'isk', amount: 5 }),
  ])('well signed, and no event of Stripe: %j -> malformed', (payload) => {
    expect(() => read(payload)).toThrow(WebhookMalformed);
  });

  const refund = {
    id: 're_1',
    status: 'succeeded',
    amount: 500,
    currency: 'usd',
    metadata: {},
    payment_intent: 'pi_1',
  };
  const dispute = {
    id: 'dp_1',
    payment_intent: 'pi_1',
    amount: 500,
    currency: 'usd',
    reason: 'fraudulent',
    status: 'lost',
  };

  it.each([
    ['of live mode', eventOf({ livemode: true })],
    ['of another account', eventOf({ account: 'acct_1' })],
    ['of somebody else’s charge', eventOf({}, { ...intent, metadata: {} })],
    ['of another type', eventOf({}, { id: 'po_1' }, 'payout.paid')],
    ['of a refund at Stripe that failed', eventOf({}, { ...refund, status: 'failed' }, 'refund.failed')],
    [
      'of a dispute about no PaymentIntent',
      eventOf({}, { ...dispute, payment_intent: null }, 'charge.dispute.created'),
    ],
  ])('%s -> about nothing of ours', (_what, payload) => {
    expect(read(payload)).toEqual({ id: 'evt_1', about: undefined });
  });

  it.each([
    ['canceled', {}, { outcome: 'declined', reason: 'charge_cancelled' }],
    ['processing', {}, { outcome: 'processing' }],
    ['payment_failed', { last_payment_error: { code: 'card_declined' } }, { outcome: 'unconfirmed' }],
    [
      'requires_action',
      { client_secret: 'pi_1_secret', next_action: { type: 'use_stripe_sdk' } },
      { outcome: 'needs-customer', nextAction: { type: 'use_stripe_sdk', clientSecret: 'pi_1_secret' } },
    ],
  ])('%s with %j -> %j', (type, changes, state) => {
    const status = type === 'payment_failed' ? 'requires_payment_method' : type;
    const { about } = read(eventOf({}, { ...intent, ...changes, status }, `payment_intent.${type}`));
    expect(about).toMatchObject({ kind: 'charge', key: 'p1', state });
  });

  it('decimals of ours beside the amount -> it is read by them, of a charge and of a refund', () => {
    const money = { currency: 'isk', amount: 500 };
    const metadata = { paymentId: 'p1', confirmedBy: 'server', currencyDecimals: '2' };
    expect(read(eventOf({}, { ...intent, ...money, amount_received: 500, metadata })).about).toMatchObject({
      state: { outcome: 'succeeded', amount: 500n, currency: 'ISK' },
    });
    const ours = { ...refund, ...money, metadata: { refundId: 'r1', currencyDecimals: '2' } };
    expect(read(eventOf({}, ours, 'refund.updated')).about).toMatchObject({ key: 'r1', state: { amount: 500n } });
  });

  it.each([
    ['refund', eventOf({}, { ...refund, currency: 'zzz', amount: 550 }, 'refund.created')],
    ['dispute', eventOf({}, { ...dispute, currency: 'zzz', amount: 550 }, 'charge.dispute.created')],
  ])('a %s in a currency that nobody here knows -> read as Stripe says it', (_what, payload) => {
    expect(read(payload).about).toMatchObject({ amount: 550n, currency: 'ZZZ', currencyDecimals: 2 });
  });

  it('a refund of ours -> how far it is; one made at Stripe, and a dispute -> what has happened to which charge', () => {
    const ours = { ...refund, status: 'pending', metadata: { refundId: 'r1' } };
    expect(read(eventOf({}, ours, 'refund.updated')).about).toEqual({
      kind: 'refund',
      key: 'r1',
      state: { outcome: 'pending', amount: 500n, currency: 'USD' },
    });
    const money = { transactionId: 'pi_1', amount: 500n, currency: 'USD', currencyDecimals: 2 };
    expect(read(eventOf({}, refund, 'refund.created')).about).toEqual({
      kind: 'refund_at_provider',
      reference: 're_1',
      ...money,
    });
    expect(read(eventOf({}, dispute, 'charge.dispute.closed')).about).toEqual({
      kind: 'dispute',
      reference: 'dp_1',
      reason: 'fraudulent (lost)',
      ...money,
    });
  });
});
