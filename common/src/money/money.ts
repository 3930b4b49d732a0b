import { currencyDecimals } from './currency.js';

/** 15 digits: every amount up to here survives a trip through a JSON number (IEEE 754 double) exactly. */
export const MAX_MINOR_UNITS = 999_999_999_999_999n;

/** An amount that can't be money; the message is fit for the client. */
export class MoneyError extends Error {
  override readonly name = 'MoneyError';
}

/**
 * An amount as it stands in JSON (19.99) in minor units of its currency (1999n), exactly. `decimals`: those that stand
 * beside an amount of the currency that was stored before; a new amount takes today's. Throws MoneyError on more decimals
 * than that, on a negative amount and past MAX_MINOR_UNITS.
 */
export function toMinorUnits(amount: number, currency: string, decimals = currencyDecimals(currency)): bigint {
  if (!Number.isFinite(amount) || amount < 0) throw new MoneyError('must be a non-negative number');
  // The shortest text that reads back as the same number is what the client wrote, for up to 15 digits.
  const [whole = '', fraction = ''] = decimalText(amount).split('.');
  if (fraction.length > decimals) throw new MoneyError(`must have at most ${decimals} decimals in ${currency}`);
  const minor = BigInt(whole + fraction.padEnd(decimals, '0'));
  if (minor > MAX_MINOR_UNITS) throw new MoneyError('is too large');
  return minor;
}

/**
 * Minor units (1999n) as the number that JSON shows (19.99), by the decimals that are stored with the amount. Throws
 * RangeError past MAX_MINOR_UNITS.
 */
export function toMajorUnits(minor: bigint, decimals: number): number {
  if (minor > MAX_MINOR_UNITS || minor < -MAX_MINOR_UNITS) throw new RangeError('amount out of range');
  return Number(minor) / 10 ** decimals;
}

/** A number without exponent: 1e-7 is 0.0000001. */
function decimalText(amount: number): string {
  const [digits = '', exponent] = String(amount).split('e');
  if (exponent === undefined) return digits;
  return amount < 1 ? `0.${'0'.repeat(-Number(exponent) - 1)}${digits.replace('.', '')}` : BigInt(amount).toString();
}
