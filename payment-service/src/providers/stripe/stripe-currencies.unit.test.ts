import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { asStripeSays, decimalsOf, fromStripe, NotChargeable, toStripe } from './stripe-currencies.js';

describe('amounts as Stripe writes them', () => {
  it.each([
    ['USD', 2, 4_498n, 4_498],
    ['JPY', 0, 500n, 500],
    ['MGA', 2, 50_000n, 500], // two decimals by ISO 4217, none at Stripe
    ['KWD', 3, 5_120n, 5_120],
    ['ISK', 0, 5n, 500], // none by ISO 4217, two at Stripe
    ['ISK', 2, 500n, 500], // stored while it still had two
    ['UGX', 0, 5n, 500],
    ['HUF', 2, 1_045n, 1_045],
    ['TWD', 2, 80_045n, 80_045],
    ['ZZZ', 0, 5n, 500], // in no list of ours: Stripe says whether it takes it
    ['ZZZ', 2, 500n, 500],
    ['USD', 2, 999_999_999_999n, 999_999_999_999],
  ])('%s of %d decimals, %d -> %d', (currency, currencyDecimals, amount, stripe) => {
    const theirs = { amount: stripe, currency: currency.toLowerCase() };
    expect(toStripe({ amount, currency, currencyDecimals })).toEqual(theirs);
    expect(fromStripe(theirs, currencyDecimals)).toEqual({ amount, currency });
  });

  it.each([
    ['KWD', 3, 5_124n, 'amount_not_supported'], // the last digit has to be 0
    ['MGA', 2, 50_020n, 'amount_not_supported'],
    ['ISK', 2, 550n, 'amount_not_supported'],
    ['IQD', 3, 1_000n, 'currency_not_supported'],
    ['ZZZ', 3, 1_000n, 'currency_not_supported'],
    ['USD', 2, 1_000_000_000_000n, 'amount_too_large'],
    ['ISK', 0, 10_000_000_000n, 'amount_too_large'],
  ])('%s of %d decimals, %d -> refused: %s', (currency, currencyDecimals, amount, reason) => {
    expect(() => toStripe({ amount, currency, currencyDecimals })).toThrow(new NotChargeable(reason));
  });

  it('a part of a unit that our ledger can not express -> no amount of ours', () => {
    expect(() => fromStripe({ amount: 550, currency: 'isk' }, 0)).toThrow(RangeError);
  });

  it('what nobody here has asked for -> with the decimals that Stripe gives it, in any currency', () => {
    expect(asStripeSays({ amount: 550, currency: 'isk' })).toEqual({
      amount: 550n,
      currency: 'ISK',
      currencyDecimals: 2,
    });
    expect(asStripeSays({ amount: 1, currency: 'zzz' })).toEqual({ amount: 1n, currency: 'ZZZ', currencyDecimals: 2 });
  });

  it.each([
    ['isk', { currencyDecimals: '2' }, 2],
    ['isk', {}, 0], // made before they were written down
    ['zzz', null, 2],
    ['usd', { currencyDecimals: 'two' }, 2],
  ])('%s with %j -> %d decimals in our ledger', (currency, metadata, decimals) => {
    expect(decimalsOf(currency, metadata)).toBe(decimals);
  });

  it('whatever can be charged -> the same amount back, whatever decimals are stored', () => {
    const currency = fc.constantFrom('USD', 'JPY', 'MGA', 'KWD', 'BHD', 'ISK', 'UGX', 'HUF', 'TWD', 'XOF', 'ZZZ');
    const amount = fc.bigInt({ min: 1n, max: 9_999_999n });
    fc.assert(
      fc.property(currency, amount, fc.integer({ min: 0, max: 2 }), (code, minor, currencyDecimals) => {
        const money = { amount: minor * 100n, currency: code };
        expect(fromStripe(toStripe({ ...money, currencyDecimals }), currencyDecimals)).toEqual(money);
      }),
    );
  });
});
