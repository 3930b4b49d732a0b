import type { Charge, NewCharge } from '../providers/payment-provider.js';
import type { ChargeOutcome, NoAnswer, Providers } from '../providers/providers.js';
import type { ChargeRepository } from './charge.repository.js';
import type { Payment } from './payment.js';

export interface ChargingServiceOptions {
  charges: Pick<ChargeRepository, 'storeReference'>;
  providers: Providers;
}

/**
 * The steps of a charge at its payment's own provider, which is begun, unless its name is known already, and confirmed once
 * the provider's name for it is committed. So whatever crashes when, a charge that may move money can be found, and one without a name never did.
 */
export class ChargingService {
  readonly #options: ChargingServiceOptions;

  constructor(options: ChargingServiceOptions) {
    this.#options = options;
  }

  /** Charges a payment that has just become `processing`. */
  async charge(payment: Payment, token: string | undefined): Promise<ChargeOutcome> {
    const { providers } = this.#options;
    const deadline = providers.deadline(); // both steps share it: somebody waits
    const { provider, providerReference } = payment;
    const confirm = (reference: string): Promise<ChargeOutcome> => {
      const charge = { ...chargeOf(payment), reference };
      return providers.ask(provider, (asked, signal) => asked.confirmCharge(charge, token, signal), deadline);
    };
    if (providerReference !== null) return confirm(providerReference);
    const begun = await providers.ask(
      provider,
      (asked, signal) => asked.beginCharge(newChargeOf(payment, token), signal),
      deadline,
    );
    if (begun.outcome === 'declined') return begun;
    // A charge that isn't confirmed moves no money: whether the provider has learned of it makes no difference.
    if (begun.outcome !== 'begun') return { outcome: 'not-reached', error: begun.error };
    const failure = await this.#storeReference(payment, begun.reference);
    return failure ?? confirm(begun.reference);
  }

  /** Brings a charge to its end that began earlier, in whichever step it stopped. */
  async carryOn(payment: Payment, token: string | undefined): Promise<ChargeOutcome> {
    const { providers } = this.#options;
    const found = await this.find(payment);
    if (found.outcome !== 'unconfirmed') return found;
    if (payment.providerReference === null) return this.charge(payment, token);
    return providers.ask(payment.provider, (asked, signal) => asked.confirmCharge(chargeOf(payment), token, signal));
  }

  /** How far the charge has come. */
  find(payment: Payment): Promise<ChargeOutcome> {
    return this.#options.providers.ask(payment.provider, (asked, signal) =>
      asked.findCharge(chargeOf(payment), signal),
    );
  }

  /** Calls the charge off at the provider. One that wasn't begun is begun for it, so that nobody else can confirm it. */
  async callOff(payment: Payment): Promise<ChargeOutcome> {
    const { providers } = this.#options;
    const { provider } = payment;
    const cancel = (charge: Charge) => providers.ask(provider, (asked, signal) => asked.cancelCharge(charge, signal));
    if (payment.providerReference !== null) return cancel(chargeOf(payment));
    const newCharge = newChargeOf(payment, undefined);
    const begun = await providers.ask(provider, (asked, signal) => asked.beginCharge(newCharge, signal));
    if (begun.outcome !== 'begun') return begun;
    const failure = await this.#storeReference(payment, begun.reference);
    if (failure !== undefined) return failure;
    return cancel({ ...chargeOf(payment), reference: begun.reference });
  }

  /** Where it fails, somebody else may have stored a reference, or settled the payment: theirs counts. */
  async #storeReference(payment: Payment, reference: string): Promise<NoAnswer | undefined> {
    try {
      await this.#options.charges.storeReference(payment, reference);
      return undefined;
    } catch (error) {
      return { outcome: 'unknown', error };
    }
  }
}

function newChargeOf(
  { id: key, orderId, amount, currency, currencyDecimals }: Payment,
  token: string | undefined,
): NewCharge {
  return { key, orderId, amount, currency, currencyDecimals, token };
}

function chargeOf({ id: key, amount, currency, currencyDecimals, providerReference: reference }: Payment): Charge {
  return { key, amount, currency, currencyDecimals, reference };
}
