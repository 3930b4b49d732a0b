import type { Actor } from '@shop/common/auth';
import type { PaymentMethod, PaymentStatus } from '@shop/common/contracts';
import type { InboundEvent } from '@shop/common/database';
import { Conflict, InvalidInput, ServiceUnavailable, type AppError } from '@shop/common/errors';
import type { IdempotencyLease } from '@shop/common/idempotency';
import type { Logger } from '@shop/common/logger';
import { noneOf, type JsonRows, type JsonSlice, type PageRequest } from '@shop/common/paging';
import { isSameMoney } from '../discrepancies/contradiction.js';
import type { DiscrepancyService } from '../discrepancies/discrepancy.service.js';
import type { ChargeOutcome, Providers } from '../providers/providers.js';
import type { ChargingService } from './charging.service.js';
import { paymentContradicted } from './contradictions.js';
import { amountInMinorUnits } from './minor-units.js';
import {
  chargeAwaitsCustomer,
  chargeDeclined,
  chargeNotReached,
  chargeRequested,
  chargeSucceeded,
  orderObserved,
  paymentRequested,
  type Decision,
  type Moment,
  type PaymentAggregate,
} from './payment-aggregate.js';
import type { PaymentAggregateRepository } from './payment-aggregate.repository.js';
import { isTooLate, type PayableOrder } from './payable-order.js';
import type { PayableOrderClient } from './payable-order.client.js';
import { processedBy } from './payment.audit.js';
import {
  OnlyAdminReceives,
  OrderNotFound,
  OrderNotPayable,
  PaymentDeclined,
  PaymentNotFound,
  PaymentNotPending,
} from './payment.errors.js';
import { isReceivedByHand, type Payment } from './payment.js';
import type { PaymentFilter, PaymentRepository, PaymentView } from './payment.repository.js';

export interface PaymentServiceOptions {
  payments: PaymentRepository;
  aggregates: PaymentAggregateRepository;
  orders: PayableOrderClient;
  providers: Pick<Providers, 'online' | 'byHand' | 'referenceOf'>;
  charging: Pick<ChargingService, 'charge' | 'carryOn'>;
  discrepancies: Pick<DiscrepancyService, 'record'>;
  /** Notified when a refund waits for its provider. */
  refunds: { wake(): void };
  logger: Logger;
  newId: () => string;
  /** That may be opened for one order. */
  paymentsPerOrder: number;
}

export interface PaymentDraft {
  orderId: string;
  /** In major units, as the customer sees it. */
  amount: number;
  currency: string;
  method: PaymentMethod;
  description: string | null;
}

interface OutcomeContext {
  /** Of the request that waits for the outcome. */
  lease?: IdempotencyLease<Payment> | undefined;
  /** The payment's, as it was when the charge began: saves reading both again. */
  order?: PayableOrder;
}

/** Whose payments are asked for: the caller's own, or all that it may see. */
export type Scope = 'own' | 'visible';

/** The use cases of payments. A user sees and pays its own, an admin all; what isn't visible looks missing. */
export class PaymentService {
  readonly #options: PaymentServiceOptions;

  constructor(options: PaymentServiceOptions) {
    this.#options = options;
  }

  async get(actor: Actor, id: string): Promise<Payment> {
    return visibleTo(actor, await this.#options.payments.find(id));
  }

  /** As answers show it. */
  async view(actor: Actor, id: string): Promise<PaymentView> {
    return present(await this.#options.payments.findView(id, ownerOf(actor, 'visible').userId));
  }

  async viewOfOrder(actor: Actor, orderId: string): Promise<PaymentView> {
    return present(await this.#options.payments.findLatestViewOfOrder(orderId, ownerOf(actor, 'visible').userId));
  }

  /** Of another user than the caller may see there are none. */
  list(
    actor: Actor,
    { scope, status, userId }: { scope: Scope; status: PaymentStatus | undefined; userId: string | undefined },
    request: PageRequest,
    { detailed }: { detailed: boolean },
  ): Promise<JsonSlice> {
    const owner = ownerOf(actor, scope).userId;
    if (owner !== undefined && userId !== undefined && userId !== owner) return Promise.resolve(noneOf(request));
    return this.#options.payments.list({ userId: owner ?? userId, status }, request, { detailed });
  }

  /** Those of `ids` that the caller may see. */
  listByIds(actor: Actor, scope: Scope, ids: readonly string[]): Promise<JsonRows> {
    return this.#options.payments.listAll({ ...ownerOf(actor, scope), ids });
  }

  /** The latest payment of each order, where the caller may see it. */
  listByOrders(actor: Actor, scope: Scope, orderIds: readonly string[]): Promise<JsonRows> {
    return this.#options.payments.listLatestOfOrders(orderIds, ownerOf(actor, scope));
  }

  /** Opens a further payment for an order whose last one failed or was cancelled. */
  async create(actor: Actor, draft: PaymentDraft, token: string, lease?: IdempotencyLease<Payment>): Promise<Payment> {
    const { payments, aggregates } = this.#options;
    const order = (await payments.findOrder(draft.orderId)) ?? (await this.#fetchOrder(draft.orderId, token));
    if (order === undefined || !isVisibleTo(actor, order)) throw new OrderNotFound();
    refuseMismatch(order, draft);
    const { openedPayment } = await aggregates.change(
      order.id,
      (aggregate, now) =>
        paymentRequested(
          aggregate,
          {
            method: draft.method,
            description: draft.description,
            maxPayments: this.#options.paymentsPerOrder,
          },
          this.#moment(now),
        ),
      (decision) => lease?.complete(written(decision.openedPayment)),
    );
    return written(openedPayment);
  }

  /**
   * Pays: says so first, then asks the provider with no lock held, then writes down what came of it. While the outcome
   * is unknown the payment stays `processing`. What another attempt at the same request has begun is carried on. Throws
   * PaymentNotPending, OrderNotPayable, PaymentDeclined and ServiceUnavailable.
   */
  async process(
    actor: Actor,
    id: string,
    { token, method: chosen }: { token: string | undefined; method: PaymentMethod | undefined },
    lease?: IdempotencyLease<Payment>,
  ): Promise<Payment> {
    const { payments, providers, charging } = this.#options;
    const found = await payments.findWithOrder(id);
    const before = visibleTo(actor, found?.payment);
    const { order, now } = written(found);
    const method = chosen ?? before.method;
    const byHand = isReceivedByHand(method);
    if (byHand && actor.role !== 'admin') throw new OnlyAdminReceives(method);
    if (lease?.begun === id && before.status !== 'pending') return this.#carryOn(before, token, lease);
    const provider = byHand ? providers.byHand : providers.online;
    const charge = { method, provider, providerReference: providers.referenceOf(provider, id) };
    const { payment, event } = chargeRequested({ order, payment: before }, charge, this.#moment(now));
    const reported = { event, audit: [processedBy(actor, payment)] };
    if (!(await payments.startProcessing(payment, reported, lease?.start(id)))) {
      if (isTooLate(order, (await payments.findWithOrder(id))?.now ?? now)) throw new OrderNotPayable(order.status);
      throw new PaymentNotPending('no longer pending');
    }
    const outcome = await charging.charge(payment, token);
    return this.settle(payment, outcome, { lease, order });
  }

  /** Brings a charge to its end that began earlier: asking under the same key never charges twice. */
  async #carryOn(payment: Payment, token: string | undefined, lease: IdempotencyLease<Payment>): Promise<Payment> {
    if (payment.status !== 'processing') return paid(payment);
    const outcome = await this.#options.charging.carryOn(payment, token);
    // Where the provider isn't reached now it may have been then.
    return this.settle(payment, 'error' in outcome ? { ...outcome, outcome: 'unknown' } : outcome, { lease });
  }

  /** As `writeOutcome`, for somebody who waits for it. Throws PaymentDeclined, Conflict and ServiceUnavailable. */
  async settle(payment: Payment, outcome: ChargeOutcome, context: OutcomeContext = {}): Promise<Payment> {
    const { logger } = this.#options;
    const facts = { paymentId: payment.id, outcome: outcome.outcome };
    if ('error' in outcome) logger.warn('charge not answered', { ...facts, err: outcome.error });
    const settled = await this.writeOutcome(payment, outcome, context).catch((err: unknown) => {
      // The money may have moved: any other answer than "being processed" would be untrue.
      logger.error('outcome of a charge not written', { ...facts, err });
      return payment;
    });
    return paid(settled);
  }

  /** Writes down what came of a charge, unless that is known already. Answers the payment as it is then. */
  async writeOutcome(payment: Payment, result: ChargeOutcome, { lease, order }: OutcomeContext = {}): Promise<Payment> {
    const { aggregates, payments, refunds } = this.#options;
    const { id, orderId } = payment;
    if (result.outcome === 'unknown') return written(await payments.find(id));
    if (result.outcome === 'succeeded' && !isSameMoney(payment, result)) {
      await this.#options.discrepancies.record(paymentContradicted('amount_differs', payment, result));
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
      await this.#options.discrepancies.record(paymentContradicted('charged_not_paid', known, result));
    }
    if (result.outcome === 'declined' && settled.paidAt !== null) {
      await this.#options.discrepancies.record(paymentContradicted('paid_not_charged', known, result));
    }
    return settled;
  }

  /** An event describes an order: what follows for its payment happens once, in whatever order the news come. */
  async followOrder(order: PayableOrder, cause: InboundEvent): Promise<void> {
    const decision = await this.#options.aggregates.follow(order, cause, (aggregate, now) =>
      orderObserved(aggregate, order.status, this.#moment(now)),
    );
    if (decision?.openedRefund) this.#options.refunds.wake();
  }

  async #fetchOrder(id: string, token: string): Promise<PayableOrder | undefined> {
    const order = await this.#options.orders.find(id, token);
    if (order !== undefined) await this.#options.payments.rememberOrder(order);
    return order;
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
function paid(payment: Payment): Payment {
  const refusal = refusalOf(payment);
  if (refusal !== undefined) throw refusal;
  return payment;
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new PaymentNotFound();
  return value;
}

const isVisibleTo = (actor: Actor, { userId }: { userId: string }): boolean =>
  actor.role === 'admin' || userId === actor.id;

function visibleTo(actor: Actor, payment: Payment | undefined): Payment {
  if (payment === undefined || !isVisibleTo(actor, payment)) throw new PaymentNotFound();
  return payment;
}

const ownerOf = (actor: Actor, scope: Scope): PaymentFilter => ({
  userId: scope === 'own' || actor.role !== 'admin' ? actor.id : undefined,
});

/** A payment pays its order exactly. Throws InvalidInput. */
function refuseMismatch(order: PayableOrder, { amount, currency }: Pick<PaymentDraft, 'amount' | 'currency'>): void {
  if (currency !== order.currency) {
    throw new InvalidInput([{ field: 'currency', message: 'must be the currency of the order' }]);
  }
  const minor = amountInMinorUnits(amount, currency, order.currencyDecimals);
  if (minor !== order.amount) throw new InvalidInput([{ field: 'amount', message: 'must be the total of the order' }]);
}

/** What was just written is there. */
function written<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('what was written of a payment is gone');
  return value;
}
