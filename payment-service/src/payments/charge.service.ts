import type { Logger } from '@shop/common/logger';
import type { Verdict } from '../providers/payment-provider.js';
import type { FoundOutcome, Providers } from '../providers/providers.js';
import type { ChargeRepository } from './charge.repository.js';
import { LONGEST_PAUSE, type Payment } from './payment.js';
import type { PaymentRepository } from './payment.repository.js';
import type { PaymentService } from './payment.service.js';

export interface ChargeServiceOptions {
  charges: ChargeRepository;
  payments: PaymentRepository;
  /** Where outcomes are written down, whoever learns of them. */
  outcomes: Pick<PaymentService, 'writeOutcome'>;
  providers: Providers;
  logger: Logger;
  clock: () => Date;
  /** From 0 to 1. */
  random: () => number;
  /** Milliseconds after which nobody waits for the answer to a charge any more. */
  requestLifetime: number;
  /** Milliseconds that whoever asks the provider has for it, before others ask too. */
  lease: number;
  /** Milliseconds that a charge may be on its way to a provider that doesn't know it yet. */
  patience: number;
}

const BATCH = 10;
const SHORTEST_PAUSE = 1_000;

/**
 * Reconciles charges whose outcome is unknown: the provider timed out or failed after it was asked, or our own process
 * died in between. The provider is asked for its verdict, under the key of the charge, until it has one.
 *
 * Where it has none, that alone proves nothing: the request may still be on its way, and to charge anew or to give the
 * payment up could mean two charges, or one that no book of ours knows. So after a while the charge is called off *at the
 * provider*, which then refuses that key for good: if the request was first after all, its verdict stands and is what we
 * write down; if not, it can't charge any more, the payment has failed, and a new one (a new key) may be made.
 */
export class ChargeService {
  readonly #options: ChargeServiceOptions;

  constructor(options: ChargeServiceOptions) {
    this.#options = options;
  }

  /** Looks after charges that nobody waits for any more. True: there may be more of them. */
  async settleDue(): Promise<boolean> {
    const { charges, clock, requestLifetime, lease } = this.#options;
    const due = await charges.takeDue({
      now: clock(),
      sentBefore: this.#in(-requestLifetime),
      leaseUntil: this.#in(lease),
      limit: BATCH,
    });
    const results = await Promise.allSettled(due.map((payment) => this.#settle(payment)));
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, 'some charges could not be settled');
    return due.length === BATCH;
  }

  /** A provider's verdict on a charge of its own, told unasked. Without effect where that is settled or not known. */
  async followVerdict(provider: string, id: string, verdict: Verdict): Promise<void> {
    const { payments, outcomes, logger } = this.#options;
    const payment = await payments.find(id);
    // One that went back to `pending` has no provider: if the provider charged it all the same, that has to be noticed.
    if (payment === undefined || (payment.provider ?? provider) !== provider) {
      logger.info('told of a charge that is not known', { provider, paymentId: id });
      return;
    }
    await outcomes.writeOutcome(payment, verdict);
  }

  async #settle(payment: Payment): Promise<void> {
    const { charges, outcomes, logger } = this.#options;
    const facts = { paymentId: payment.id, provider: payment.provider };
    const found = await this.#find(payment);
    if (found === undefined || 'error' in found) {
      if (found !== undefined)
        logger.warn('provider did not say what became of a charge', { ...facts, err: found.error });
      await charges.postpone(payment.id, this.#in(this.#pauseOf(payment)));
      return;
    }
    await outcomes.writeOutcome(payment, found);
    logger.info('charge settled', { ...facts, outcome: found.outcome });
  }

  async #find({ id, provider, amount, currency, ...payment }: Payment): Promise<FoundOutcome> {
    const { providers, patience } = this.#options;
    const found = await providers.findCharge(provider, id);
    if (found !== undefined || this.#ageOf(payment) < patience) return found;
    return providers.cancelCharge(provider, { key: id, amount, currency });
  }

  /** Grows with the age of the charge; half of it by chance, so that many don't come at once. */
  #pauseOf(payment: Payment): number {
    const pause = Math.min(Math.max(this.#ageOf(payment) / 2, SHORTEST_PAUSE), LONGEST_PAUSE);
    return pause / 2 + (pause / 2) * this.#options.random();
  }

  #ageOf({ updatedAt }: Pick<Payment, 'updatedAt'>): number {
    return this.#options.clock().getTime() - updatedAt.getTime();
  }

  #in(milliseconds: number): Date {
    return new Date(this.#options.clock().getTime() + milliseconds);
  }
}
