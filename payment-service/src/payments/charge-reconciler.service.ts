import type { Logger } from '@shop/common/logger';
import type { ChargeState } from '../providers/payment-provider.js';
import type { ChargeOutcome } from '../providers/providers.js';
import type { ChargeOutcomeService } from './charge-outcome.service.js';
import type { ChargeRepository, DueCharge } from './charge.repository.js';
import type { ChargingService } from './charging.service.js';
import { LONGEST_PAUSE, type Payment } from './payment.js';
import type { PaymentRepository } from './payment.repository.js';

export interface ChargeServiceOptions {
  charges: ChargeRepository;
  payments: PaymentRepository;
  /** Where outcomes are written down, whoever learns of them. */
  outcomes: Pick<ChargeOutcomeService, 'write'>;
  charging: Pick<ChargingService, 'find' | 'callOff'>;
  logger: Logger;
  /** The database's. */
  clock: () => Promise<Date>;
  /** Milliseconds after which nobody waits for the answer to a charge any more. */
  requestLifetime: number;
  /** Milliseconds that whoever asks the provider has for it, before others ask too. */
  lease: number;
  /** Milliseconds that a charge may be on its way to a provider that doesn't know it yet. */
  timeout: number;
}

const BATCH = 10;
const SHORTEST_PAUSE = 1_000;

/**
 * Reconciles charges without an outcome: the provider timed out or failed after it was asked, our own process died in
 * between, or the provider waits for the customer or the customer's bank. The payment's own provider is asked how far the
 * charge has come, until it has a verdict.
 *
 * Where nobody has confirmed the charge, that alone proves nothing: the request may still be on its way, and to charge
 * again or to give the payment up could mean two charges, or one that our ledger doesn't know. So after a while the charge is
 * called off *at the provider*, which then refuses it for good: if the request was first after all, its verdict stands and
 * is what we write down; if not, it can't charge any more, the payment has failed, and a new one (a new key) may be made.
 * In the same way what a customer never finishes is called off at the order's deadline, or when the order is cancelled.
 */
export class ChargeReconciler {
  readonly #options: ChargeServiceOptions;

  constructor(options: ChargeServiceOptions) {
    this.#options = options;
  }

  /** Looks after charges that nobody waits for any more. True: there may be more of them. */
  async settleDue(): Promise<boolean> {
    const { charges, clock, requestLifetime, lease } = this.#options;
    const now = await clock();
    const due = await charges.takeDue({
      now,
      sentBefore: after(now, -requestLifetime),
      leaseUntil: after(now, lease),
      limit: BATCH,
    });
    const results = await Promise.allSettled(due.map((payment) => this.#settle(payment)));
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, 'some charges could not be settled');
    return due.length === BATCH;
  }

  /** What a provider describes a charge of its own, unasked. Without effect where that is settled or not known. */
  async reconcile(provider: string, id: string, reported: ChargeState): Promise<void> {
    const { payments, outcomes, charging, logger } = this.#options;
    const payment = await payments.find(id);
    // One that went back to `pending` has no provider: if the provider charged it all the same, that has to be noticed.
    if (payment === undefined || (payment.provider ?? provider) !== provider) {
      logger.info('notified of a charge that is not known', { provider, paymentId: id });
      return;
    }
    // A verdict is final. Anything else may be old news by now, so it only says that there is something to ask about.
    const isFinal = reported.outcome === 'succeeded' || reported.outcome === 'declined';
    if (isFinal) await outcomes.write({ ...payment, provider }, reported);
    else if (payment.status === 'processing') await this.#write(payment, await charging.find(payment));
  }

  async #settle(payment: DueCharge): Promise<void> {
    const { charges, charging, clock } = this.#options;
    const found = await charging.find(payment);
    const outcome = this.#isGivenUp(payment, found, await clock()) ? await charging.callOff(payment) : found;
    const isSettled = await this.#write(payment, outcome);
    if (isSettled) return;
    const now = await clock();
    const next = after(now, this.#pauseOf(payment, now));
    // What waits for the customer is called off at the deadline, not some minutes later.
    const { payableUntil } = payment;
    const isLater = outcome.outcome !== 'needs-customer' || next < payableUntil || payableUntil <= now;
    await charges.postpone(payment.id, isLater ? next : payableUntil);
  }

  /** Writes down what the provider says. False: it is no verdict. */
  async #write(payment: Payment, outcome: ChargeOutcome): Promise<boolean> {
    const { outcomes, logger } = this.#options;
    const facts = { paymentId: payment.id, provider: payment.provider };
    if ('error' in outcome) {
      logger.warn('provider did not say what became of a charge', { ...facts, err: outcome.error });
      return false;
    }
    const { status } = await outcomes.write(payment, outcome);
    if (status !== 'processing') logger.info('charge settled', { ...facts, outcome: outcome.outcome });
    return status !== 'processing';
  }

  #isGivenUp(payment: DueCharge, { outcome }: ChargeOutcome, now: Date): boolean {
    if (outcome === 'unconfirmed') return ageOf(payment, now) >= this.#options.timeout;
    return outcome === 'needs-customer' && (payment.orderStatus === 'cancelled' || payment.payableUntil <= now);
  }

  /** Grows with the age of the charge; half of it by chance, so that many don't come at once. */
  #pauseOf(payment: Payment, now: Date): number {
    const pause = Math.min(Math.max(ageOf(payment, now) / 2, SHORTEST_PAUSE), LONGEST_PAUSE);
    return pause / 2 + (pause / 2) * Math.random();
  }
}

const ageOf = ({ updatedAt }: Pick<Payment, 'updatedAt'>, now: Date): number => now.getTime() - updatedAt.getTime();
const after = (now: Date, milliseconds: number): Date => new Date(now.getTime() + milliseconds);
