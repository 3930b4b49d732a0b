import type { PaymentStatus, RefundStatus } from '@shop/common/contracts';
import { isSameMoney } from '../discrepancies/contradiction.js';
import type { LedgerEntry, StoredMoney } from '../providers/payment-provider.js';

export type EntryKind = 'charge' | 'refund';

/** What our ledger says under a key. */
export interface OurEntry extends StoredMoney {
  readonly orderId: string;
  readonly paymentId: string;
  readonly status: PaymentStatus | RefundStatus;
  readonly transactionId: string | null;
  readonly updatedAt: Date;
}

/** What the provider's ledger says under the same key. */
export type TheirEntry = Omit<LedgerEntry, 'key'>;

export interface Pair {
  readonly kind: EntryKind;
  readonly key: string;
  readonly ours: OurEntry | undefined;
  readonly theirs: TheirEntry | undefined;
}

/** How a pair of entries is checked: `open` is what is still being settled, and no difference yet. */
export type Judgement = 'same' | 'open' | Difference;
export type Difference = 'missing here' | 'missing there' | 'status' | 'amount' | 'currency' | 'transaction';

export interface Finding extends Pair {
  readonly difference: Difference;
}

export interface ComparisonTimes {
  readonly startedAt: Date;
  /** What was opened before and is still open here isn't normal where the provider has its verdict. */
  readonly openSince: Date;
  /** Nor is it where the provider has none: what was opened before has been asked for and called off long since. */
  readonly unknownSince: Date;
}

const moved: readonly OurEntry['status'][] = ['success', 'partially_refunded', 'refunded', 'succeeded'];

/** Whether our ledger waits for the outcome. */
export const isOpen = (kind: EntryKind, status: OurEntry['status'] | undefined): boolean =>
  status === 'processing' || (kind === 'refund' && status === 'pending');

/** Compares what the two ledgers say of the same charge or refund. Theirs were read before ours. */
export function judgementOf(
  { kind, ours, theirs }: Pair,
  { startedAt, openSince, unknownSince }: ComparisonTimes,
): Judgement {
  const movedThere = theirs?.verdict.outcome === 'succeeded';
  if (ours === undefined) return movedThere ? 'missing here' : 'same';
  // However our side stands, other money has moved than we asked for: that settles nothing.
  if (movedThere && !isSameMoney(ours, theirs)) return theirs.currency === ours.currency ? 'amount' : 'currency';
  if (isOpen(kind, ours.status)) return ours.updatedAt < (theirs ? openSince : unknownSince) ? 'status' : 'open';
  if (!moved.includes(ours.status)) return movedThere ? 'status' : 'same';
  // Their ledger was read first: what has changed here since then can't be in them yet.
  if (theirs === undefined) return ours.updatedAt < startedAt ? 'missing there' : 'open';
  if (theirs.verdict.outcome !== 'succeeded') return 'status';
  return theirs.verdict.transactionId === ours.transactionId ? 'same' : 'transaction';
}
