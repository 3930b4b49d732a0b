import type { RefundStatus } from '@shop/common/contracts';
import { LONGEST_PAUSE } from './payment.js';

/** Money on its way back to the customer. */
export interface Refund {
  /** Also the provider's key for it. */
  readonly id: string;
  readonly paymentId: string;
  /** In minor units of the payment's currency. */
  readonly amount: bigint;
  readonly currencyDecimals: number;
  readonly status: RefundStatus;
  readonly reason: string | null;
  /** The admin who asked for it; null: the system, because the order was cancelled. */
  readonly requestedBy: string | null;
  readonly transactionId: string | null;
  readonly failureReason: string | null;
  /** How often the provider was asked. */
  readonly attempts: number;
  /** How many failed refunds in a row this one stands for. */
  readonly repeats: number;
  /** When the provider is to be asked next, while the refund is pending. */
  readonly nextAttemptAt: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A cancelled order's refund is tried so often, over half an hour or so; then it is an admin's. */
export const REFUND_TRIES = 10;

/** So many failed tries, and somebody should look at the refund. */
export const FAILING_AFTER = 3;

/**
 * Milliseconds until a refund is tried again: twice as long after each time, up to ten minutes, and half of it by
 * chance (`random` is from 0 to 1), so that many don't come at once.
 */
export function retryPause(times: number, { first, random }: { first: number; random: number }): number {
  const pause = Math.min(first * 2 ** Math.min(times, 30), LONGEST_PAUSE);
  return pause / 2 + (pause / 2) * random;
}

export type NewRefund = Pick<
  Refund,
  'id' | 'paymentId' | 'amount' | 'currencyDecimals' | 'reason' | 'requestedBy' | 'repeats' | 'nextAttemptAt'
>;

export const openRefund = (parts: NewRefund, now: Date): Refund => ({
  ...parts,
  status: 'pending',
  attempts: 0,
  transactionId: null,
  failureReason: null,
  createdAt: now,
  updatedAt: now,
});

export const refundSucceeded = (refund: Refund, transactionId: string, now: Date): Refund => ({
  ...refund,
  status: 'succeeded',
  transactionId,
  updatedAt: now,
});

export const refundFailed = (refund: Refund, failureReason: string, now: Date): Refund => ({
  ...refund,
  status: 'failed',
  failureReason,
  updatedAt: now,
});
