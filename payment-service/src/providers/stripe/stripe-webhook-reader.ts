import Stripe from 'stripe';
import { z } from 'zod';
import { providerText } from '../provider-text.js';
import {
  WebhookMalformed,
  WebhookNotGenuine,
  type ProviderNotice,
  type WebhookReader,
  type WebhookRequest,
} from '../webhook-reader.js';
import { asStripeSays, decimalsOf, fromStripe } from './stripe-currencies.js';
import { chargeStateOf, intentFacts, refundFacts, refundStateOf } from './stripe-objects.js';
import type { StripeMode } from './stripe-secrets.js';

const event = z.object({
  id: z.string().min(1).max(255),
  type: z.string(),
  livemode: z.boolean(),
  /** Whose account it happened in, where that isn't ours. */
  account: z.string().nullish(),
  data: z.object({ object: z.unknown() }),
});

const madeRefund = refundFacts.extend({ payment_intent: z.string().nullish() });
const dispute = z.object({
  id: providerText,
  payment_intent: z.string().nullish(),
  amount: z.int(),
  currency: z.string(),
  reason: providerText,
  status: providerText,
});

type About = ProviderNotice['about'];

const readers: readonly (readonly [RegExp, (object: unknown) => About])[] = [
  [/^payment_intent\.(succeeded|payment_failed|canceled|processing|requires_action)$/, aboutCharge],
  [/^(refund|charge\.refund)\.(created|updated|failed)$/, aboutRefund],
  [/^charge\.dispute\./, aboutDispute],
];

export interface StripeWebhookReaderOptions {
  /** Each is good: there are several while they rotate. */
  secrets: readonly string[];
  /** Seconds that a webhook may be old. */
  tolerance: number;
  mode: StripeMode;
}

/** Stripe's webhooks, signed as Stripe's package checks them. */
export class StripeWebhookReader implements WebhookReader {
  readonly #options: StripeWebhookReaderOptions;

  constructor(options: StripeWebhookReaderOptions) {
    this.#options = options;
  }

  read(request: WebhookRequest, now: Date): ProviderNotice {
    this.#check(request, now);
    try {
      const { id, type, livemode, account, data } = event.parse(JSON.parse(request.body.toString('utf8')));
      // Test and live never mix, and what happens in other accounts is none of our business.
      const isOurs = livemode === (this.#options.mode === 'live') && !account;
      const read = isOurs ? readers.find(([types]) => types.test(type))?.[1] : undefined;
      return { id, about: read?.(data.object) };
    } catch (error) {
      throw new WebhookMalformed(error);
    }
  }

  #check({ headers, body }: WebhookRequest, now: Date): void {
    const { secrets, tolerance } = this.#options;
    const header = headers['stripe-signature'];
    const { signature } = Stripe.webhooks;
    if (signature === null) throw new Error("Stripe's package can't check signatures here");
    const isGenuine = (secret: string): boolean => {
      try {
        return signature.verifyHeader(body, header ?? '', secret, tolerance, undefined, now.getTime());
      } catch (error) {
        if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false;
        throw error;
      }
    };
    if (typeof header !== 'string' || !secrets.some(isGenuine)) {
      throw new WebhookNotGenuine('The webhook has no valid signature of now');
    }
  }
}

function aboutCharge(object: unknown): About {
  const intent = intentFacts.parse(object);
  const { paymentId: key } = intent.metadata;
  if (key === undefined) return undefined;
  const currencyDecimals = decimalsOf(intent.currency, intent.metadata);
  const state = chargeStateOf(intent, currencyDecimals);
  if (state.outcome !== 'to-be-called-off') return { kind: 'charge', key, state };
  // It says that there is something to ask about; who asks calls it off.
  return { kind: 'charge', key, state: { outcome: 'unconfirmed', ...fromStripe(intent, currencyDecimals) } };
}

/** A refund that isn't ours was made by somebody at Stripe; whether its charge is ours is looked up. */
function aboutRefund(object: unknown): About {
  const refund = madeRefund.parse(object);
  const { refundId: key } = refund.metadata ?? {};
  const { currency, metadata } = refund;
  if (key !== undefined) return { kind: 'refund', key, state: refundStateOf(refund, decimalsOf(currency, metadata)) };
  const { id: reference, payment_intent: transactionId, status } = refund;
  if (!transactionId || status === 'failed' || status === 'canceled') return undefined;
  return { kind: 'refund_at_provider', transactionId, reference, ...asStripeSays(refund) };
}

function aboutDispute(object: unknown): About {
  const { id: reference, payment_intent: transactionId, reason, status, ...money } = dispute.parse(object);
  if (!transactionId) return undefined;
  return { kind: 'dispute', transactionId, reference, reason: `${reason} (${status})`, ...asStripeSays(money) };
}
