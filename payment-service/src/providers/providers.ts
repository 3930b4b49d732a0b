import { ProviderNotReached, type ChargeState, type PaymentProvider, type RefundState } from './payment-provider.js';

/** Nobody answered. `unknown` is never a refusal: the money may have moved. */
export type NoAnswer =
  | { readonly outcome: 'not-reached'; readonly error: unknown }
  | { readonly outcome: 'unknown'; readonly error: unknown };

/** What came of asking a provider about a charge, and about a refund. */
export type ChargeOutcome = ChargeState | NoAnswer;
export type RefundOutcome = RefundState | NoAnswer;

/** Rejects once the signal aborts. */
const abortOf = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

export interface ProvidersOptions {
  /** Those for payments that are made online; the first one takes new payments. */
  online: readonly [PaymentProvider, ...PaymentProvider[]];
  /** The one for money that somebody receives by hand. */
  byHand: PaymentProvider;
  /** Milliseconds that a provider has to answer. */
  timeout: number;
}

/** The providers by name, asked with a limit on how long we wait. */
export class Providers {
  /** The one that takes new payments online. */
  readonly online: string;
  readonly byHand: string;
  readonly #providers: ReadonlyMap<string, PaymentProvider>;
  readonly #timeout: number;

  constructor({ online, byHand, timeout }: ProvidersOptions) {
    this.online = online[0].name;
    this.byHand = byHand.name;
    this.#providers = new Map([...online, byHand].map((provider) => [provider.name, provider]));
    this.#timeout = timeout;
  }

  /** What the provider of that name calls the charge of a key; null where the provider is asked for it. */
  referenceOf(name: string, key: string): string | null {
    return this.#providers.get(name)?.referenceOf?.(key) ?? null;
  }

  /** Aborts when a provider has had its time: for steps that share it. */
  deadline(): AbortSignal {
    return AbortSignal.timeout(this.#timeout);
  }

  /** What the provider of that name answers. One that isn't set up is not reached. */
  async ask<T>(
    name: string | null,
    call: (provider: PaymentProvider, signal: AbortSignal) => Promise<T>,
    signal = this.deadline(),
  ): Promise<T | NoAnswer> {
    const provider = this.#providers.get(name ?? '');
    if (provider === undefined) {
      return { outcome: 'not-reached', error: new Error(`provider ${name ?? '(none)'} is not set up`) };
    }
    if (signal.aborted) return { outcome: 'not-reached', error: signal.reason };
    try {
      return await Promise.race([call(provider, signal), abortOf(signal)]);
    } catch (error) {
      return { outcome: error instanceof ProviderNotReached ? 'not-reached' : 'unknown', error };
    }
  }
}
