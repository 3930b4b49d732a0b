import { v7 as newId } from 'uuid';
import type { EventDraft } from '@shop/common/contracts';
import {
  chargeRequested,
  chargeSucceeded,
  type Decision,
  type Moment,
  type PaymentAggregate,
} from '../src/payments/payment-aggregate.js';
import type { DiscrepancyDraft } from '../src/discrepancies/discrepancy.js';
import type { PayableOrder } from '../src/payments/payable-order.js';
import { isLive, type Payment } from '../src/payments/payment.js';
import type { Refund } from '../src/payments/refund.js';

export const NOW = new Date('2026-01-01T12:00:00Z');
export const moment: Moment = { now: NOW, newId };

export const buildPayableOrder = (changes: Partial<PayableOrder> = {}): PayableOrder => ({
  id: newId(),
  userId: newId(),
  amount: 100n,
  currency: 'USD',
  currencyDecimals: 2,
  status: 'pending',
  payableUntil: new Date(NOW.getTime() + 60_000),
  expiredAt: null,
  ...changes,
});

export const processed = (order: PayableOrder, before: Payment, at = moment): Decision => {
  const parts = { method: 'card', provider: 'simulated', providerReference: null } as const;
  const { payment, event } = chargeRequested({ order, payment: before }, parts, at);
  return { payment, events: [event] };
};

/** One order's rows, changed by decisions alone, as the repository would write them. */
export class Ledger {
  order: PayableOrder;
  readonly payments: Payment[] = [];
  readonly refunds: Refund[] = [];
  readonly events: EventDraft[] = [];
  readonly discrepancies: DiscrepancyDraft[] = [];

  constructor(order: PayableOrder) {
    this.order = order;
  }

  get aggregate(): PaymentAggregate {
    return { order: this.order, payment: this.payments.find(isLive) ?? this.payments.at(-1) };
  }

  get payment(): Payment {
    return this.aggregate.payment!;
  }

  apply({
    order,
    openedPayment,
    payment,
    openedRefund,
    settledRefund,
    events = [],
    discrepancies = [],
  }: Decision): void {
    this.order = order ?? this.order;
    if (openedPayment) this.payments.push(openedPayment);
    if (payment) this.payments[this.payments.findIndex(({ id }) => id === payment.id)] = payment;
    if (settledRefund) this.refunds[this.refunds.findIndex(({ id }) => id === settledRefund.id)] = settledRefund;
    if (openedRefund) this.refunds.push(openedRefund);
    this.events.push(...events);
    this.discrepancies.push(...discrepancies);
  }

  process(): void {
    this.apply(processed(this.order, this.payment));
  }

  pay(): void {
    this.process();
    this.apply(chargeSucceeded(this.aggregate, this.payment.id, `ch_${newId()}`, moment));
  }
}

/** An admin's wish. */
export const refundOf = (amount: bigint | undefined) => ({
  amount,
  reason: null,
  requestedBy: newId(),
  nextAttemptAt: NOW,
});
