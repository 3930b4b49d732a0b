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
  /**
   * Sees to it that a charge that the provider has no verdict on is never made, not even by a request that is still on its
   * way. Answers the verdict that stands from then on, which is the earlier one if there is one after all.
   */
  cancelCharge(charge: Omit<Charge, 'token'>, signal: AbortSignal): Promise<Verdict>;
}

/** What a provider has in its books under one of our keys. */
export interface LedgerEntry {
  readonly key: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly verdict: Verdict;
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

/** A provider's books, page by page. */
export interface ProviderLedger {
  listCharges(page: LedgerPageRequest, signal: AbortSignal): Promise<LedgerPage>;
  listRefunds(page: LedgerPageRequest, signal: AbortSignal): Promise<LedgerPage>;
}

/** A webhook as it came in. */
export interface WebhookRequest {
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The very bytes: the signature is over them. */
  readonly body: Buffer;
}

/** What a provider tells unasked. */
export interface ProviderNotice {
  /** The same each time the notice is sent. */
  readonly id: string;
  /** What it is about; undefined: nothing that concerns us. */
  readonly about: { readonly kind: 'charge' | 'refund'; readonly key: string; readonly verdict: Verdict } | undefined;
}

/** The webhook isn't signed by the provider, or not now. */
export class WebhookNotGenuine extends Error {
  override readonly name = 'WebhookNotGenuine';
}

/** The webhook is the provider's, and can't be understood. */
export class WebhookMalformed extends Error {
  override readonly name = 'WebhookMalformed';
}

/** Understands a provider's webhooks. */
export interface WebhookReader {
  /** Throws WebhookNotGenuine and WebhookMalformed. */
  read(request: WebhookRequest, now: Date): ProviderNotice;
}
