import { describe, expect, it } from '@jest/globals';
import { canonicalEmail } from './email-address.js';

describe('one address, however it is typed', () => {
  it.each([
    ['ada@example.com', 'ada@example.com'],
    [' Ada.Lovelace@EXAMPLE.com ', 'ada.lovelace@example.com'],
    ['ada+shop@example.com', 'ada+shop@example.com'],
    ['ada@bücher.example.com', 'ada@xn--bcher-kva.example.com'],
    ['ada@BÜCHER.example.com', 'ada@xn--bcher-kva.example.com'],
    ['ada@bu\u0308cher.example.com', 'ada@xn--bcher-kva.example.com'],
    ['ada@XN--BCHER-KVA.example.com', 'ada@xn--bcher-kva.example.com'],
    ['ada@bücher。example．com', 'ada@xn--bcher-kva.example.com'],
    ['ada@ｅｘａｍｐｌｅ.com', 'ada@example.com'],
    ['ada＠example.com', 'ada@example.com'],
    ['ａｄａ@example.com', 'ada@example.com'],
    ['почта@пример.рф', 'почта@xn--e1afmkfd.xn--p1ai'],
    ['Jose\u0301@example.com', 'josé@example.com'],
    ['JOSÉ@example.com', 'josé@example.com'],
    ['\u212aate@example.com', 'kate@example.com'],
  ])('%j -> %s', (raw, expected) => {
    expect(canonicalEmail(raw)).toBe(expected);
    expect(canonicalEmail(expected)).toBe(expected);
  });
});

describe('no address', () => {
  it.each([
    ...[
      '',
      '@',
      'ada',
      'ada.example.com',
      'ada@',
      '@example.com',
      'ada@@example.com',
      'ada@example',
      'ada@127.0.0.1',
      'ada@[127.0.0.1]',
    ],
    ...[
      'ada@0x7f.1',
      'ada@exa%6dple.com',
      'ada@example.com/x',
      'ada@example.com?x',
      'ada@example.com:80',
      'ada@a..com',
    ],
    ...['a\u200bda@example.com', 'ada\u202e@example.com', 'ada@exam\u00adple.com', 'ada@exam\u200dple.com'],
    ...['ad\u2060a@example.com', 'ad\u3164a@example.com', 'ad\uffa0a@example.com', 'ad\u2800a@example.com'],
    ...[
      'ad a@example.com',
      'ad\u00a0a@example.com',
      'ad\ta@example.com',
      'ad\u{e0061}a@example.com',
      'ad\ue000a@example.com',
    ],
    ...['ad\ufe0fa@example.com', 'ada@xn--bücher.com', `${'a'.repeat(65)}@example.com`, `ada@${'ü'.repeat(63)}.com`],
    `ada@${'bücher.'.repeat(40)}com`,
  ])('%j -> refused', (raw) => expect(canonicalEmail(raw)).toBeUndefined());
});
