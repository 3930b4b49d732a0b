import type {
  AuditActor,
  AuditEntry,
  EventDraft,
  NextAction,
  OrderStatus,
  PaymentMethod,
} from '@shop/common/contracts';
import type { DiscrepancyDraft } from '../discrepancies/discrepancy.js';
import { refundContradicted } from './contradictions.js';
import { advance, isCalledOff, isPayable, isTooLate, type PayableOrder } from './payable-order.js';
import {
  awaitCustomer,
  cancel,
  countRefund,
  fail,
  isLive,
  isRefundable,
  leftToRefund,
  openPayment,
  release,
  releaseRefund,
  reserveRefund,
  startProcessing,
  succeed,
  type Payment,
} from './payment.js';
import { refundEntry } from './payment.audit.js';
import { LivePaymentExists, OrderNotPayable, TooManyPayments } from './payment.errors.js';
import { paymentEvent } from './payment.resource.js';
import { openRefund, REFUND_TRIES, refundFailed, refundSucceeded, type Refund } from './refund.js';

/** What every decision about money looks at, under one lock: the order, and its live or else its latest payment. */
export interface PaymentAggregate {
  readonly order: PayableOrder;
  readonly payment: Payment | undefined;
  /** How many it has had, where that matters. */
  readonly payments?: number;
}

/** What is to be written, all of it or nothing. */
export interface Decision {
  /** The aggregate's order, with its status as it is now. */
  readonly order?: PayableOrder;
  readonly openedPayment?: Payment;
  /** The aggregate's payment, changed. */
  readonly payment?: Payment;
  readonly openedRefund?: Refund;
  readonly settledRefund?: Refund;
  readonly events?: readonly EventDraft[];
  readonly audit?: readonly AuditEntry[];
  /** What contradicts our ledger. */
  readonly discrepancies?: readonly DiscrepancyDraft[];
}

/** When something happens, and what names new things. */
export interface Moment {
  readonly now: Date;
  readonly newId: () => string;
}

const NOTHING: Decision = {};
const ORDER_CANCELLED = 'order cancelled';

/**
 * An order is known to have got as far as `status`. Its first payment is opened with it; a cancelled order takes its
 * pending payment with it, and what was paid goes back.
 */
export function orderObserved(
  { order: known, payment }: PaymentAggregate,
  status: OrderStatus,
  moment: Moment,
): Decision {
  const order = advance(known, status);
  if (order.status !== 'cancelled') {
    return payment === undefined
      ? { order, ...opened(order, { method: 'card', description: null }, moment) }
      : { order };
  }
  if (payment === undefined) return { order };
  return { order, ...(payment.status === 'pending' ? cancelled(payment, moment) : restRefunded(payment, moment)) };
}

/** A further payment, after the last one failed or was cancelled. Throws OrderNotPayable, LivePaymentExists and TooManyPayments. */
export function paymentRequested(
  { order, payment, payments = 0 }: PaymentAggregate,
  { maxPayments = Infinity, ...parts }: { method: PaymentMethod; description: string | null; maxPayments?: number },
  moment: Moment,
): Decision {
  if (!isPayable(order, moment.now)) throw new OrderNotPayable(order.status);
  if (payment !== undefined && isLive(payment)) throw new LivePaymentExists(payment.id);
  if (payments >= maxPayments) throw new TooManyPayments();
  return opened(order, parts, moment);
}

/**
 * The provider is about to be asked for a payment's charge, unless its order has expired: what is charged then would only
 * be given back. Throws OrderNotPayable and PaymentNotPending.
 */
export function chargeRequested(
  { order, payment: before }: { order: PayableOrder; payment: Payment },
  parts: { method: PaymentMethod; provider: string; providerReference: string | null },
  { now }: Moment,
): { payment: Payment; event: EventDraft } {
  const payment = startProcessing(before, { ...parts, now });
  if (isTooLate(order, now)) throw new OrderNotPayable(order.status);
  return { payment, event: paymentEvent(payment, { previousStatus: before.status }) };
}

/** The money came in. If the order was cancelled meanwhile, it goes back at once. */
export function chargeSucceeded(
  aggregate: PaymentAggregate,
  paymentId: string,
  transactionId: string,
  moment: Moment,
): Decision {
  const before = processingPayment(aggregate, paymentId);
  if (before === undefined) return NOTHING;
  const payment = succeed(before, transactionId, moment.now);
  const paid = { payment, events: [paymentEvent(payment, { previousStatus: before.status })] };
  return isCalledOff(aggregate.order) ? { ...paid, ...restRefunded(payment, moment) } : paid;
}

/** The provider waits for the customer, or, without an action, does no longer. */
export function chargeAwaitsCustomer(
  aggregate: PaymentAggregate,
  paymentId: string,
  action: NextAction | undefined,
  { now }: Moment,
): Decision {
  const before = processingPayment(aggregate, paymentId);
  const payment = before && awaitCustomer(before, action, now);
  if (payment === undefined) return NOTHING;
  return { payment, events: [paymentEvent(payment, { previousStatus: payment.status })] };
}

export function chargeDeclined(
  aggregate: PaymentAggregate,
  paymentId: string,
  reason: string,
  { now }: Moment,
): Decision {
  const before = processingPayment(aggregate, paymentId);
  if (before === undefined) return NOTHING;
  const payment = fail(before, reason, now);
  return { payment, events: [paymentEvent(payment, { previousStatus: before.status, reason })] };
}

/** The provider never learned of the charge: it can be tried again, unless the order was cancelled meanwhile. */
export function chargeNotReached(aggregate: PaymentAggregate, paymentId: string, moment: Moment): Decision {
  const before = processingPayment(aggregate, paymentId);
  if (before === undefined) return NOTHING;
  return isCalledOff(aggregate.order) ? cancelled(before, moment) : { payment: release(before, moment.now) };
}

/** Sets aside what a refund needs: all that is left if no amount is given. Throws what `reserveRefund` throws. */
export function refundRequested(
  before: Payment,
  request: { amount: bigint | undefined; reason: string | null; requestedBy: string; nextAttemptAt: Date },
  { now, newId }: Moment,
): Decision & { payment: Payment; openedRefund: Refund } {
  const amount = request.amount ?? leftToRefund(before);
  const payment = reserveRefund(before, amount, now);
  const facts = {
    ...request,
    id: newId(),
    paymentId: payment.id,
    amount,
    repeats: 0,
    currencyDecimals: payment.currencyDecimals,
  };
  const openedRefund = openRefund(facts, now);
  return { payment, openedRefund, audit: [refundEntry(openedRefund, payment)] };
}

export function refundDone(
  aggregate: PaymentAggregate,
  refund: Refund,
  { transactionId, settledBy }: { transactionId: string; settledBy?: AuditActor },
  { now }: Moment,
): Decision {
  const before = refundedPayment(aggregate, refund);
  if (refund.status !== 'pending') return NOTHING;
  const payment = countRefund(before, refund.amount, now);
  const settledRefund = refundSucceeded(refund, transactionId, now);
  return {
    payment,
    settledRefund,
    events: [paymentEvent(payment, { previousStatus: before.status, reason: refund.reason })],
    audit: [refundEntry(settledRefund, payment, settledBy)],
  };
}

/**
 * What a failed refund had set aside is free again. Of a cancelled order it is tried again for a while, each time under a
 * new key, since the provider would only repeat its answer to the old one. One that isn't is an admin's from then on.
 */
export function refundDeclined(
  aggregate: PaymentAggregate,
  refund: Refund,
  { reason, nextAttemptAt, settledBy }: { reason: string; nextAttemptAt?: Date; settledBy?: AuditActor },
  moment: Moment,
): Decision {
  const before = refundedPayment(aggregate, refund);
  if (refund.status !== 'pending') return NOTHING;
  const settledRefund = refundFailed(refund, reason, moment.now);
  const payment = releaseRefund(before, refund.amount, moment.now);
  const repeats = refund.repeats + 1;
  if (isCalledOff(aggregate.order) && nextAttemptAt !== undefined && repeats < REFUND_TRIES) {
    // One refund to whoever reads the audit trail: its first try is there, and its end will be.
    const { audit: _, ...repeated } = restRefunded(payment, moment, { repeats, nextAttemptAt });
    return { settledRefund, ...repeated };
  }
  return {
    payment,
    settledRefund,
    audit: [refundEntry(settledRefund, payment, settledBy)],
    discrepancies: [refundContradicted('refund_declined', { refund, payment }, { outcome: 'declined', reason })],
  };
}

function opened(
  order: PayableOrder,
  parts: { method: PaymentMethod; description: string | null },
  { now, newId }: Moment,
): Decision {
  const openedPayment = openPayment(order, { ...parts, id: newId(), now });
  return { openedPayment, events: [paymentEvent(openedPayment, { previousStatus: null })] };
}

function cancelled(before: Payment, { now }: Moment): Decision {
  const payment = cancel(before, now);
  return {
    payment,
    events: [paymentEvent(payment, { previousStatus: before.status, reason: ORDER_CANCELLED })],
  };
}

/** Gives back all that no refund has claimed yet. */
function restRefunded(
  before: Payment,
  { now, newId }: Moment,
  { repeats, nextAttemptAt } = { repeats: 0, nextAttemptAt: now },
): Pick<Decision, 'payment' | 'openedRefund' | 'audit'> {
  const amount = leftToRefund(before);
  if (!isRefundable(before) || amount === 0n) return NOTHING;
  const { id: paymentId, currencyDecimals } = before;
  const facts = { id: newId(), paymentId, amount, currencyDecimals, reason: ORDER_CANCELLED, requestedBy: null };
  const openedRefund = openRefund({ ...facts, repeats, nextAttemptAt }, now);
  return {
    payment: reserveRefund(before, amount, now),
    openedRefund,
    audit: [refundEntry(openedRefund, before)],
  };
}

/** The payment of a charge whose outcome is still open; undefined when it has been settled already. */
const processingPayment = ({ payment }: PaymentAggregate, paymentId: string): Payment | undefined =>
  payment?.id === paymentId && payment.status === 'processing' ? payment : undefined;

/** A payment with refunds is live, so it is the aggregate's. */
function refundedPayment({ payment }: PaymentAggregate, refund: Refund): Payment {
  if (payment?.id !== refund.paymentId) throw new Error(`refund ${refund.id} is not of the order's live payment`);
  return payment;
}
