import type { DiscrepancyKind } from '@shop/common/contracts';
import type { Declined, Money, StoredMoney, Succeeded } from '../providers/payment-provider.js';
import type { DiscrepancyDraft } from './discrepancy.js';
import { moneyText, movedText } from './money-text.js';

/** The charge or refund that a discrepancy is about. */
export type ContradictionSubject = Pick<
  DiscrepancyDraft,
  'provider' | 'reference' | 'orderId' | 'paymentId' | 'refundId'
>;

/** What each side has of it. */
export interface BothSides {
  /** undefined: it isn't in our ledger. */
  readonly ours: (StoredMoney & { readonly transactionId?: string | null }) | undefined;
  /** undefined: it isn't in the provider's ledger. */
  readonly theirs: (Succeeded & Partial<StoredMoney>) | Pick<Declined, 'outcome' | 'reason'> | undefined;
}

/**
 * A contradiction between our ledger and a provider's. Whoever finds it describes it with this, and so alike: a discrepancy
 * that was closed is opened again when the facts change, not when somebody else finds it. So our status, which goes on
 * changing, is no part of it.
 */
export function contradiction(
  kind: DiscrepancyKind,
  subject: ContradictionSubject,
  { ours, theirs }: BothSides,
): DiscrepancyDraft {
  const moved = theirs?.outcome === 'succeeded' ? theirs : undefined;
  return {
    kind,
    ...subject,
    details: {
      ours: ours ? moneyText(ours, ours.currencyDecimals) : null,
      theirs: moved ? movedText(moved, ours) : null,
      transactionId: moved?.transactionId ?? null,
      reason: theirs?.outcome === 'declined' ? theirs.reason : null,
      ...(kind === 'transaction_differs' && { ourTransactionId: ours?.transactionId ?? null }),
    },
  };
}

export const isSameMoney = (one: Money, other: Money): boolean =>
  one.amount === other.amount && one.currency === other.currency;
