import type { NextAction, PaymentMethod, PaymentStatus } from '@shop/common/contracts';
import type { PayableOrder } from './payable-order.js';
import { PaymentNotPending, PaymentNotRefundable, RefundTooLarge } from './payment.errors.js';

/** Amounts are in minor units of the currency. */
export interface Payment {
  /** Also the provider's key for the charge. */
  readonly id: string;
  readonly orderId: string;
  readonly userId: string;
  readonly amount: bigint;
  /** Of succeeded refunds. */
  readonly refundedAmount: bigint;
  /** Of pending and succeeded refunds. */
  readonly refundReserved: bigint;
  readonly currency: string;
  readonly currencyDecimals: number;
  readonly status: PaymentStatus;
  readonly method: PaymentMethod;
  readonly transactionId: string | null;
  readonly provider: string | null;
  /** The provider's own name for the charge, stored before the charge is confirmed. */
  readonly providerReference: string | null;
  /** What the customer still has to do, while the charge waits for it: its kind, and one of where and with what. */
  readonly nextActionType: string | null;
  readonly nextActionUrl: string | null;
  readonly nextActionSecret: string | null;
  readonly description: string | null;
  readonly failureReason: string | null;
  readonly paidAt: Date | null;
  /** Grows by one with each change. */
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** How many times a provider's own time a charge may be on its way to it. */
export const CHARGE_TIMEOUT_FACTOR = 12;
/** Milliseconds between two questions to a provider about the same charge or refund, at most. */
export const LONGEST_PAUSE = 10 * 60_000;

export const nextStatuses = {
  pending: ['processing', 'cancelled'],
  processing: ['success', 'failed', 'pending', 'cancelled'],
  success: ['partially_refunded', 'refunded'],
  partially_refunded: ['partially_refunded', 'refunded'],
  refunded: [],
  failed: [],
  cancelled: [],
} as const satisfies Record<PaymentStatus, readonly PaymentStatus[]>;

const mayBecome = (from: PaymentStatus, to: PaymentStatus): boolean =>
  (nextStatuses[from] as readonly PaymentStatus[]).includes(to);

/** Live payments are all but those that came to nothing: an order has one at most. */
export const isLive = ({ status }: Payment): boolean => status !== 'failed' && status !== 'cancelled';

/** Cash and bank transfers reach no provider: an admin sees the money and says so. */
export const isReceivedByHand = (method: PaymentMethod): boolean => method === 'cash' || method === 'bank_transfer';

/** Whether money was received, some of which may be left to refund. */
export const isRefundable = ({ status }: Payment): boolean => status === 'success' || status === 'partially_refunded';

/** What no refund has claimed yet. */
export const leftToRefund = ({ amount, refundReserved }: Payment): bigint => amount - refundReserved;

const NO_ACTION = { nextActionType: null, nextActionUrl: null, nextActionSecret: null } as const;

export function openPayment(
  order: PayableOrder,
  { id, method, description, now }: { id: string; method: PaymentMethod; description: string | null; now: Date },
): Payment {
  return {
    id,
    orderId: order.id,
    userId: order.userId,
    amount: order.amount,
    refundedAmount: 0n,
    refundReserved: 0n,
    currency: order.currency,
    currencyDecimals: order.currencyDecimals,
    status: 'pending',
    method,
    transactionId: null,
    provider: null,
    providerReference: null,
    ...NO_ACTION,
    description,
    failureReason: null,
    paidAt: null,
    version: 1,
    createdAt: now,
    updatedAt: now,
  };
}

function change(payment: Payment, changes: Partial<Payment>, now: Date): Payment {
  const to = changes.status;
  if (to !== undefined && !mayBecome(payment.status, to)) {
    throw new Error(`payment ${payment.id} is ${payment.status} and can not become ${to}`);
  }
  return { ...payment, ...changes, version: payment.version + 1, updatedAt: now };
}

/** Throws PaymentNotPending. */
export function startProcessing(
  payment: Payment,
  { now, ...charge }: { now: Date; method: PaymentMethod; provider: string; providerReference: string | null },
): Payment {
  if (payment.status !== 'pending') throw new PaymentNotPending(payment.status);
  return change(payment, { status: 'processing', ...charge }, now);
}

/** The provider waits for the customer, or does no longer; undefined where that is known already. */
export function awaitCustomer(payment: Payment, action: NextAction | undefined, now: Date): Payment | undefined {
  const { type = null, url = null, clientSecret = null } = action ?? {};
  const { nextActionType, nextActionUrl, nextActionSecret } = payment;
  if (type === nextActionType && url === nextActionUrl && clientSecret === nextActionSecret) return undefined;
  const next = { nextActionType: type, nextActionUrl: url, nextActionSecret: clientSecret };
  return change(payment, next, now);
}

export const succeed = (payment: Payment, transactionId: string, now: Date): Payment =>
  change(payment, { status: 'success', transactionId, paidAt: now, ...NO_ACTION }, now);

export const fail = (payment: Payment, failureReason: string, now: Date): Payment =>
  change(payment, { status: 'failed', failureReason, ...NO_ACTION }, now);

/** Its charge was never confirmed, and never will be: it can be processed again. */
export const release = (payment: Payment, now: Date): Payment =>
  change(payment, { status: 'pending', provider: null, providerReference: null, ...NO_ACTION }, now);

export const cancel = (payment: Payment, now: Date): Payment =>
  change(payment, { status: 'cancelled', provider: null, providerReference: null, ...NO_ACTION }, now);

/** Notified of in an event, although nothing about it has changed: the event needs a sequence of its own. */
export const restated = (payment: Payment, now: Date): Payment => change(payment, {}, now);

/** Sets an amount aside for a refund, so that no other can claim it. Throws PaymentNotRefundable and RefundTooLarge. */
export function reserveRefund(payment: Payment, amount: bigint, now: Date): Payment {
  if (payment.status === 'refunded') throw new RefundTooLarge();
  if (!isRefundable(payment)) throw new PaymentNotRefundable(payment.status);
  if (amount < 1n || amount > leftToRefund(payment)) throw new RefundTooLarge();
  return change(payment, { refundReserved: payment.refundReserved + amount }, now);
}

/** A reserved amount has gone back to the customer. */
export function countRefund(payment: Payment, amount: bigint, now: Date): Payment {
  const refundedAmount = payment.refundedAmount + amount;
  const status = refundedAmount === payment.amount ? 'refunded' : 'partially_refunded';
  return change(payment, { status, refundedAmount }, now);
}

/** A reserved amount stays ours: its refund failed. */
export const releaseRefund = (payment: Payment, amount: bigint, now: Date): Payment =>
  change(payment, { refundReserved: payment.refundReserved - amount }, now);

/** What was just written is there. */
export function written<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('what was written of a payment is gone');
  return value;
}
