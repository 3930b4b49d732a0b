import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import {
  ProviderOutcomeUnknown,
  type BegunCharge,
  type Charge,
  type ChargeRefund,
  type ChargeState,
  type NewCharge,
  type PaymentProvider,
  type Verdict,
} from '../payment-provider.js';
import { referenceOf, type Entered, type SimulatedLedger, type WebhookTiming } from './simulated-ledger.js';
import type { SimulatedMessage, SimulatedWebhookSender } from './simulated-webhook-sender.js';

/** What stands for a customer's card, and how that one behaves. */
interface Behaviour {
  readonly declineReason: string | null;
  /** Between the entry in the ledger and the answer. */
  readonly beforeAnswer?: (signal: AbortSignal) => Promise<unknown>;
  /** Charges by this token, and their refunds, are reported by webhook too. */
  readonly webhook?: WebhookTiming;
  /** The customer's bank asks the customer first, who answers after so many milliseconds: `never` is never. */
  readonly challenge?: number | 'never';
}

const SLOW = 3_000;
/** Milliseconds that a customer takes to answer. */
const CHALLENGE = 2_000;
/** Nobody is there: the customer is simulated as well. */
const CHALLENGES = 'https://simulated-provider.invalid/challenges';
const approved: Behaviour = { declineReason: null };
const unknownToken: Behaviour = { declineReason: 'unknown_token' };

const behaviours: ReadonlyMap<string, Behaviour> = new Map<string, Behaviour>([
  ['tok_visa', approved],
  ['tok_chargeDeclined', { declineReason: 'card_declined' }],
  ['tok_insufficientFunds', { declineReason: 'insufficient_funds' }],
  ['tok_slow', { declineReason: null, beforeAnswer: (signal) => pause(SLOW, undefined, { signal }) }],
  ['tok_timeout', { declineReason: null, beforeAnswer: (signal) => once(signal, 'abort'), webhook: 'after' }],
  [
    'tok_error',
    {
      declineReason: null,
      beforeAnswer: () => Promise.reject(new ProviderOutcomeUnknown('provider answered 500')),
      webhook: 'after',
    },
  ],
  ['tok_webhookFirst', { declineReason: null, webhook: 'first' }],
  ['tok_webhookTwice', { declineReason: null, webhook: 'twice' }],
  ['tok_webhookLate', { declineReason: null, webhook: 'late' }],
  ['tok_threeDSecure', { declineReason: null, challenge: CHALLENGE }],
  ['tok_threeDSecureFailed', { declineReason: 'authentication_failed', challenge: CHALLENGE }],
  ['tok_threeDSecureAbandoned', { declineReason: null, challenge: 'never' }],
]);

type WebhookSender = Pick<SimulatedWebhookSender, 'sendNow' | 'sendLater'>;

/** Milliseconds from the answer to each webhook; none where the webhook is to be there before the answer. */
const delays = {
  first: [],
  twice: [0, 0],
  late: [SLOW],
  after: [1_000],
} as const satisfies Record<WebhookTiming, readonly number[]>;

/**
 * Takes no real money. As a real provider it keeps a ledger of its own, enters every verdict there before it answers, and
 * repeats its first answer to a key it knows. The token decides what happens.
 */
export class SimulatedProvider implements PaymentProvider {
  readonly name = 'simulated';
  readonly referenceOf = referenceOf;
  readonly #ledger: SimulatedLedger;
  readonly #webhooks: WebhookSender;

  constructor({ ledger, webhooks }: { ledger: SimulatedLedger; webhooks: WebhookSender }) {
    this.#ledger = ledger;
    this.#webhooks = webhooks;
  }

  beginCharge({ key }: NewCharge): Promise<BegunCharge> {
    return Promise.resolve({ outcome: 'begun', reference: referenceOf(key) });
  }

  async confirmCharge(charge: Charge, token: string | undefined, signal: AbortSignal): Promise<ChargeState> {
    const behaviour = token === undefined ? approved : (behaviours.get(token) ?? unknownToken);
    if (behaviour.challenge !== undefined) return this.#challenge(charge, behaviour.challenge, behaviour.declineReason);
    const entered = await this.#ledger.enterCharge(charge, behaviour);
    return this.#answer({ kind: 'charge', key: charge.key, verdict: entered.verdict }, entered, () =>
      behaviour.beforeAnswer?.(signal),
    );
  }

  async findCharge(charge: Charge): Promise<ChargeState> {
    const found = await this.#ledger.findCharge(charge);
    const { amount, currency } = charge;
    if (found === undefined) return { outcome: 'unconfirmed', amount, currency };
    if (found !== 'challenged') return found;
    const nextAction = { type: 'redirect_to_url', url: `${CHALLENGES}/${charge.reference}` };
    return { outcome: 'needs-customer', nextAction, amount, currency };
  }

  /** A charge that was refused can't be made any more: its key has its verdict. */
  async cancelCharge(charge: Charge): Promise<Verdict> {
    return (await this.#ledger.enterCharge(charge, { declineReason: 'charge_cancelled' })).verdict;
  }

  async refund(refund: ChargeRefund): Promise<Verdict> {
    const entered = await this.#ledger.enterRefund(refund);
    return this.#answer({ kind: 'refund', key: refund.key, verdict: entered.verdict }, entered);
  }

  findRefund({ key }: ChargeRefund): Promise<Verdict | undefined> {
    return this.#ledger.find('refunds', key);
  }

  async #challenge(charge: Charge, time: number | 'never', declineReason: string | null): Promise<ChargeState> {
    const answersAfter = time === 'never' ? undefined : time;
    await this.#ledger.challenge(charge.key, { declineReason, answersAfter });
    if (answersAfter !== undefined) {
      this.#webhooks.sendLater({ kind: 'charge', key: charge.key }, answersAfter, async () => {
        const found = await this.#ledger.findCharge(charge);
        return found === 'challenged' ? undefined : found;
      });
    }
    return this.findCharge(charge);
  }

  async #answer(
    message: SimulatedMessage,
    { isNew, webhook }: Entered,
    beforeAnswer: () => Promise<unknown> | undefined = () => undefined,
  ): Promise<Verdict> {
    if (!isNew) return message.verdict;
    if (webhook === 'first') await this.#webhooks.sendNow(message);
    try {
      await beforeAnswer();
    } finally {
      for (const delay of webhook === undefined ? [] : delays[webhook]) {
        this.#webhooks.sendLater(message, delay, () => Promise.resolve(message.verdict));
      }
    }
    return message.verdict;
  }
}
