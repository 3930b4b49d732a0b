import type { Actor } from '@shop/common/auth';
import type { Logger } from '@shop/common/logger';
import type { Providers } from '../providers/providers.js';
import { amountInMinorUnits } from './minor-units.js';
import { refundDeclined, refundDone, refundRequested, type Moment } from './order-account.js';
import type { OrderAccountRepository } from './order-account.repository.js';
import { PaymentDeclined, PaymentNotFound } from './payment.errors.js';
import type { Payment } from './payment.js';
import type { PaymentRepository } from './payment.repository.js';
import { retryPause, type Refund } from './refund.js';
import type { DueRefund, RefundRepository } from './refund.repository.js';

export interface RefundServiceOptions {
  payments: PaymentRepository;
  accounts: OrderAccountRepository;
  refunds: RefundRepository;
  providers: Providers;
  logger: Logger;
  clock: () => Date;
  newId: () => string;
  /** From 0 to 1. */
  random: () => number;
  /** Milliseconds until an unanswered refund is tried again for the first time. */
  firstPause: number;
  /** Milliseconds that whoever asks the provider has for it, before others ask too. */
  lease: number;
}

const BATCH = 10;

/** The use cases of refunds: first written down, then asked of the provider with no lock held, then settled. */
export class RefundService {
  readonly #options: RefundServiceOptions;

  constructor(options: RefundServiceOptions) {
    this.#options = options;
  }

  /** A payment's refunds, for those who may see the payment. */
  list(payment: Payment): Promise<readonly Refund[]> {
    return this.#options.refunds.findOfPayment(payment.id);
  }

  /**
   * Gives back an amount in major units, or all that is left. Answers the refund, which is still pending while its
   * outcome is unknown. Throws PaymentNotFound, PaymentNotRefundable, RefundTooLarge and PaymentDeclined.
   */
  async request(
    actor: Actor,
    paymentId: string,
    { amount, reason }: { amount: number | undefined; reason: string | null },
  ): Promise<DueRefund> {
    const { payments, accounts } = this.#options;
    const payment = await payments.find(paymentId);
    if (payment === undefined) throw new PaymentNotFound();
    const request = {
      amount: amount === undefined ? undefined : amountInMinorUnits(amount, payment.currency),
      reason,
      requestedBy: actor.id,
      nextAttemptAt: this.#after(this.#options.lease),
    };
    const reserved = await accounts.change(payment.orderId, (account) => {
      // A payment that isn't its order's live one is final: what was read of it still holds.
      const current = account.payment?.id === paymentId ? account.payment : payment;
      return refundRequested(current, request, this.#moment());
    });
    const { payment: current, openedRefund: refund } = reserved;
    const settled = await this.#settleNow({ refund, payment: current });
    if (settled.refund.status === 'failed') {
      throw new PaymentDeclined('Refund', { paymentId, reason: settled.refund.failureReason ?? 'declined' });
    }
    return settled;
  }

  /** Asks the providers for refunds that wait for it. True: there may be more of them. */
  async carryOutDue(): Promise<boolean> {
    const { refunds, clock, lease } = this.#options;
    const due = await refunds.takeDue({ now: clock(), leaseUntil: this.#after(lease), limit: BATCH });
    const results = await Promise.allSettled(due.map((one) => this.#carryOut(one)));
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, 'some refunds could not be carried out');
    return due.length === BATCH;
  }

  /** The refund and its payment after the provider was asked. What could not be written down is left to `carryOutDue`. */
  async #settleNow(due: DueRefund): Promise<DueRefund> {
    try {
      const refund = await this.#carryOut(due);
      return { refund, payment: (await this.#options.payments.find(due.payment.id)) ?? due.payment };
    } catch (err) {
      this.#options.logger.error('outcome of a refund not written', { refundId: due.refund.id, err });
      return due;
    }
  }

  async #carryOut({ refund, payment }: DueRefund): Promise<Refund> {
    const { providers, accounts, refunds, logger } = this.#options;
    const { id, amount } = refund;
    const { provider, currency, transactionId } = payment;
    if (transactionId === null) throw new Error(`payment ${payment.id} has a refund and no transaction`);
    const result = await providers.refund(provider, { key: id, transactionId, amount, currency });
    switch (result.outcome) {
      case 'succeeded':
        await accounts.changeRefund(refund, (account, current) =>
          refundDone(account, current, result.transactionId, this.#moment()),
        );
        break;
      case 'declined': {
        const { reason } = result;
        logger.error('refund failed', { refundId: id, paymentId: payment.id, reason, repeats: refund.repeats });
        const nextAttemptAt = this.#after(this.#retryPause(refund.repeats));
        await accounts.changeRefund(refund, (account, current) =>
          refundDeclined(account, current, { reason, nextAttemptAt }, this.#moment()),
        );
        break;
      }
      default:
        logger.warn('refund not answered', { refundId: id, outcome: result.outcome, err: result.error });
        await refunds.postpone(id, this.#after(this.#retryPause(refund.attempts)));
    }
    return (await refunds.find(id)) ?? refund;
  }

  #retryPause(times: number): number {
    const { firstPause, random } = this.#options;
    return retryPause(times, { first: firstPause, random: random() });
  }

  #after(milliseconds: number): Date {
    return new Date(this.#options.clock().getTime() + milliseconds);
  }

  #moment(): Moment {
    return { now: this.#options.clock(), newId: this.#options.newId };
  }
}
