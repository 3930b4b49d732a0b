import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InvalidInput } from '../errors/index.js';
import { toPage, toPageRequest } from './page.js';

const ID = '0199a000-0000-7000-8000-000000000000';
const FILTERS = { scope: 'own' };
const query = (cursor: string) => ({ limit: undefined, offset: undefined, cursor, total: undefined });
const cursorOf = (time: number, id = ID) => {
  const rows = [1, 2].map(() => ({ createdAt: new Date(time), id }));
  return toPage({ rows, total: null }, { limit: 1, offset: 0, after: undefined, countUpTo: 0 }, FILTERS).meta
    .nextCursor;
};
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const [, , print] = JSON.parse(Buffer.from(cursorOf(0) ?? '', 'base64url').toString()) as unknown[];

describe('a cursor', () => {
  it('of ours -> the place that it stands for', () => {
    const times = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(times, fc.uuid(), (createdAt, id) => {
        const { after } = toPageRequest(query(cursorOf(createdAt.getTime(), id) ?? ''), FILTERS);
        expect(after).toEqual({ createdAt, id });
      }),
    );
  });

  it.each([
    ['no text of ours', 'nonsense'],
    ['a time before year 1', encode([-62_135_596_800_001, ID, print])],
    ['a time after year 9999', encode([253_402_300_800_000, ID, print])],
    ['a time that no Date holds', encode([8.64e15 + 1, ID, print])],
    ['a fraction', encode([0.5, ID, print])],
    ['minus zero', Buffer.from(`[-0,"${ID}","${String(print)}"]`).toString('base64url')],
    ['a number beyond all', Buffer.from(`[1e400,"${ID}","${String(print)}"]`).toString('base64url')],
    ['a time in words', encode(['2026-01-01', ID, print])],
    ['no id', encode([0, 'x', print])],
    ['an id with NUL', encode([0, `${ID}\0`, print])],
    ['one more part', encode([0, ID, print, 1])],
    ['other filters', encode([0, ID, 'x'])],
    ['another spelling', `${cursorOf(0)}=`],
    ['a space more', Buffer.from(`[0, "${ID}","${String(print)}"]`).toString('base64url')],
  ])('%s -> refused', (_case, cursor) => {
    expect(() => toPageRequest(query(cursor), FILTERS)).toThrow(InvalidInput);
  });
});
