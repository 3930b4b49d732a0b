// The two payment providers of the system under test: the simulated one, and a fake of Stripe that no kill reaches.
import { startFakeStripe, type FakeStripe } from '@shop/testing/fake-stripe';
import type { Ledger, LedgerRow } from './ledger.ts';

const secretKey = `sk_test_${'0'.repeat(32)}`;
const webhookSecret = `whsec_${'1'.repeat(32)}`;
/** Milliseconds after which customers agree when their bank asks them. */
const customersAgreeAfter = 500;

/** What stands for the same card at Stripe. */
const cardsOfStripe: Readonly<Record<string, string>> = {
  tok_slow: 'pm_card_authenticationRequired',
  tok_chargeDeclined: 'pm_card_visa_chargeDeclined',
  tok_insufficientFunds: 'pm_card_visa_chargeDeclinedInsufficientFunds',
};
const faults: Readonly<Record<string, number | undefined>> = { tok_timeout: undefined, tok_error: 500 };

/** Which provider takes new payments, and what stands in Stripe's ledger. */
export class ChaosProviders {
  readonly #fake: FakeStripe;
  #order: readonly ['simulated' | 'stripe', 'simulated' | 'stripe'] = ['simulated', 'stripe'];

  static async start(): Promise<ChaosProviders> {
    return new ChaosProviders(await startFakeStripe({ secretKey, customersAgreeAfter }));
  }

  private constructor(fake: FakeStripe) {
    this.#fake = fake;
  }

  /** The settings of payment-service, as of now. */
  get environment(): Record<string, string> {
    return {
      PAYMENT_PROVIDERS: this.#order.join(','),
      STRIPE_SECRET_KEY: secretKey,
      STRIPE_WEBHOOK_SECRETS: webhookSecret,
      STRIPE_API_URL: this.#fake.url,
    };
  }

  /** Each webhook is sent twice there. */
  notify(paymentServiceUrl: string): void {
    const url = `${paymentServiceUrl}/api/v1/payments/webhooks/stripe`;
    this.#fake.deliverTo({ url, secret: webhookSecret, times: 2, delay: 200 });
  }

  /** The other one takes new payments from the next start of payment-service on. Answers which. */
  switch(): string {
    this.#order = [this.#order[1], this.#order[0]];
    return this.#order[0];
  }

  /** A card's name at the provider that takes new payments now. */
  cardOf(card: string): string {
    if (this.#order[0] === 'simulated') return card;
    if (card in faults) this.#fake.fail({ path: /confirm$/, when: 'after', status: faults[card] });
    return cardsOfStripe[card] ?? 'pm_card_visa';
  }

  /** Whether Stripe has taken the money of a payment. */
  hasCharged(paymentId: string): boolean {
    const { intents } = this.#fake.account;
    return [...intents.values()].some(
      ({ metadata, status }) => metadata.paymentId === paymentId && status === 'succeeded',
    );
  }

  /** What Stripe has charged and given back since then. */
  ledger(since: Date): Pick<Ledger, 'charges' | 'chargeRefunds'> {
    const { intents, refunds } = this.#fake.account;
    const from = Math.floor(since.getTime() / 1_000);
    const charges = [...intents.values()]
      .filter(({ created, status }) => created >= from && ['succeeded', 'canceled'].includes(status))
      .map(({ id, metadata, amount, currency, status }): LedgerRow => ({
        key: metadata.paymentId ?? '',
        transaction_id: id,
        amount: String(amount),
        currency: currency.toUpperCase(),
        decline_reason: status === 'succeeded' ? null : 'canceled',
      }));
    const chargeRefunds = [...refunds.values()]
      .filter(({ created }) => created >= from)
      .map((refund) => ({
        key: refund.metadata.refundId ?? '',
        transaction_id: refund.id,
        charge_transaction_id: refund.payment_intent,
        amount: String(refund.amount),
        currency: refund.currency.toUpperCase(),
        decline_reason: refund.failure_reason,
      }));
    return { charges, chargeRefunds };
  }

  stop(): Promise<void> {
    return this.#fake.stop();
  }
}
