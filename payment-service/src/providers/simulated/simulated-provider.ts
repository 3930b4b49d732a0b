import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import {
  ProviderOutcomeUnknown,
  type Charge,
  type ChargeRefund,
  type PaymentProvider,
  type Verdict,
} from '../payment-provider.js';
import type { Entered, SimulatedLedger, WebhookTiming } from './simulated-ledger.js';
import type { SimulatedMessage, SimulatedWebhookSender } from './simulated-webhook-sender.js';

/** What stands for a customer's card, and how that one behaves. */
interface Behaviour {
  readonly declineReason: string | null;
  /** Between the entry in the books and the answer. */
  readonly beforeAnswer?: (signal: AbortSignal) => Promise<unknown>;
  /** Charges by this token, and their refunds, are told of by webhook too. */
  readonly webhook?: WebhookTiming;
}

const SLOW = 3_000;
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
]);

/** Milliseconds from the answer to each webhook; none where the webhook is to be there before the answer. */
const delays = {
  first: [],
  twice: [0, 0],
  late: [SLOW],
  after: [1_000],
} as const satisfies Record<WebhookTiming, readonly number[]>;

/**
 * Takes no real money. As a real provider it keeps books of its own, enters every verdict there before it answers, and
 * repeats its first answer to a key it knows. The token decides what happens.
 */
export class SimulatedProvider implements PaymentProvider {
  readonly name = 'simulated';
  readonly #ledger: SimulatedLedger;
  readonly #webhooks: Pick<SimulatedWebhookSender, 'sendNow' | 'sendLater'>;

  constructor({
    ledger,
    webhooks,
  }: {
    ledger: SimulatedLedger;
    webhooks: Pick<SimulatedWebhookSender, 'sendNow' | 'sendLater'>;
  }) {
    this.#ledger = ledger;
    this.#webhooks = webhooks;
  }

  async charge(charge: Charge, signal: AbortSignal): Promise<Verdict> {
    const behaviour = charge.token === undefined ? approved : (behaviours.get(charge.token) ?? unknownToken);
    const entered = await this.#ledger.enterCharge(charge, behaviour);
    return this.#answer({ kind: 'charge', key: charge.key, verdict: entered.verdict }, entered, () =>
      behaviour.beforeAnswer?.(signal),
    );
  }

  async refund(refund: ChargeRefund): Promise<Verdict> {
    const entered = await this.#ledger.enterRefund(refund);
    return this.#answer({ kind: 'refund', key: refund.key, verdict: entered.verdict }, entered);
  }

  findCharge(key: string): Promise<Verdict | undefined> {
    return this.#ledger.find('charges', key);
  }

  findRefund(key: string): Promise<Verdict | undefined> {
    return this.#ledger.find('refunds', key);
  }

  /** A charge that was refused can't be made any more: its key has its verdict. */
  async cancelCharge(charge: Omit<Charge, 'token'>): Promise<Verdict> {
    return (await this.#ledger.enterCharge(charge, { declineReason: 'charge_cancelled' })).verdict;
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
      for (const delay of webhook === undefined ? [] : delays[webhook]) this.#webhooks.sendLater(message, delay);
    }
    return message.verdict;
  }
}
