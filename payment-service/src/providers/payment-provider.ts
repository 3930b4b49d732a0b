/** What a provider is asked to take. Amounts are in minor units. */
export interface Charge {
  /** Ours, and the same for every try: the provider charges once for it. */
  readonly key: string;
  readonly amount: bigint;
  readonly currency: string;
  /** Stands for the customer's means of payment. */
  readonly token: string | undefined;
}

/** What a provider is asked to give back. */
export interface ChargeRefund {
  /** Ours, and the same for every try: the provider refunds once for it. */
  readonly key: string;
  /** The provider's own name for the charge. */
  readonly transactionId: string;
  readonly amount: bigint;
  readonly currency: string;
}

/** A provider's verdict, which is final for its key. */
export type Verdict =
  | { readonly outcome: 'succeeded'; readonly transactionId: string }
  | { readonly outcome: 'declined'; readonly reason: string };

/** The request certainly didn't reach the provider: nothing has happened there. */
export class ProviderNotReached extends Error {
  override readonly name = 'ProviderNotReached';
}

/** The request was sent, and what became of it isn't known. */
export class ProviderOutcomeUnknown extends Error {
  override readonly name = 'ProviderOutcomeUnknown';
}

/**
 * Who moves the money. Throws ProviderNotReached only where that is certain; any other error means that the outcome is
 * unknown. The signal says that nobody waits for the answer any longer.
 */
export interface PaymentProvider {
  /** Stands in payments, and stays the same for ever. */
  readonly name: string;
  charge(charge: Charge, signal: AbortSignal): Promise<Verdict>;
  refund(refund: ChargeRefund, signal: AbortSignal): Promise<Verdict>;
  /** The verdict on a charge; undefined when the provider has none for this key. */
  findCharge(key: string, signal: AbortSignal): Promise<Verdict | undefined>;
  /** The verdict on a refund; undefined when the provider has none for this key. */
  findRefund(key: string, signal: AbortSignal): Promise<Verdict | undefined>;
}
