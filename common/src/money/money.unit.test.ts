import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_MINOR_UNITS, MoneyError, currencyDecimals, isCurrency, toMajorUnits, toMinorUnits } from './index.js';

describe('money', () => {
  it.each([
    [19.99, 'USD', 1999n],
    [0.1, 'USD', 10n],
    [1e2, 'USD', 10_000n],
    [500, 'JPY', 500n],
    [1.005, 'KWD', 1005n],
    [9_999_999_999_999.99, 'USD', MAX_MINOR_UNITS],
    [999_999_999_999.999, 'KWD', MAX_MINOR_UNITS],
    [999_999_999_999_999, 'JPY', MAX_MINOR_UNITS],
  ])('%d %s -> %d minor units', (amount, currency, minor) => {
    expect(toMinorUnits(amount, currency)).toBe(minor);
  });

  it.each([
    [19.999, 'USD', 'must have at most 2 decimals in USD'],
    [1.5, 'JPY', 'must have at most 0 decimals in JPY'],
    [1e-7, 'USD', 'must have at most 2 decimals in USD'],
    [5e-324, 'USD', 'must have at most 2 decimals in USD'],
    [10_000_000_000_000, 'USD', 'is too large'],
    [1e21, 'JPY', 'is too large'],
    [-1, 'USD', 'must be a non-negative number'],
    [Number.NaN, 'USD', 'must be a non-negative number'],
    [Number.POSITIVE_INFINITY, 'USD', 'must be a non-negative number'],
  ])('%d %s -> refused: %s', (amount, currency, message) => {
    expect(() => toMinorUnits(amount, currency)).toThrow(new MoneyError(message));
  });

  it('any amount -> the same after a trip through JSON, in currencies of 0, 2, 3 and 4 decimals', () => {
    const minorUnits = fc.bigInt({ min: 0n, max: MAX_MINOR_UNITS });
    fc.assert(
      fc.property(minorUnits, fc.constantFrom('JPY', 'USD', 'KWD', 'CLF'), (minor, currency) => {
        const wire = JSON.parse(JSON.stringify(toMajorUnits(minor, currencyDecimals(currency)))) as number;
        expect(toMinorUnits(wire, currency)).toBe(minor);
      }),
      { numRuns: 10_000 },
    );
  });

  it('more than 15 digits -> a RangeError, since JSON could not carry them', () => {
    expect(() => toMajorUnits(MAX_MINOR_UNITS + 1n, 2)).toThrow(RangeError);
  });

  it('decimals -> as ISO 4217 has them, also where a unit is divided by five', () => {
    expect(['USD', 'JPY', 'KWD', 'MGA', 'CLF'].map(currencyDecimals)).toEqual([2, 0, 3, 2, 4]);
    expect(() => currencyDecimals('XYZ')).toThrow(RangeError);
  });

  it('what circulates today -> a currency, the newest ones too', () => {
    expect(
      ['EUR', 'USD', 'XCG', 'XCD', 'XOF', 'SLE', 'ZWG', 'VES', 'STN', 'MRU'].filter((code) => !isCurrency(code)),
    ).toEqual([]);
  });

  it('funds codes, units of account, metals, test codes, retired ones and lower case -> no currency', () => {
    const funds = ['BOV', 'CHE', 'CHW', 'CLF', 'COU', 'MXV', 'USN', 'UYI', 'UYW'];
    const units = ['XAD', 'XBA', 'XBB', 'XBC', 'XBD', 'XDR', 'XSU', 'XUA', 'XAG', 'XAU', 'XPD', 'XPT', 'XTS', 'XXX'];
    const retired = ['ANG', 'BGN', 'CUC', 'DEM', 'HRK', 'SLL', 'ZWL'];
    expect([...funds, ...units, ...retired, 'usd', '', 'constructor'].filter(isCurrency)).toEqual([]);
  });

  it('every currency -> a code that the platform knows too, so none is misspelt, and all of them are there', () => {
    const codes = Array.from({ length: 26 ** 3 }, (_, index) =>
      [index / 676, (index / 26) % 26, index % 26]
        .map((letter) => String.fromCharCode(65 + Math.floor(letter)))
        .join(''),
    ).filter(isCurrency);
    const platform = new Set(Intl.supportedValuesOf('currency'));
    expect(codes.filter((code) => !platform.has(code) && !['VED', 'XCG', 'ZWG'].includes(code))).toEqual([]);
    expect(codes).toHaveLength(155);
  });

  it('retired or no currency any more -> its amounts are read as they were written', () => {
    expect(['BGN', 'HRK', 'ANG', 'CHE', 'USN'].map(currencyDecimals)).toEqual([2, 2, 2, 2, 2]);
    expect(toMajorUnits(1999n, 2)).toBe(19.99);
    expect(toMinorUnits(19.99, 'ZZZ', 2)).toBe(1999n);
  });
});
