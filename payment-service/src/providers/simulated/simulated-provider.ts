import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import {
  ProviderOutcomeUnknown,
  type Charge,
  type ChargeRefund,
  type PaymentProvider,
  type Verdict,
} from '../payment-provider.js';
import type { SimulatedLedger } from './simulated-ledger.js';

/** What stands for a customer's card, and how that one behaves. */
interface Behaviour {
  readonly declineReason: string | null;
  /** Between the entry in the books and the answer. */
  readonly beforeAnswer?: (signal: AbortSignal) => Promise<unknown>;
}

const SLOW = 3_000;
const approved: Behaviour = { declineReason: null };
const unknownToken: Behaviour = { declineReason: 'unknown_token' };

const behaviours: ReadonlyMap<string, Behaviour> = new Map<string, Behaviour>([
  ['tok_visa', approved],
  ['tok_chargeDeclined', { declineReason: 'card_declined' }],
  ['tok_insufficientFunds', { declineReason: 'insufficient_funds' }],
  ['tok_slow', { declineReason: null, beforeAnswer: (signal) => pause(SLOW, undefined, { signal }) }],
  ['tok_timeout', { declineReason: null, beforeAnswer: (signal) => once(signal, 'abort') }],
  [
    'tok_error',
    { declineReason: null, beforeAnswer: () => Promise.reject(new ProviderOutcomeUnknown('provider answered 500')) },
  ],
]);

/**
 * Takes no real money. As a real provider it keeps books of its own, enters every verdict there before it answers, and
 * repeats its first answer to a key it knows. The token decides what happens.
 */
export class SimulatedProvider implements PaymentProvider {
  readonly name = 'simulated';
  readonly #ledger: SimulatedLedger;

  constructor(ledger: SimulatedLedger) {
    this.#ledger = ledger;
  }

  async charge(charge: Charge, signal: AbortSignal): Promise<Verdict> {
    const behaviour = charge.token === undefined ? approved : (behaviours.get(charge.token) ?? unknownToken);
    const { verdict, isNew } = await this.#ledger.enterCharge(charge, behaviour.declineReason);
    if (isNew) await behaviour.beforeAnswer?.(signal);
    return verdict;
  }

  async refund(refund: ChargeRefund): Promise<Verdict> {
    return (await this.#ledger.enterRefund(refund)).verdict;
  }

  findCharge(key: string): Promise<Verdict | undefined> {
    return this.#ledger.find('charges', key);
  }

  findRefund(key: string): Promise<Verdict | undefined> {
    return this.#ledger.find('refunds', key);
  }
}
