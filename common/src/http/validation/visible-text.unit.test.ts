import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { visibleText } from './visible-text.js';

describe('what can not be seen', () => {
  it.each([
    ...['', ' ', '\t\n', '\u00a0', '\u3000', '\u200b', '\u200c', '\u200d', '\u2060', '\u00ad', '\ufeff', '\u034f'],
    ...['\u202e', '\u2066\u2069', '\u200e\u200f', '\u061c', '\u180e', '\u115f', '\u1160', '\u3164', '\uffa0', '\u17b4'],
    ...['\u2800', '\u2800 \u2800', '\u{1d173}', '\u{e0001}\u{e0061}\u{e007f}', '\ufe0f', '\u{e0100}', '\u206a'],
    ...[
      '\ue000',
      '\u{f0000}',
      '\u{10fffd}',
      '\ufdd0',
      '\uffff',
      '\u{1ffff}',
      '\u0378',
      '\x01',
      '\x1b',
      '\x85',
      '\ufff9',
    ],
  ])('%j alone -> no text', (raw) => expect(visibleText(raw)).toBe(''));

  it.each([
    ['between letters', 'A\u200bl\u00adi\u2060c\u202ee', 'Alice'],
    ['around a text', '\u202e\u200b Alice \u2066', 'Alice'],
    ['joiners of no use', 'A\u200dl\u200ci\u200d', 'Ali'],
    ['selectors of no use', 'A\ufe0fb\u{e0100}', 'Ab'],
    ['tags without a flag', 'A\u{e0069}\u{e0067}', 'A'],
    ['tags that hide words behind a flag', '\u{1f3f4}\u{e0068}\u{e0069}\u{e007f}', '\u{1f3f4}'],
    ['many joiners in a row', 'नमस्\u200d\u200d\u200dते', 'नमस्\u200dते'],
    ['a joiner after a selector of nothing', '\ufe0f\u200d👩', '👩'],
    ['a joiner behind a mark that NFC moves away', '\u0301\u094d\u200d', '\u094d\u0301'],
    ['a non-joiner before what is left out', 'م\u200c\u180b', 'م'],
    ['controls', 'a\x00b\x1b[31mc\x7f', 'ab[31mc'],
  ])('%s -> left out', (_case, raw, expected) => expect(visibleText(raw)).toBe(expected));

  it('whatever comes -> the same when it comes again, and never more than was there', () => {
    const characters = fc.constantFrom(
      ...Array.from('aé👩म\u0647\u200d\u200c\ufe0f\u202e\u034f\u0301 \n\u2800\u{e0061}\u{1f3f4}\u3164'),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(characters, fc.string({ unit: 'binary', maxLength: 1 }))), (parts) => {
        const once = visibleText(parts.join(''));
        expect(visibleText(once)).toBe(once);
      }),
    );
  });
});

describe('what can', () => {
  it.each([
    ['plain text', ' Ada Lovelace '.trim()],
    ['lines of an address', '1 Main Street\r\n\tLondon'],
    ['a family', '👩\u200d👩\u200d👧'],
    ['a profession with a colour of skin', '👩🏽\u200d🚀'],
    ['a heart as an emoji', '❤\ufe0f'],
    ['a heart on fire', '❤\ufe0f\u200d🔥'],
    ['a rainbow flag', '🏳\ufe0f\u200d🌈'],
    ['the flag of Wales', '\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}'],
    ['a key', '1\ufe0f\u20e3'],
    ['Persian', 'می\u200cخواهم'],
    ['Hindi', 'क्\u200dष'],
    ['Malayalam', 'അവന്\u200d'],
    ['Sinhala', 'ශ්\u200dරී'],
    ['an ideograph in a form of its own', '葛\u{e0100}'],
    ['Mongolian', 'ᠠ\u180b'],
    ['Braille', '⠓⠊\u2800⠁'],
    ['Arabic', 'محمد'],
    ['one combining letter', 'ก็'],
    ['a sign', '.'],
    ['a character that Unicode may yet assign, in a text', 'a\u{1fad0}\u0378'],
  ])('%s -> stays as it is', (_case, text) => expect(visibleText(text)).toBe(text.normalize('NFC')));
});
