import type Stripe from 'stripe';
import type { LedgerEntry, LedgerPage, LedgerPageRequest, ProviderLedger, Verdict } from '../payment-provider.js';
import { decimalsOf } from './stripe-currencies.js';
import { providerErrorOf } from './stripe-errors.js';
import { chargeStateOf, intentFacts, refundFacts, refundStateOf } from './stripe-objects.js';

const PAGE = 100;

/** Stripe's ledger, newest first, as far as they are about payments of ours. */
export class StripeLedger implements ProviderLedger {
  readonly #stripe: Stripe;

  constructor({ stripe }: { stripe: Stripe }) {
    this.#stripe = stripe;
  }

  listCharges(page: LedgerPageRequest): Promise<LedgerPage> {
    return pageOf(this.#stripe.paymentIntents.list(requestOf(page)), (intent) => {
      const { paymentId: key } = intent.metadata;
      if (key === undefined) return undefined;
      const currencyDecimals = decimalsOf(intent.currency, intent.metadata);
      const state = chargeStateOf(intentFacts.parse(intent), currencyDecimals);
      if (state.outcome !== 'succeeded' && state.outcome !== 'declined') return undefined;
      return entryOf(key, state, currencyDecimals);
    });
  }

  /** Refunds of our charges, also those that somebody made at Stripe: they stand under Stripe's own name. */
  listRefunds(page: LedgerPageRequest): Promise<LedgerPage> {
    const request = { ...requestOf(page), expand: ['data.payment_intent'] };
    return pageOf(this.#stripe.refunds.list(request), (refund) => {
      const { payment_intent: intent, currency, metadata } = refund;
      const isOurs = intent !== null && typeof intent === 'object' && intent.metadata.paymentId !== undefined;
      if (!isOurs) return undefined;
      // A refund that somebody made there has no decimals of ours, and is of the charge that has.
      const currencyDecimals = decimalsOf(currency, { ...intent.metadata, ...metadata });
      const state = refundStateOf(refundFacts.parse(refund), currencyDecimals);
      return state.outcome === 'pending'
        ? undefined
        : entryOf(metadata?.refundId ?? refund.id, state, currencyDecimals);
    });
  }
}

function entryOf(key: string, { amount, currency, ...verdict }: Verdict, currencyDecimals: number): LedgerEntry {
  return { key, amount, currency, currencyDecimals, verdict };
}

const requestOf = ({ since, start }: LedgerPageRequest) => ({
  created: { gte: Math.floor(since.getTime() / 1_000) },
  limit: PAGE,
  ...(start !== undefined && { starting_after: start }),
});

async function pageOf<T extends { id: string }>(
  answer: Promise<Stripe.ApiList<T>>,
  read: (item: T) => LedgerEntry | undefined,
): Promise<LedgerPage> {
  try {
    const { data, has_more: hasMore } = await answer;
    return { entries: data.flatMap((item) => read(item) ?? []), next: hasMore ? data.at(-1)?.id : undefined };
  } catch (error) {
    throw providerErrorOf(error);
  }
}
