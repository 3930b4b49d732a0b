import { InvalidInput, Unauthorized } from '@shop/common/errors';
import type { ChargeState, RefundState, StoredMoney } from './payment-provider.js';

/** A webhook as it came in. */
export interface WebhookRequest {
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The very bytes: the signature is over them. */
  readonly body: Buffer;
}

/** What has become of one of our charges or refunds, by our key for it. */
export type Settlement =
  | { readonly kind: 'charge'; readonly key: string; readonly state: ChargeState }
  | { readonly kind: 'refund'; readonly key: string; readonly state: RefundState };

/** Money that moved at the provider, of one of its transactions, without our asking; with the decimals that the provider gives it. */
export type Incident = Dispute | RefundAtProvider;

interface Movement extends StoredMoney {
  /** The provider's name for the charge. */
  readonly transactionId: string;
  /** The provider's name for the dispute or the refund. */
  readonly reference: string;
}

export interface Dispute extends Movement {
  readonly kind: 'dispute';
  /** Why, and how far it is. */
  readonly reason: string;
}

/** One that somebody made there. */
export interface RefundAtProvider extends Movement {
  readonly kind: 'refund_at_provider';
}

/** What a provider tells unasked. */
export interface ProviderNotice {
  /** The same each time the notice is sent. */
  readonly id: string;
  /** What it is about; undefined: nothing that concerns us. */
  readonly about: Settlement | Incident | undefined;
}

/** The webhook isn't signed by the provider, or not now. */
export class WebhookNotGenuine extends Unauthorized {}

/** The webhook is the provider's, and can't be understood. */
export class WebhookMalformed extends InvalidInput {
  constructor(cause: unknown) {
    super([{ field: 'body', message: 'must be a message of this provider' }], { cause });
  }
}

/** Understands a provider's webhooks. */
export interface WebhookReader {
  /** Throws WebhookNotGenuine and WebhookMalformed. */
  read(request: WebhookRequest, now: Date): ProviderNotice;
}
