import { parseEnv } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { parseEnvironmentText, setVariable } from './environment-text.ts';

const faultsOf = (text: string): string[] => {
  try {
    parseEnvironmentText(text);
    return [];
  } catch (error) {
    return String(error).replace('StackError: ', '').split('\n');
  }
};

describe('parseEnvironmentText', () => {
  it.each([
    ['Correct$horse', 'Correct$horse'],
    ['${HOME}/$HOME/$(id)/`id`', '${HOME}/$HOME/$(id)/`id`'],
    ['p/q#r?s@t:u%v&w=x', 'p/q#r?s@t:u%v&w=x'],
    ['#not-a-comment', '#not-a-comment'],
    ['back\\slash\\n\\\\', 'back\\slash\\n\\\\'],
    [`it's "quoted" within`, `it's "quoted" within`],
    ['  spaces around  ', 'spaces around'],
    ["'  kept spaces # and \" and ` and $x '", '  kept spaces # and " and ` and $x '],
    ['"it\'s $HOME\\n"', "it's $HOME\\n"],
    ['`"it\'s"`', '"it\'s"'],
    ["''", ''],
    ['', ''],
    [' # a comment', ''],
    ['4000 # a comment', '4000'],
    ["'4000' # it's a comment", '4000'],
    ['пароль ключ', 'пароль ключ'],
    ['a\u2028b', 'a\u2028b'],
  ])('NAME=%s -> %s', (written, value) => {
    expect(parseEnvironmentText(`BEFORE=1\nNAME=${written}\nAFTER=2`)).toEqual({
      BEFORE: '1',
      NAME: value,
      AFTER: '2',
    });
  });

  it('what Node itself reads without a quirk -> the same', () => {
    const text = '\n# comment\nA=1\n B = 2 \nexport C=3\nD="4 # 5"\nE=6=7\n\tF=\nA=8\n';
    expect(parseEnvironmentText(text)).toEqual({ ...parseEnv(text) });
  });

  it.each(['\n', '\r\n', '\r'])('lines that end with %j, after a byte order mark -> no part of a value', (end) => {
    expect(parseEnvironmentText(['\uFEFFA=1', 'B=', "C='3'", ''].join(end))).toEqual({ A: '1', B: '', C: '3' });
  });

  it('what would be read as something else than it says -> one line each that names it, and shows no value', () => {
    const text = [
      "A_PASSWORD='open",
      'B="one" two',
      'C_SECRET=cut #here',
      'D_PORT=4000 #comment',
      'GATEWAY_PORT 4000',
      'E-F=1',
    ];
    expect(faultsOf(text.join('\n'))).toEqual([
      expect.stringMatching(/^A_PASSWORD in \.env begins with a quote that does not end its line: /),
      expect.stringMatching(/^B in \.env begins with a quote/),
      expect.stringMatching(/^C_SECRET in \.env has a # after a space: put its value between quotes/),
      'line 5 of .env is neither NAME=value nor a comment',
      'line 6 of .env is neither NAME=value nor a comment',
    ]);
  });
});

describe('setVariable', () => {
  it.each([
    ['A=1\nB=2\n', 'A=x\nB=2\n'],
    ['B=2', 'B=2\nA=x\n'],
    ['', 'A=x\n'],
    ['B=2\r\n', 'B=2\r\nA=x\r\n'],
    ['A=1\nA=2', 'A=1\nA=x'],
    ['AA=1\n#A=1\n', 'AA=1\n#A=1\nA=x\n'],
  ])('%j -> %j', (before, after) => {
    expect(setVariable(before, 'A', 'x')).toBe(after);
  });
});
