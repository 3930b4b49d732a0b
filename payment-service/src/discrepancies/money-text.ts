import { findCurrencyDecimals, toMajorUnits } from '@shop/common/money';
import type { Money, StoredMoney } from '../providers/payment-provider.js';

/**
 * An amount for people. Without decimals that stand beside it those of its currency count; where that isn't known here, as
 * another version or a provider may write it, the amount stays in minor units.
 */
export function moneyText(
  { amount, currency }: { amount: bigint; currency: string },
  decimals = findCurrencyDecimals(currency),
): string {
  return decimals === undefined
    ? `${amount} minor units of ${currency}`
    : `${toMajorUnits(amount, decimals)} ${currency}`;
}

/** What moved at a provider beside what our ledger has of it, whose decimals it has where the currency is the same. */
export function movedText(moved: Money & Partial<StoredMoney>, ours: StoredMoney | undefined): string {
  const decimals = ours?.currency === moved.currency ? ours.currencyDecimals : moved.currencyDecimals;
  return moneyText(moved, decimals);
}
