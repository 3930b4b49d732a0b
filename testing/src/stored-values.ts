import fc from 'fast-check';

/** Values as PostgreSQL's tables may hold them. */
export const stored = {
  id: fc.uuid(),
  /** All characters but the one that PostgreSQL's texts can't hold. */
  text: fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\u0000', '')),
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
