import { z } from 'zod';
import type { ChargeState, Declined, RefundState } from '../payment-provider.js';
import { providerText } from '../provider-text.js';
import { fromStripe } from './stripe-currencies.js';

/** Where our ids stand in Stripe's objects. What has none is somebody else's. */
export interface ChargeMetadata {
  readonly paymentId: string;
  readonly orderId: string;
  /** Those that our ledger has of the amount. */
  readonly currencyDecimals: string;
  /** Whether we confirm it, or the customer, by Stripe's script. */
  readonly confirmedBy: 'server' | 'customer';
}

/** Why we have called a charge off, where Stripe has no reason for it. */
export interface DeclineMetadata {
  readonly declineReason: string;
}

export interface RefundMetadata {
  readonly refundId: string;
  readonly currencyDecimals: string;
}

/** What we read of a PaymentIntent. Webhooks may be of another version of the API, and are parsed. */
export const intentFacts = z.object({
  id: providerText,
  status: z.string(),
  amount: z.int(),
  amount_received: z.int(),
  currency: z.string(),
  client_secret: z.string().nullish(),
  metadata: z.record(z.string(), z.string()),
  last_payment_error: z.object({ code: providerText.nullish(), decline_code: providerText.nullish() }).nullish(),
  next_action: z
    .object({ type: z.string(), redirect_to_url: z.object({ url: z.string().nullish() }).nullish() })
    .nullish(),
});
export type IntentFacts = z.infer<typeof intentFacts>;

export const refundFacts = z.object({
  id: providerText,
  status: z.string().nullable(),
  amount: z.int(),
  currency: z.string(),
  failure_reason: providerText.nullish(),
  metadata: z.record(z.string(), z.string()).nullable(),
});
export type RefundFacts = z.infer<typeof refundFacts>;

/** Why the last try failed, as the issuer says it where it does. */
export const reasonOf = (error: IntentFacts['last_payment_error']): string | undefined =>
  error?.decline_code ?? error?.code ?? undefined;

/** Declined, and to be called off: until then the customer could try another card on it. */
export type DeclinedIntent = { readonly outcome: 'to-be-called-off'; readonly reason: string };

/**
 * How far a charge has come, by its PaymentIntent: https://docs.stripe.com/payments/paymentintents/lifecycle.
 * `currencyDecimals`: those of our ledger.
 */
export function chargeStateOf(intent: IntentFacts, currencyDecimals: number): ChargeState | DeclinedIntent {
  const money = fromStripe(intent, currencyDecimals);
  switch (intent.status) {
    case 'succeeded':
      return {
        outcome: 'succeeded',
        transactionId: intent.id,
        ...fromStripe({ amount: intent.amount_received, currency: intent.currency }, currencyDecimals),
      };
    case 'canceled': {
      const reason = reasonOf(intent.last_payment_error) ?? intent.metadata.declineReason ?? 'charge_cancelled';
      return { outcome: 'declined', reason, ...money };
    }
    case 'requires_action':
      return { outcome: 'needs-customer', nextAction: nextActionOf(intent), ...money };
    case 'requires_confirmation':
      return { outcome: 'unconfirmed', ...money };
    case 'requires_payment_method': {
      if (intent.metadata.confirmedBy === 'customer') {
        return { outcome: 'needs-customer', nextAction: withSecret('confirm_payment', intent), ...money };
      }
      const reason = reasonOf(intent.last_payment_error);
      return reason === undefined ? { outcome: 'unconfirmed', ...money } : { outcome: 'to-be-called-off', reason };
    }
    default:
      return { outcome: 'processing', ...money };
  }
}

function nextActionOf(intent: IntentFacts) {
  const { type, redirect_to_url: redirect } = intent.next_action ?? { type: 'use_stripe_sdk' };
  return redirect?.url ? { type, url: redirect.url } : withSecret(type, intent);
}

function withSecret(type: string, { id, client_secret: clientSecret }: IntentFacts) {
  if (!clientSecret) throw new Error(`Stripe gave no client secret for ${id}`);
  return { type, clientSecret };
}

/** How far a refund has come: https://docs.stripe.com/refunds. `currencyDecimals`: those of our ledger. */
export function refundStateOf(refund: RefundFacts, currencyDecimals: number): RefundState {
  const money = fromStripe(refund, currencyDecimals);
  const declined = (reason: string): Declined => ({ outcome: 'declined', reason, ...money });
  switch (refund.status) {
    case 'succeeded':
      return { outcome: 'succeeded', transactionId: refund.id, ...money };
    case 'failed':
      return declined(refund.failure_reason ?? 'refund_failed');
    case 'canceled':
      return declined('refund_cancelled');
    default:
      return { outcome: 'pending', ...money };
  }
}
