import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromStripe, NotChargeable, toStripe } from './stripe-currencies.js';

describe('amounts as Stripe writes them', () => {
  it.each([
    ['USD', 4_498n, 4_498],
    ['JPY', 500n, 500],
    ['MGA', 50_000n, 500], // two decimals by ISO 4217, none at Stripe
    ['KWD', 5_120n, 5_120],
    ['ISK', 5n, 500], // none by ISO 4217, two at Stripe
    ['UGX', 5n, 500],
    ['HUF', 1_045n, 1_045],
    ['TWD', 80_045n, 80_045],
    ['USD', 999_999_999_999n, 999_999_999_999],
  ])('%s %d -> %d', (currency, amount, stripe) => {
    expect(toStripe({ amount, currency })).toEqual({ amount: stripe, currency: currency.toLowerCase() });
    expect(fromStripe({ amount: stripe, currency: currency.toLowerCase() })).toEqual({ amount, currency });
  });

  it.each([
    ['KWD', 5_124n, 'amount_not_supported'], // the last digit has to be 0
    ['MGA', 50_020n, 'amount_not_supported'],
    ['IQD', 1_000n, 'currency_not_supported'],
    ['USD', 1_000_000_000_000n, 'amount_too_large'],
    ['ISK', 10_000_000_000n, 'amount_too_large'],
  ])('%s %d -> refused: %s', (currency, amount, reason) => {
    expect(() => toStripe({ amount, currency })).toThrow(new NotChargeable(reason));
  });

  it('a part of a unit that the currency does not have -> no amount', () => {
    expect(() => fromStripe({ amount: 550, currency: 'isk' })).toThrow(RangeError);
  });

  it('whatever can be charged -> the same amount back', () => {
    const currency = fc.constantFrom('USD', 'JPY', 'MGA', 'KWD', 'BHD', 'ISK', 'UGX', 'HUF', 'TWD', 'XOF');
    fc.assert(
      fc.property(currency, fc.bigInt({ min: 1n, max: 99_999_999n }), (code, minor) => {
        const money = { amount: minor * 100n, currency: code };
        expect(fromStripe(toStripe(money))).toEqual(money);
      }),
    );
  });
});
