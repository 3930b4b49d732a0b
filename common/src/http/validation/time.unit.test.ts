import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMoment } from '../../contracts/index.js';
import { parseDateTime } from './time.js';

describe('times that exist', () => {
  it.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00:00.5+02:00', '2026-01-31T10:00:00.500Z'],
    ['2024-02-29T23:59:59-00:00', '2024-02-29T23:59:59.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['0001-01-01T00:00:00-23:59', '0001-01-01T23:59:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['0000-12-31T23:00:00-01:00', '0001-01-01T00:00:00.000Z'],
    // What other languages write: rounded up, so that the same rows lie before it and after it.
    ['2026-01-31T12:00:00.123456+00:00', '2026-01-31T12:00:00.124Z'],
    ['2026-01-31T12:00:00.999999999Z', '2026-01-31T12:00:01.000Z'],
    ['2026-01-31T12:00:00.123000Z', '2026-01-31T12:00:00.123Z'],
  ])('%s -> %s', (text, expected) => expect(parseDateTime(text)?.toISOString()).toBe(expected));

  it('every moment of the years 1 to 9999, as it is written everywhere -> the same moment', () => {
    const moments = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    fc.assert(fc.property(moments, (date) => parseDateTime(date.toISOString())?.getTime() === date.getTime()));
  });
});

describe('times that do not', () => {
  it.each([
    ...['', ' ', 'now', 'infinity', '2026', '2026-01-31', '2026-01-31T12:00', '2026-01-31T12:00Z', '20260131T120000Z'],
    ...['2026-02-30T00:00:00Z', '2026-06-31T00:00:00Z', '2026-02-29T00:00:00Z', '1900-02-29T00:00:00Z'],
    ...['2026-00-01T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-00T00:00:00Z', '2026-01-32T00:00:00Z'],
    ...['2026-01-31T24:00:00Z', '2026-01-31T12:60:00Z', '2026-12-31T23:59:60Z'],
    ...['2026-01-31T12:00:00', '2026-01-31T12:00:00+24:00', '2026-01-31T12:00:00+01:60', '2026-01-31T12:00:00+0100'],
    ...['2026-01-31t12:00:00Z', '2026-01-31T12:00:00z', '2026-01-31 12:00:00Z', '2026-01-31T12:00:00,5Z'],
    ...['0000-12-30T00:00:00Z', '0001-01-01T00:00:00+23:59', '9999-12-31T23:59:59-00:01', '9999-12-31T23:59:59.9999Z'],
    ...['10000-01-01T00:00:00Z', '+010000-01-01T00:00:00Z', '-0001-01-01T00:00:00Z', '2026-01-31T12:00:00.Z'],
    ...[
      '2026-01-31T12:00:00.1234567890Z',
      '٢٠٢٦-01-31T12:00:00Z',
      '2026-01-31T12:00:00Z\n',
      '2026-01-31T12:00:00+-1:00',
    ],
  ])('%j -> none', (text) => expect(parseDateTime(text)).toBeUndefined());

  it('whatever comes -> no moment that PostgreSQL does not know', () => {
    const digits = (length: number) => fc.stringMatching(new RegExp(`^\\d{${length}}$`));
    const nearly = fc
      .tuple(digits(4), digits(2), digits(2), digits(2), digits(2), digits(2), fc.constantFrom('Z', '+14:00', '-23:59'))
      .map(([y, mo, d, h, mi, s, zone]) => `${y}-${mo}-${d}T${h}:${mi}:${s}${zone}`);
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string()), (text) => {
        const time = parseDateTime(text);
        return time === undefined || isMoment(time.getTime());
      }),
    );
  });
});
