import type Stripe from 'stripe';
import type {
  BegunCharge,
  Charge,
  ChargeRefund,
  ChargeState,
  Declined,
  Money,
  NewCharge,
  PaymentProvider,
  RefundState,
} from '../payment-provider.js';
import { NotChargeable, toStripe } from './stripe-currencies.js';
import { hasMovedOn, isCardDecline, isInvalidRequest, providerErrorOf } from './stripe-errors.js';
import {
  chargeStateOf,
  intentFacts,
  reasonOf,
  refundFacts,
  refundStateOf,
  type ChargeMetadata,
  type DeclineMetadata,
  type RefundMetadata,
} from './stripe-objects.js';

const PAGE = 100;
/** Names that Stripe gives to means of payment. Anything else, such as the number of a card, never leaves this process. */
const TOKEN = /^(pm|ctoken)_[A-Za-z0-9_]{1,250}$/;

export interface StripeProviderOptions {
  stripe: Stripe;
  /** Where customers come back to from their bank; undefined: banks are only asked in the shop's own page. */
  returnUrl: string | undefined;
}

/**
 * Takes real money. A charge is a PaymentIntent, which moves none until it is confirmed, and can be called off for good.
 * Idempotency keys are ours, of the payment or the refund and the step; Stripe keeps them for a day, and what was made under
 * them can be found after that by its name or by our id in its metadata.
 */
export class StripeProvider implements PaymentProvider {
  readonly name = 'stripe';
  readonly #stripe: Stripe;
  readonly #returnUrl: string | undefined;

  constructor({ stripe, returnUrl }: StripeProviderOptions) {
    this.#stripe = stripe;
    this.#returnUrl = returnUrl;
  }

  async beginCharge(charge: NewCharge): Promise<BegunCharge> {
    const confirmedBy = charge.token === undefined ? 'customer' : 'server';
    const metadata: ChargeMetadata = {
      paymentId: charge.key,
      orderId: charge.orderId,
      currencyDecimals: charge.currencyDecimals.toString(),
      confirmedBy,
    };
    try {
      const { id } = await this.#stripe.paymentIntents.create(
        {
          ...toStripe(charge),
          automatic_payment_methods: { enabled: true, allow_redirects: this.#returnUrl ? 'always' : 'never' },
          metadata: { ...metadata },
        },
        { idempotencyKey: `${charge.key}:begin:${confirmedBy}` },
      );
      return { outcome: 'begun', reference: id };
    } catch (error) {
      return refusalOf(error, charge);
    }
  }

  async confirmCharge(charge: Charge, token: string | undefined): Promise<ChargeState> {
    if (token === undefined) return this.findCharge(charge);
    if (!TOKEN.test(token)) return this.#refuse(charge, 'unknown_token');
    try {
      const intent = await this.#stripe.paymentIntents.confirm(
        referenceOf(charge),
        { ...methodOf(token), ...(this.#returnUrl && { return_url: this.#returnUrl }) },
        { idempotencyKey: `${charge.key}:confirm` },
      );
      return await this.#stateOf(charge, intent);
    } catch (error) {
      if (hasMovedOn(error)) return this.findCharge(charge);
      if (isCardDecline(error)) return this.#callOff(charge, reasonOf(error) ?? 'card_declined');
      if (isInvalidRequest(error)) return this.#refuse(charge, error.code ?? 'invalid_request');
      throw providerErrorOf(error);
    }
  }

  async findCharge(charge: Charge): Promise<ChargeState> {
    const { reference, amount, currency } = charge;
    // Without a name that was stored nobody has confirmed it.
    if (reference === null) return { outcome: 'unconfirmed', amount, currency };
    return this.#stateOf(charge, await this.#ask(this.#stripe.paymentIntents.retrieve(reference)));
  }

  cancelCharge(charge: Charge): Promise<ChargeState> {
    return this.#callOff(charge);
  }

  async refund(refund: ChargeRefund): Promise<RefundState> {
    try {
      const { amount } = toStripe(refund);
      const metadata: RefundMetadata = {
        refundId: refund.key,
        currencyDecimals: refund.currencyDecimals.toString(),
      };
      const made = await this.#stripe.refunds.create(
        { payment_intent: refund.transactionId, amount, metadata: { ...metadata } },
        { idempotencyKey: `${refund.key}:refund` },
      );
      return refundStateOf(refundFacts.parse(made), refund.currencyDecimals);
    } catch (error) {
      return refusalOf(error, refund);
    }
  }

  async findRefund({ key, transactionId, currencyDecimals }: ChargeRefund): Promise<RefundState | undefined> {
    try {
      for await (const refund of this.#stripe.refunds.list({ payment_intent: transactionId, limit: PAGE })) {
        if (refund.metadata?.refundId === key) return refundStateOf(refundFacts.parse(refund), currencyDecimals);
      }
      return undefined;
    } catch (error) {
      throw providerErrorOf(error);
    }
  }

  async #stateOf(charge: Charge, intent: Stripe.PaymentIntent): Promise<ChargeState> {
    const state = chargeStateOf(intentFacts.parse(intent), charge.currencyDecimals);
    return state.outcome === 'to-be-called-off' ? this.#callOff(charge, state.reason) : state;
  }

  /** Calls off what Stripe knows no reason against. It is written there first: Stripe may tell us of the end before we do. */
  async #refuse(charge: Charge, declineReason: string): Promise<ChargeState> {
    const note: DeclineMetadata = { declineReason };
    try {
      await this.#stripe.paymentIntents.update(referenceOf(charge), { metadata: { ...note } });
    } catch (error) {
      if (!hasMovedOn(error)) throw providerErrorOf(error);
    }
    return this.#callOff(charge, declineReason);
  }

  /** Cancels the PaymentIntent, unless it has its verdict. `reason`: why, where that isn't written there. */
  async #callOff(charge: Charge, reason?: string): Promise<ChargeState> {
    try {
      // Without a key of ours: a refusal would be repeated for a day, although the charge has moved on.
      const intent = await this.#stripe.paymentIntents.cancel(referenceOf(charge));
      const state = await this.#stateOf(charge, intent);
      return state.outcome === 'declined' && reason !== undefined ? { ...state, reason } : state;
    } catch (error) {
      if (!hasMovedOn(error)) throw providerErrorOf(error);
      const intent = await this.#ask(this.#stripe.paymentIntents.retrieve(referenceOf(charge)));
      const state = chargeStateOf(intentFacts.parse(intent), charge.currencyDecimals);
      if (state.outcome === 'to-be-called-off') throw new Error('Stripe neither cancels nor charges', { cause: error });
      return state;
    }
  }

  async #ask<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw providerErrorOf(error);
    }
  }
}

/** What Stripe, or we for it, said no to, which has had no effect. Throws what the error means otherwise. */
function refusalOf(error: unknown, { amount, currency }: Money): Declined {
  if (error instanceof NotChargeable) return { outcome: 'declined', reason: error.message, amount, currency };
  if (!isInvalidRequest(error) && !isCardDecline(error)) throw providerErrorOf(error);
  return { outcome: 'declined', reason: error.code ?? 'invalid_request', amount, currency };
}

function referenceOf({ key, reference }: Charge): string {
  if (reference === null) throw new Error(`charge ${key} was never begun`);
  return reference;
}

const methodOf = (token: string): Stripe.PaymentIntentConfirmParams =>
  token.startsWith('ctoken_') ? { confirmation_token: token } : { payment_method: token };
