import * as currencyCodes from 'currency-codes';

/** Metals, test codes and "no currency" have no country and no minor unit: nobody pays with them. */
const decimals = new Map(
  currencyCodes.data
    .filter(({ countries }) => !countries.some((country) => country.startsWith('Zz')))
    .map(({ code, digits }) => [code, digits]),
);

/** Whether `code` is a three-letter code of ISO 4217 that people pay with, in upper case. */
export function isCurrency(code: string): boolean {
  return decimals.has(code);
}

/** Decimals of a currency's minor unit by ISO 4217: USD 2, JPY 0, KWD 3. Throws RangeError on an unknown code. */
export function currencyDecimals(code: string): number {
  const digits = decimals.get(code);
  if (digits === undefined) throw new RangeError(`unknown currency ${code}`);
  return digits;
}
