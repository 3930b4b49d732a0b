import type { Actor } from '@shop/common/auth';
import type { PaymentMethod, PaymentStatus } from '@shop/common/contracts';
import type { InboundEvent } from '@shop/common/database';
import { InvalidInput } from '@shop/common/errors';
import type { IdempotencyLease } from '@shop/common/idempotency';
import { noneOf, type JsonRows, type JsonSlice, type PageRequest } from '@shop/common/paging';
import type { Providers } from '../providers/providers.js';
import { paid, type ChargeOutcomeService } from './charge-outcome.service.js';
import type { ChargingService } from './charging.service.js';
import { amountInMinorUnits } from './minor-units.js';
import { chargeRequested, orderObserved, paymentRequested, type Moment } from './payment-aggregate.js';
import type { PaymentAggregateRepository } from './payment-aggregate.repository.js';
import { isTooLate, type PayableOrder } from './payable-order.js';
import type { PayableOrderClient } from './payable-order.client.js';
import { processedBy } from './payment.audit.js';
import {
  OnlyAdminReceives,
  OrderNotFound,
  OrderNotPayable,
  PaymentNotFound,
  PaymentNotPending,
} from './payment.errors.js';
import { isReceivedByHand, written, type Payment } from './payment.js';
import type { PaymentFilter, PaymentRepository, PaymentView } from './payment.repository.js';

export interface PaymentServiceOptions {
  payments: PaymentRepository;
  aggregates: PaymentAggregateRepository;
  orders: PayableOrderClient;
  providers: Pick<Providers, 'online' | 'byHand' | 'referenceOf'>;
  charging: Pick<ChargingService, 'charge' | 'carryOn'>;
  outcomes: Pick<ChargeOutcomeService, 'settle'>;
  /** Notified when a refund waits for its provider. */
  refunds: { wake(): void };
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
    const { payments, providers, charging, outcomes } = this.#options;
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
    return outcomes.settle(payment, outcome, { lease, order });
  }

  /** Brings a charge to its end that began earlier: asking under the same key never charges twice. */
  async #carryOn(payment: Payment, token: string | undefined, lease: IdempotencyLease<Payment>): Promise<Payment> {
    if (payment.status !== 'processing') return paid(payment);
    const { charging, outcomes } = this.#options;
    const outcome = await charging.carryOn(payment, token);
    // Where the provider isn't reached now it may have been then.
    return outcomes.settle(payment, 'error' in outcome ? { ...outcome, outcome: 'unknown' } : outcome, { lease });
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
