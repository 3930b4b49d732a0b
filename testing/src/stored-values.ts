import fc from 'fast-check';

let text: fc.Arbitrary<string> | undefined;

/** Values as PostgreSQL's tables may hold them. */
export const stored = {
  id: fc.uuid(),
  /** All characters but the one that PostgreSQL's texts can't hold. Made when it is asked for: a map of all of them takes a second. */
  get text() {
    text ??= fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\u0000', ''));
    return text;
  },
  /** To the millisecond, in years of four digits. */
  time: fc.date({
    noInvalidDate: true,
    min: new Date('0001-01-01T00:00:00.000Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
  }),
  /** Of an amount, in minor units; `decimals` of its currency. */
  minorUnits: fc.bigInt({ min: 0n, max: 999_999_999_999_999n }),
  decimals: fc.integer({ min: 0, max: 4 }),
};
