import type Stripe from 'stripe';
import type { LedgerEntry, LedgerPage, LedgerPageRequest, ProviderLedger } from '../payment-provider.js';
import { fromStripe } from './stripe-currencies.js';
import { providerErrorOf } from './stripe-errors.js';
import { chargeStateOf, intentFacts, refundFacts, refundStateOf } from './stripe-objects.js';

const PAGE = 100;

/** Stripe's books, newest first, as far as they are about payments of ours. */
export class StripeLedger implements ProviderLedger {
  readonly #stripe: Stripe;

  constructor({ stripe }: { stripe: Stripe }) {
    this.#stripe = stripe;
  }

  listCharges(page: LedgerPageRequest): Promise<LedgerPage> {
    return pageOf(this.#stripe.paymentIntents.list(requestOf(page)), (intent) => {
      const { paymentId: key } = intent.metadata;
      const state = chargeStateOf(intentFacts.parse(intent));
      if (key === undefined) return undefined;
      if (state.outcome === 'succeeded') {
        const { amount, currency, transactionId } = state;
        return { key, amount, currency, verdict: { outcome: 'succeeded', transactionId } };
      }
      if (state.outcome !== 'declined') return undefined;
      const { amount, currency, reason } = state;
      return { key, amount, currency, verdict: { outcome: 'declined', reason } };
    });
  }

  /** Refunds of our charges, also those that somebody made at Stripe: they stand under Stripe's own name. */
  listRefunds(page: LedgerPageRequest): Promise<LedgerPage> {
    const request = { ...requestOf(page), expand: ['data.payment_intent'] };
    return pageOf(this.#stripe.refunds.list(request), (refund) => {
      const { payment_intent: intent, metadata } = refund;
      const isOurs = intent !== null && typeof intent === 'object' && intent.metadata.paymentId !== undefined;
      const state = refundStateOf(refundFacts.parse(refund));
      if (!isOurs || state.outcome === 'pending') return undefined;
      const { amount, currency } = fromStripe(refund);
      const verdict =
        state.outcome === 'succeeded'
          ? ({ outcome: 'succeeded', transactionId: state.transactionId } as const)
          : ({ outcome: 'declined', reason: state.reason } as const);
      return { key: metadata?.refundId ?? refund.id, amount, currency, verdict };
    });
  }
}

const requestOf = ({ since, start }: LedgerPageRequest) => ({
  created: { gte: Math.floor(since.getTime() / 1_000) },
  limit: PAGE,
  ...(start !== undefined && { starting_after: start }),
});

async function pageOf<T extends { id: string }>(
  answer: Promise<Stripe.ApiList<T>>,
  entryOf: (item: T) => LedgerEntry | undefined,
): Promise<LedgerPage> {
  try {
    const { data, has_more: hasMore } = await answer;
    return { entries: data.flatMap((item) => entryOf(item) ?? []), next: hasMore ? data.at(-1)?.id : undefined };
  } catch (error) {
    throw providerErrorOf(error);
  }
}
