import { currencyDecimals } from '@shop/common/money';
import type { Money } from '../payment-provider.js';

/**
 * How Stripe writes amounts, which is not ISO 4217 throughout: https://docs.stripe.com/currencies (read in November 2026).
 * Whatever is named nowhere here has two decimals there.
 *
 * "Zero-decimal currencies". Stripe lists UGX too, but its "Special cases" ask for two decimals.
 */
const ZERO_DECIMALS = new Set([
  'BIF',
  'CLP',
  'DJF',
  'GNF',
  'JPY',
  'KMF',
  'KRW',
  'MGA',
  'PYG',
  'RWF',
  'VND',
  'VUV',
  'XAF',
  'XOF',
  'XPF',
]);
/** "Three-decimal currencies": the last digit has to be 0. */
const THREE_DECIMALS = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);
/**
 * "Special cases": ISK and UGX have no decimals any more, and are written with two, both 0. HUF and TWD are special for
 * payouts only: charges have two decimals like any other.
 */
const WHOLE_UNITS_WITH_TWO_DECIMALS = new Set(['ISK', 'UGX']);
/** "Minimum and maximum charge amounts": 12 digits for card payments. Stripe itself refuses what a card or method can't. */
const MAX_AMOUNT = 999_999_999_999n;

/** An amount that Stripe can't take; the message is a reason for the customer. */
export class NotChargeable extends Error {
  override readonly name = 'NotChargeable';
}

function decimalsOf(currency: string): number {
  if (ZERO_DECIMALS.has(currency)) return 0;
  if (THREE_DECIMALS.has(currency)) return 3;
  // Others with three decimals are in no list of Stripe's: there is no amount that surely means the same to both.
  if (currencyDecimals(currency) > 2) throw new NotChargeable('currency_not_supported');
  return 2;
}

/** What a multiple of Stripe's amounts has to be. */
function stepOf(currency: string): bigint {
  if (THREE_DECIMALS.has(currency)) return 10n;
  return WHOLE_UNITS_WITH_TWO_DECIMALS.has(currency) ? 100n : 1n;
}

const power = (decimals: number): bigint => 10n ** BigInt(decimals);

/** Minor units of ISO 4217 as Stripe writes them. Throws NotChargeable. */
export function toStripe({ amount, currency }: Money): { amount: number; currency: string } {
  const scaled = amount * power(decimalsOf(currency));
  const ours = power(currencyDecimals(currency));
  const theirs = scaled / ours;
  if (scaled % ours !== 0n || theirs % stepOf(currency) !== 0n) throw new NotChargeable('amount_not_supported');
  if (theirs > MAX_AMOUNT) throw new NotChargeable('amount_too_large');
  return { amount: Number(theirs), currency: currency.toLowerCase() };
}

/** The way back. Throws RangeError where the amount can't be written in minor units of ISO 4217: it can't be ours. */
export function fromStripe({ amount, currency: lower }: { amount: number; currency: string }): Money {
  const currency = lower.toUpperCase();
  const scaled = BigInt(amount) * power(currencyDecimals(currency));
  const theirs = power(decimalsOf(currency));
  if (scaled % theirs !== 0n) throw new RangeError(`Stripe names ${amount} ${currency}, which is no amount`);
  return { amount: scaled / theirs, currency };
}
