import { findCurrencyDecimals } from '@shop/common/money';
import type { Money, StoredMoney } from '../payment-provider.js';

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

/** Decimals of the amounts that Stripe writes, of any currency. */
function decimalsAtStripe(currency: string): number {
  if (ZERO_DECIMALS.has(currency)) return 0;
  return THREE_DECIMALS.has(currency) ? 3 : 2;
}

/** What a multiple of Stripe's amounts has to be. */
function stepOf(currency: string): bigint {
  if (THREE_DECIMALS.has(currency)) return 10n;
  return WHOLE_UNITS_WITH_TWO_DECIMALS.has(currency) ? 100n : 1n;
}

const power = (decimals: number): bigint => 10n ** BigInt(decimals);

/** An amount of Stripe's. */
export interface StripeMoney {
  readonly amount: number;
  /** In lower case. */
  readonly currency: string;
}

/** Our minor units as Stripe writes them. Whether it takes the currency is for Stripe to say. Throws NotChargeable. */
export function toStripe({ amount, currency, currencyDecimals }: StoredMoney): StripeMoney {
  const decimals = decimalsAtStripe(currency);
  // Others with three decimals are in no list of Stripe's: there is no amount that surely means the same to both.
  if (decimals === 2 && currencyDecimals > 2) throw new NotChargeable('currency_not_supported');
  const scaled = amount * power(decimals);
  const ours = power(currencyDecimals);
  const theirs = scaled / ours;
  if (scaled % ours !== 0n || theirs % stepOf(currency) !== 0n) throw new NotChargeable('amount_not_supported');
  if (theirs > MAX_AMOUNT) throw new NotChargeable('amount_too_large');
  return { amount: Number(theirs), currency: currency.toLowerCase() };
}

/** The way back, into minor units of so many decimals. Throws RangeError where they can't express it: it can't be ours. */
export function fromStripe({ amount, currency: lower }: StripeMoney, currencyDecimals: number): Money {
  const currency = lower.toUpperCase();
  const scaled = BigInt(amount) * power(currencyDecimals);
  const theirs = power(decimalsAtStripe(currency));
  if (scaled % theirs !== 0n) throw new RangeError(`Stripe names ${amount} ${currency}, which is no amount`);
  return { amount: scaled / theirs, currency };
}

/** What Stripe says, with the decimals that Stripe gives it: of any currency, and of any charge. */
export function asStripeSays({ amount, currency: lower }: StripeMoney): StoredMoney {
  const currency = lower.toUpperCase();
  return { amount: BigInt(amount), currency, currencyDecimals: decimalsAtStripe(currency) };
}

/**
 * The decimals that an amount has in our ledger, which we write into the metadata of charges and refunds. What has none
 * there goes by its currency as it is today.
 */
export function decimalsOf(currency: string, metadata: Readonly<Record<string, string>> | null): number {
  const written = /^\d$/.exec(metadata?.currencyDecimals ?? '')?.[0];
  const code = currency.toUpperCase();
  return written === undefined ? (findCurrencyDecimals(code) ?? decimalsAtStripe(code)) : Number(written);
}
