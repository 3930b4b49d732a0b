import { describe, expect, it } from '@jest/globals';
import { failuresOf, isDataAlone } from './generate-load.ts';

describe('an answer of GraphQL', () => {
  it.each([
    ['data', '{"data":{"me":{"id":"1"}}}', true],
    ['data that speaks of errors', '{"data":{"note":"\\"errors\\""}}', true],
    ['errors beside data', '{"data":{"me":null},"errors":[{"message":"no"}]}', false],
    ['errors alone', '{"errors":[{"message":"no"}]}', false],
    ['a page', '<html></html>', false],
  ])('%s: %s -> success: %s', (_case, body, isSuccess) => {
    expect(isDataAlone(body)).toBe(isSuccess);
  });
});

describe('failures in words', () => {
  it('successes and failures -> failures alone, the most frequent first', () => {
    const answers = new Map([
      ['200', 90],
      ['ECONNRESET', 1],
      ['429', 9],
    ]);
    expect(failuresOf({ answers })).toBe('9 x 429 (rate limit), 1 x ECONNRESET');
  });
});
