import type { Actor } from '@shop/common/auth';
import type { IdempotencyLease } from '@shop/common/idempotency';
import type { Logger } from '@shop/common/logger';
import { isSameMoney } from '../discrepancies/contradiction.js';
import type { DiscrepancyService } from '../discrepancies/discrepancy.service.js';
import type { ChargeRefund, Money, RefundState } from '../providers/payment-provider.js';
import type { Providers, RefundOutcome } from '../providers/providers.js';
import { refundContradicted } from './contradictions.js';
import { amountInMinorUnits } from './minor-units.js';
import { refundDeclined, refundDone, refundRequested, type Decision, type Moment } from './payment-aggregate.js';
import type { PaymentAggregateRepository } from './payment-aggregate.repository.js';
import {
  PaymentDeclined,
  PaymentNotFound,
  RefundNotFound,
  RefundSettledByProvider,
  RefundSettledOtherwise,
} from './payment.errors.js';
import { LONGEST_PAUSE, type Payment } from './payment.js';
import type { PaymentRepository } from './payment.repository.js';
import type { RefundMetrics } from './refund.metrics.js';
import { FAILING_AFTER, retryPause, type Refund } from './refund.js';
import type { DueRefund, RefundRepository } from './refund.repository.js';

export interface RefundServiceOptions {
  payments: PaymentRepository;
  aggregates: PaymentAggregateRepository;
  refunds: RefundRepository;
  providers: Providers;
  discrepancies: Pick<DiscrepancyService, 'record'>;
  logger: Logger;
  newId: () => string;
  metrics: RefundMetrics;
  /** Milliseconds until an unanswered refund is tried again for the first time. */
  firstPause: number;
  /** Milliseconds that whoever asks the provider has for it, before others ask too. */
  lease: number;
}

/** A refund, and its payment as it is with it. */
export type RefundOfPayment = DueRefund;

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
   * outcome is unknown. What another attempt at the same request has begun is carried on. Throws PaymentNotFound,
   * PaymentNotRefundable, RefundTooLarge and PaymentDeclined.
   */
  async request(
    actor: Actor,
    paymentId: string,
    { amount, reason }: { amount: number | undefined; reason: string | null },
    lease?: IdempotencyLease<RefundOfPayment>,
  ): Promise<RefundOfPayment> {
    const payment = await this.#options.payments.find(paymentId);
    if (payment === undefined) throw new PaymentNotFound();
    const begun = lease?.begun === undefined ? undefined : await this.#options.refunds.find(lease.begun);
    const settled =
      begun === undefined
        ? await this.#reserveAndSend(actor, payment, { amount, reason }, lease)
        : await this.#carryOn({ refund: begun, payment }, lease);
    const refusal = refusalOf(settled.refund);
    if (refusal !== undefined) throw refusal;
    return settled;
  }

  async #reserveAndSend(
    actor: Actor,
    payment: Payment,
    { amount, reason }: { amount: number | undefined; reason: string | null },
    lease: IdempotencyLease<RefundOfPayment> | undefined,
  ): Promise<RefundOfPayment> {
    const request = {
      amount: amount === undefined ? undefined : amountInMinorUnits(amount, payment.currency, payment.currencyDecimals),
      reason,
      requestedBy: actor.id,
    };
    const { payment: current, openedRefund: refund } = await this.#options.aggregates.change(
      payment.orderId,
      (aggregate, now) => {
        // A payment that isn't its order's live one is final: what was read of it still holds.
        const current = aggregate.payment?.id === payment.id ? aggregate.payment : payment;
        return refundRequested(
          current,
          { ...request, nextAttemptAt: after(now, this.#options.lease) },
          this.#moment(now),
        );
      },
      ({ openedRefund: { id } }) => lease?.start(id),
    );
    const due = { refund, payment: current };
    return this.#settleNow(due, () => this.#send(due), lease);
  }

  async #carryOn(due: DueRefund, lease: IdempotencyLease<RefundOfPayment> | undefined): Promise<RefundOfPayment> {
    return due.refund.status === 'pending' ? this.#settleNow(due, () => this.#findOrSend(due), lease) : due;
  }

  /** Asks the providers for refunds that wait for it. True: there may be more of them. */
  async carryOutDue(): Promise<boolean> {
    const { refunds, lease } = this.#options;
    const due = await refunds.takeDue({ lease, limit: BATCH });
    const results = await Promise.allSettled(
      due.map(async (one) => this.#writeOutcome(one, await this.#findOrSend(one))),
    );
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, 'some refunds could not be carried out');
    return due.length === BATCH;
  }

  /**
   * An admin says what became of a refund that is made by hand. Said again, nothing happens. Throws RefundNotFound and, where
   * a provider settles the refund or it has ended otherwise, Conflict.
   */
  async settleByHand(
    actor: Actor,
    { paymentId, refundId }: { paymentId: string; refundId: string },
    { outcome, reason }: { outcome: 'succeeded' | 'failed'; reason: string | null },
  ): Promise<Refund> {
    const { payments, refunds, aggregates, providers, metrics } = this.#options;
    const refund = await refunds.find(refundId);
    const payment = refund?.paymentId === paymentId ? await payments.find(paymentId) : undefined;
    if (refund === undefined || payment === undefined) throw new RefundNotFound();
    if (payment.provider !== providers.byHand) throw new RefundSettledByProvider();
    const decision = await aggregates.changeRefund(refund, (aggregate, current, now) =>
      outcome === 'succeeded'
        ? refundDone(aggregate, current, { transactionId: `manual_${refundId}`, settledBy: actor }, this.#moment(now))
        : refundDeclined(aggregate, current, { reason: reason ?? 'failed', settledBy: actor }, this.#moment(now)),
    );
    const settled = settledBy(decision);
    if (settled !== undefined) metrics.settled(settled.refund, settled.payment);
    const current = settled?.refund ?? (await refunds.find(refundId)) ?? refund;
    if (current.status !== outcome) throw new RefundSettledOtherwise(current.status);
    return current;
  }

  /** Notes how many refunds are tried again and again. False: that is all of it. */
  async watchFailing(): Promise<boolean> {
    const { refunds, metrics } = this.#options;
    metrics.failing(await refunds.countFailing(FAILING_AFTER));
    return false;
  }

  /** What a provider describes a refund of its own, unasked. Without effect where the refund is settled or not known. */
  async follow(provider: string, id: string, reported: RefundState): Promise<void> {
    const { refunds, payments, logger } = this.#options;
    const refund = await refunds.find(id);
    const payment = refund && (await payments.find(refund.paymentId));
    if (refund === undefined || payment?.provider !== provider) {
      logger.info('notified of a refund that is not known', { provider, refundId: id });
    } else {
      const known = refund.status === 'pending' ? await this.#writeOutcome({ refund, payment }, reported) : { refund };
      await this.#reportContradiction({ refund: known.refund, payment }, reported);
    }
  }

  /** The refund and its payment after the provider was asked. What could not be written down is left to `carryOutDue`. */
  async #settleNow(
    due: DueRefund,
    ask: () => Promise<RefundOutcome>,
    lease: IdempotencyLease<RefundOfPayment> | undefined,
  ): Promise<RefundOfPayment> {
    try {
      return await this.#writeOutcome(due, await ask(), lease);
    } catch (err) {
      this.#options.logger.error('outcome of a refund not written', { refundId: due.refund.id, err });
      return due;
    }
  }

  /** It may have been sent before: a provider remembers its verdict for longer than the key that it came under. */
  async #findOrSend(due: DueRefund): Promise<RefundOutcome> {
    const { providers } = this.#options;
    const refund = chargeRefundOf(due);
    const found = await providers.ask(due.payment.provider, (asked, signal) => asked.findRefund(refund, signal));
    return found ?? this.#send(due);
  }

  async #send(due: DueRefund): Promise<RefundOutcome> {
    const refund = chargeRefundOf(due);
    return this.#options.providers.ask(due.payment.provider, (asked, signal) => asked.refund(refund, signal));
  }

  async #writeOutcome(
    { refund, payment }: DueRefund,
    result: RefundOutcome,
    lease?: IdempotencyLease<RefundOfPayment>,
  ): Promise<RefundOfPayment> {
    const { aggregates, payments, refunds, logger } = this.#options;
    const { id } = refund;
    const note = (decision: Decision) => {
      const settled = settledBy(decision);
      return settled && lease?.settle(refusalOf(settled.refund) ?? settled);
    };
    if (result.outcome === 'succeeded' && !isOfThisMoney({ refund, payment }, result)) {
      await this.#options.discrepancies.record(refundContradicted('amount_differs', { refund, payment }, result));
      await refunds.postpone(id, LONGEST_PAUSE);
      return { refund, payment };
    }
    let decision: Decision | undefined;
    switch (result.outcome) {
      case 'succeeded':
        decision = await aggregates.changeRefund(
          refund,
          (aggregate, current, now) => refundDone(aggregate, current, result, this.#moment(now)),
          note,
        );
        break;
      case 'declined': {
        const { reason } = result;
        logger.error('refund failed', { refundId: id, paymentId: payment.id, reason, repeats: refund.repeats });
        const pause = this.#retryPause(refund.repeats);
        decision = await aggregates.changeRefund(
          refund,
          (aggregate, current, now) =>
            refundDeclined(aggregate, current, { reason, nextAttemptAt: after(now, pause) }, this.#moment(now)),
          note,
        );
        break;
      }
      case 'pending':
        // The provider takes its time, and tells by webhook when it is done: nothing has failed.
        await refunds.awaitProvider(id, LONGEST_PAUSE);
        break;
      default:
        logger.warn('refund not answered', { refundId: id, outcome: result.outcome, err: result.error });
        await refunds.postpone(id, this.#retryPause(refund.attempts));
    }
    const settled = decision && settledBy(decision);
    if (settled !== undefined) {
      this.#options.metrics.settled(settled.refund, settled.payment);
      return settled;
    }
    return { refund: (await refunds.find(id)) ?? refund, payment: (await payments.find(payment.id)) ?? payment };
  }

  /** What has its end keeps it; where the provider says otherwise, somebody must put it right by hand. */
  async #reportContradiction(known: RefundOfPayment, reported: RefundState): Promise<void> {
    const { discrepancies } = this.#options;
    const { status } = known.refund;
    if (status === 'pending') return;
    if (reported.outcome === 'succeeded' && !isOfThisMoney(known, reported)) {
      await discrepancies.record(refundContradicted('amount_differs', known, reported));
    } else if (reported.outcome === 'succeeded' && status === 'failed') {
      await discrepancies.record(refundContradicted('refund_at_provider', known, reported));
    } else if (reported.outcome === 'declined' && status === 'succeeded') {
      await discrepancies.record(refundContradicted('refund_failed_after_success', known, reported));
    }
  }

  #retryPause(times: number): number {
    return retryPause(times, { first: this.#options.firstPause, random: Math.random() });
  }

  #moment(now: Date): Moment {
    return { now, newId: this.#options.newId };
  }
}

const isOfThisMoney = ({ refund: { amount }, payment: { currency } }: RefundOfPayment, moved: Money): boolean =>
  isSameMoney({ amount, currency }, moved);

/** What the provider is asked to give back. */
function chargeRefundOf({ refund: { id: key, amount, currencyDecimals }, payment }: DueRefund): ChargeRefund {
  const { currency, transactionId } = payment;
  if (transactionId === null) throw new Error(`payment ${payment.id} has a refund and no transaction`);
  return { key, transactionId, amount, currency, currencyDecimals };
}

const after = (now: Date, milliseconds: number): Date => new Date(now.getTime() + milliseconds);

/** The refund that a decision settles, if it does. */
const settledBy = ({ settledRefund: refund, payment }: Decision): RefundOfPayment | undefined =>
  refund && payment && { refund, payment };

/** What somebody who asked for a refund learns of one that failed. */
const refusalOf = ({ paymentId, status, failureReason }: Refund): PaymentDeclined | undefined =>
  status === 'failed' ? new PaymentDeclined('Refund', { paymentId, reason: failureReason ?? 'declined' }) : undefined;
