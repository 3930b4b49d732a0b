import { describe, expect, it } from '@jest/globals';
import { InvalidInput, PreconditionFailed } from '../errors/index.js';
import { entityTag, isNotModified, preconditionOf } from './conditions.js';

const outcomeOf = (headers: Record<string, string>, version: number): string => {
  try {
    preconditionOf(headers)?.(version);
    return 'goes on';
  } catch (error) {
    return error instanceof PreconditionFailed ? 'failed' : 'refused';
  }
};

describe('a change', () => {
  it.each([
    ['no condition', {}, 'goes on'],
    ['its version', { 'if-match': '"3"' }, 'goes on'],
    ['its version, made weak by a compressing proxy', { 'if-match': 'W/"3"' }, 'goes on'],
    ['any version', { 'if-match': ' * ' }, 'goes on'],
    ['one of several', { 'if-match': ', "1",W/"2" ,\t"3",' }, 'goes on'],
    ['another version', { 'if-match': '"2"' }, 'failed'],
    ['a version that has it as a part', { 'if-match': '"33"' }, 'failed'],
    ['a tag that holds a comma and a star', { 'if-match': '"3,*"' }, 'failed'],
    ['none of others', { 'if-none-match': '"1", "2"' }, 'goes on'],
    ['not this one', { 'if-none-match': '"3"' }, 'failed'],
    ['none at all', { 'if-none-match': '*' }, 'failed'],
    ['this one and not that one', { 'if-match': '"3"', 'if-none-match': '"2"' }, 'goes on'],
    ['both the same', { 'if-match': '"3"', 'if-none-match': '"3"' }, 'failed'],
    ['without quotes', { 'if-match': '3' }, 'refused'],
    ['nothing', { 'if-match': '' }, 'refused'],
    ['an open quote', { 'if-match': '"3' }, 'refused'],
    ['two without a comma', { 'if-match': '"2""3"' }, 'refused'],
    ['a star among tags', { 'if-match': '"3", *' }, 'refused'],
    ['a weak sign in lower case', { 'if-match': 'w/"3"' }, 'refused'],
    ['no list of what it is not', { 'if-none-match': '3' }, 'refused'],
  ])('of version 3 that demands %s -> %s', (_, headers, outcome) => {
    expect(outcomeOf(headers, 3)).toBe(outcome);
  });

  it('a condition that can not be read -> 400 naming its header', () => {
    expect(() => preconditionOf({ 'if-match': '3' })).toThrow(
      new InvalidInput([{ field: 'If-Match', message: 'must be * or a list of entity tags such as "3"' }]),
    );
  });

  it('16 kB of a list, as much as a request may have -> read in no time', () => {
    const started = performance.now();
    for (const list of [', '.repeat(8_000), '"1" '.repeat(4_000), `"1"${' ,'.repeat(8_000)}x`, 'W/'.repeat(8_000)]) {
      expect(outcomeOf({ 'if-match': list }, 1)).toBe('refused');
    }
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('a reading', () => {
  const answer = { status: 200, body: {}, headers: { ETag: entityTag(3) } };
  it.each([
    ['GET', '"3"', true],
    ['HEAD', '"3"', true],
    ['GET', 'W/"3"', true],
    ['GET', '"2", "3"', true],
    ['GET', '*', true],
    ['GET', '"2"', false],
    ['GET', '3', false],
    ['GET', undefined, false],
    ['POST', '"3"', false],
  ])('%s by a client that has %s -> not modified: %s', (method, known, expected) => {
    expect(isNotModified({ method, headers: { 'if-none-match': known } }, answer)).toBe(expected);
  });

  it('of what has no version, or that fails -> answered as ever', () => {
    const asked = { method: 'GET', headers: { 'if-none-match': '*' } };
    expect(isNotModified(asked, { status: 200, body: {} })).toBe(false);
    expect(isNotModified(asked, { ...answer, status: 404 })).toBe(false);
  });
});
