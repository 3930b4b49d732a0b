import { describe, expect, it } from '@jest/globals';
import { password, presentedPassword } from './passwords.js';

const NFC = 'caf\u00e9-caf\u00e9';
const NFD = 'cafe\u0301-cafe\u0301';

describe('a new password', () => {
  it.each([
    ['plain', 'correct horse', 'correct horse'],
    ['with spaces around it', '  correct  ', '  correct  '],
    ['in upper case', 'CORRECT', undefined],
    ['decomposed', NFD, NFC],
    ['with a space of another keyboard', 'correct\u00a0\u3000horse', 'correct  horse'],
    ['in wide letters', 'ｐａｓｓｗｏｒｄ', 'ｐａｓｓｗｏｒｄ'],
    ['72 bytes once it is composed', '\u1112\u1161\u11ab'.repeat(24), '한'.repeat(24)],
    ['73 bytes', 'x'.repeat(73), undefined],
    ['7 bytes once it is composed', 'e\u0301e\u0301e\u0301x', undefined],
    ['with a tab', 'correct\thorse', undefined],
    ['with NUL', 'correct\0horse', undefined],
    ['with half a character', 'correct\ud800horse', undefined],
  ])('%s', (_case, raw, expected) => {
    expect(password().check(raw)).toEqual(
      expected === undefined ? { faults: [expect.anything()] } : { value: expected },
    );
  });
});

describe('a presented password', () => {
  it.each([
    ['composed: one form', NFC, [NFC]],
    ['decomposed: as it is hashed now, then as it was', NFD, [NFC, NFD]],
    ['with a tab, which was allowed once', 'correct\thorse', ['correct\thorse']],
    ['too long as it was typed', '\u1112\u1161\u11ab'.repeat(24), ['한'.repeat(24)]],
    ['empty', '', undefined],
    ['too long', 'x'.repeat(73), undefined],
  ])('%s', (_case, raw, expected) => {
    const result = presentedPassword().check(raw);
    expect(result).toEqual(expected === undefined ? { faults: [expect.anything()] } : { value: expected });
  });
});
