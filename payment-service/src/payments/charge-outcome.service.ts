import { Conflict, ServiceUnavailable, type AppError } from '@shop/common/errors';
import type { IdempotencyLease } from '@shop/common/idempotency';
import type { Logger } from '@shop/common/logger';
import { isSameMoney } from '../discrepancies/contradiction.js';
import type { DiscrepancyService } from '../discrepancies/discrepancy.service.js';
import type { ChargeOutcome } from '../providers/providers.js';
import { paymentContradicted } from './contradictions.js';
import type { PayableOrder } from './payable-order.js';
import {
  chargeAwaitsCustomer,
  chargeDeclined,
  chargeNotReached,
  chargeSucceeded,
  type Decision,
  type Moment,
  type PaymentAggregate,
} from './payment-aggregate.js';
import type { PaymentAggregateRepository } from './payment-aggregate.repository.js';
import { PaymentDeclined } from './payment.errors.js';
import { written, type Payment } from './payment.js';
import type { PaymentRepository } from './payment.repository.js';

export interface ChargeOutcomeServiceOptions {
  payments: Pick<PaymentRepository, 'find'>;
  aggregates: Pick<PaymentAggregateRepository, 'changePayment'>;
  discrepancies: Pick<DiscrepancyService, 'record'>;
  /** Notified when a refund waits for its provider. */
  refunds: { wake(): void };
  logger: Logger;
  newId: () => string;
}

interface OutcomeContext {
  /** Of the request that waits for the outcome. */
  lease?: IdempotencyLease<Payment> | undefined;
  /** The payment's, as it was when the charge began: saves reading both again. */
  order?: PayableOrder;
}

/** What a provider says of a charge, written down as what it makes of the payment. */
export class ChargeOutcomeService {
  readonly #options: ChargeOutcomeServiceOptions;

  constructor(options: ChargeOutcomeServiceOptions) {
    this.#options = options;
  }

  /** As `write`, for somebody who waits for it. Throws PaymentDeclined, Conflict and ServiceUnavailable. */
  async settle(payment: Payment, outcome: ChargeOutcome, context: OutcomeContext = {}): Promise<Payment> {
    const { logger } = this.#options;
    const facts = { paymentId: payment.id, outcome: outcome.outcome };
    if ('error' in outcome) logger.warn('charge not answered', { ...facts, err: outcome.error });
    const settled = await this.write(payment, outcome, context).catch((err: unknown) => {
      // The money may have moved: any other answer than "being processed" would be untrue.
      logger.error('outcome of a charge not written', { ...facts, err });
      return payment;
    });
    return paid(settled);
  }

  /** Writes down what came of a charge, unless that is known already. Answers the payment as it is then. */
  async write(payment: Payment, result: ChargeOutcome, { lease, order }: OutcomeContext = {}): Promise<Payment> {
    const { aggregates, payments, discrepancies, refunds } = this.#options;
    const { id, orderId } = payment;
    if (result.outcome === 'unknown') return written(await payments.find(id));
    if (result.outcome === 'succeeded' && !isSameMoney(payment, result)) {
      await discrepancies.record(paymentContradicted('amount_differs', payment, result));
      return written(await payments.find(id));
    }
    const decide = (aggregate: PaymentAggregate, now: Date): Decision => {
      switch (result.outcome) {
        case 'needs-customer':
          return chargeAwaitsCustomer(aggregate, id, result.nextAction, this.#moment(now));
        case 'unconfirmed':
        case 'processing':
          return chargeAwaitsCustomer(aggregate, id, undefined, this.#moment(now));
        case 'succeeded':
          return chargeSucceeded(aggregate, id, result.transactionId, this.#moment(now));
        case 'declined':
          return chargeDeclined(aggregate, id, result.reason, this.#moment(now));
        case 'not-reached':
          return chargeNotReached(aggregate, id, this.#moment(now));
      }
    };
    const decision = await aggregates.changePayment(orderId, decide, {
      // Without a reference from the start one was stored meanwhile, so the payment is no longer as it was.
      known: order && payment.providerReference !== null ? { order, payment } : undefined,
      note: ({ payment: changed }) =>
        changed?.status === 'processing' ? undefined : changed && lease?.settle(refusalOf(changed) ?? changed),
    });
    if (decision.openedRefund) refunds.wake();
    const settled = decision.payment ?? written(await payments.find(id));
    // One that went back to `pending` has no provider any more.
    const known = { ...settled, provider: settled.provider ?? payment.provider };
    if (result.outcome === 'succeeded' && settled.paidAt === null) {
      // No way leads here; if one does after all, somebody must give the money back by hand.
      await discrepancies.record(paymentContradicted('charged_not_paid', known, result));
    }
    if (result.outcome === 'declined' && settled.paidAt !== null) {
      await discrepancies.record(paymentContradicted('paid_not_charged', known, result));
    }
    return settled;
  }

  #moment(now: Date): Moment {
    return { now, newId: this.#options.newId };
  }
}

/** What a payer learns of a payment that isn't paid after all. */
function refusalOf({ id: paymentId, status, failureReason }: Payment): AppError | undefined {
  switch (status) {
    case 'failed':
      return new PaymentDeclined('Payment', { paymentId, reason: failureReason ?? 'declined' });
    case 'cancelled':
      return new Conflict('Order was cancelled, and its payment with it');
    case 'pending':
      return new ServiceUnavailable('The payment provider can not be reached');
    default:
      return undefined;
  }
}

/** A payment that is paid, or being processed. Throws what `refusalOf` answers. */
export function paid(payment: Payment): Payment {
  const refusal = refusalOf(payment);
  if (refusal !== undefined) throw refusal;
  return payment;
}
