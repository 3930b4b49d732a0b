import type { NextAction } from '@shop/common/contracts';

/** In minor units of the currency, as many decimals as our ledger has of it. */
export interface Money {
  readonly amount: bigint;
  readonly currency: string;
}

/** Money, and the decimals that are stored with it, whatever its currency has today. */
export interface StoredMoney extends Money {
  readonly currencyDecimals: number;
}

/** A charge that a provider is to be asked for. */
export interface NewCharge extends StoredMoney {
  /** Ours, the payment's id, and the same for every try: the provider charges once for it. */
  readonly key: string;
  readonly orderId: string;
  /** Stands for the customer's means of payment; undefined: the customer is to give it to the provider. */
  readonly token: string | undefined;
}

/** A charge that a provider was asked for. */
export interface Charge extends StoredMoney {
  readonly key: string;
  /** The provider's own name for it; null: none was stored, so that the charge was never confirmed. */
  readonly reference: string | null;
}

/** What a provider is asked to give back. */
export interface ChargeRefund extends StoredMoney {
  /** Ours, and the same for every try: the provider refunds once for it. */
  readonly key: string;
  /** The provider's own name for the charge. */
  readonly transactionId: string;
}

export type Succeeded = Money & { readonly outcome: 'succeeded'; readonly transactionId: string };
export type Declined = Money & { readonly outcome: 'declined'; readonly reason: string };
/** A provider's verdict, which is final for its key, and the money that it is about. */
export type Verdict = Succeeded | Declined;

/** How far a charge has come at its provider. */
export type ChargeState =
  | Verdict
  /** The provider was asked for it, at most, and nobody has confirmed it. */
  | (Money & { readonly outcome: 'unconfirmed' })
  /** The provider, or the customer's bank, takes its time. */
  | (Money & { readonly outcome: 'processing' })
  | (Money & { readonly outcome: 'needs-customer'; readonly nextAction: NextAction });

/** How far a refund has come at its provider. `pending`: the provider takes its time, days perhaps. */
export type RefundState = Verdict | (Money & { readonly outcome: 'pending' });

/** What a provider calls a charge from the request on. */
export type BegunCharge = { readonly outcome: 'begun'; readonly reference: string } | Declined;

/** The request certainly didn't reach the provider: nothing has happened there. */
export class ProviderNotReached extends Error {
  override readonly name = 'ProviderNotReached';
}

/** The request was sent, and what became of it isn't known. */
export class ProviderOutcomeUnknown extends Error {
  override readonly name = 'ProviderOutcomeUnknown';
}

/**
 * Who moves the money. A charge goes in steps, and what each step answers is committed before the next one. Each step can
 * be repeated: it moves money once. Throws ProviderNotReached only where that is certain; any other error means that the
 * outcome is unknown. The signal says that nobody waits for the answer any longer.
 */
export interface PaymentProvider {
  /** Stands in payments, and never changes. */
  readonly name: string;
  /** What it calls a charge, where that follows from our key alone: then it is not asked to begin one. */
  readonly referenceOf?: (key: string) => string;
  /** Makes a charge known, which moves no money. */
  beginCharge(charge: NewCharge, signal: AbortSignal): Promise<BegunCharge>;
  /** Moves the money of a charge that was begun. Without a token the customer is asked for the means of payment. */
  confirmCharge(charge: Charge, token: string | undefined, signal: AbortSignal): Promise<ChargeState>;
  /** How far a charge has come. */
  findCharge(charge: Charge, signal: AbortSignal): Promise<ChargeState>;
  /**
   * Sees to it that a charge without a verdict is never made, not even by a request that is still on its way or by the
   * customer. Answers what stands from then on, which is an earlier verdict if there is one after all.
   */
  cancelCharge(charge: Charge, signal: AbortSignal): Promise<ChargeState>;
  refund(refund: ChargeRefund, signal: AbortSignal): Promise<RefundState>;
  /** How far a refund has come; undefined when the provider has none for this key. */
  findRefund(refund: ChargeRefund, signal: AbortSignal): Promise<RefundState | undefined>;
}

/** A verdict without its money, which stands beside it. */
export type LedgerVerdict = Omit<Succeeded, keyof Money> | Omit<Declined, keyof Money>;

/** What a provider has in its ledger under one of our keys. */
export interface LedgerEntry extends Money {
  readonly key: string;
  /** undefined: the provider's ledger doesn't say. */
  readonly currencyDecimals?: number;
  readonly verdict: LedgerVerdict;
}

export interface LedgerPage {
  readonly entries: readonly LedgerEntry[];
  /** Where the next page starts; undefined after the last one. */
  readonly next: string | undefined;
}

export interface LedgerPageRequest {
  /** Entries made at or after this. */
  readonly since: Date;
  /** What the page before gave as `next`; undefined: the first page. */
  readonly start: string | undefined;
}

/** A provider's ledger, page by page. */
export interface ProviderLedger {
  listCharges(page: LedgerPageRequest, signal: AbortSignal): Promise<LedgerPage>;
  listRefunds(page: LedgerPageRequest, signal: AbortSignal): Promise<LedgerPage>;
}
