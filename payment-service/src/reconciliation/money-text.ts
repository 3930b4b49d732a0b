import { findCurrencyDecimals, toMajorUnits } from '@shop/common/money';

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
