import {
  ProviderNotReached,
  type Charge,
  type ChargeRefund,
  type PaymentProvider,
  type Verdict,
} from './payment-provider.js';

/** Nobody answered. `unknown` is never a refusal: the money may have moved. */
export type NoAnswer =
  | { readonly outcome: 'not-reached'; readonly error: unknown }
  | { readonly outcome: 'unknown'; readonly error: unknown };

/** What came of asking a provider to do something. */
export type ProviderOutcome = Verdict | NoAnswer;

/** What came of asking a provider for its verdict; undefined: it has none. */
export type FoundOutcome = ProviderOutcome | undefined;

/** Rejects once the signal aborts. */
const abortOf = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

/** The providers by name, asked with a limit on how long we wait. */
export class Providers {
  /** The one for payments that are made online. */
  readonly online: string;
  /** The one for money that somebody receives by hand. */
  readonly byHand: string;
  readonly #providers: ReadonlyMap<string, PaymentProvider>;
  readonly #timeout: number;

  /** `timeout` in milliseconds. */
  constructor({ online, byHand, timeout }: { online: PaymentProvider; byHand: PaymentProvider; timeout: number }) {
    this.online = online.name;
    this.byHand = byHand.name;
    this.#providers = new Map([online, byHand].map((provider) => [provider.name, provider]));
    this.#timeout = timeout;
  }

  charge(name: string | null, charge: Charge): Promise<ProviderOutcome> {
    return this.#ask(name, (provider, signal) => provider.charge(charge, signal));
  }

  refund(name: string | null, refund: ChargeRefund): Promise<ProviderOutcome> {
    return this.#ask(name, (provider, signal) => provider.refund(refund, signal));
  }

  findCharge(name: string | null, key: string): Promise<FoundOutcome> {
    return this.#ask(name, (provider, signal) => provider.findCharge(key, signal));
  }

  findRefund(name: string | null, key: string): Promise<FoundOutcome> {
    return this.#ask(name, (provider, signal) => provider.findRefund(key, signal));
  }

  cancelCharge(name: string | null, charge: Omit<Charge, 'token'>): Promise<ProviderOutcome> {
    return this.#ask(name, (provider, signal) => provider.cancelCharge(charge, signal));
  }

  async #ask<T>(
    name: string | null,
    call: (provider: PaymentProvider, signal: AbortSignal) => Promise<T>,
  ): Promise<T | NoAnswer> {
    const provider = this.#providers.get(name ?? '');
    if (provider === undefined) return { outcome: 'not-reached', error: new Error(`no provider ${name ?? '(none)'}`) };
    const signal = AbortSignal.timeout(this.#timeout);
    try {
      return await Promise.race([call(provider, signal), abortOf(signal)]);
    } catch (error) {
      return { outcome: error instanceof ProviderNotReached ? 'not-reached' : 'unknown', error };
    }
  }
}
