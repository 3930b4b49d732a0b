import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { COUNT_WINDOW, WindowCounts } from './window-counts.js';

afterEach(() => {
  jest.restoreAllMocks();
});

const totals = (counts: { total: number }[]): number[] => counts.map(({ total }) => total);

describe('counts', () => {
  it('several in one turn -> each gets what was counted up to itself', () => {
    const counts = new WindowCounts();
    expect(totals([counts.add('a', 1), counts.add('a', 5), counts.add('b', 1), counts.add('a', 1)])).toEqual([
      1, 6, 1, 7,
    ]);
  });

  it('the window of a key is over -> it begins again, the others go on', () => {
    let now = 1_000_000;
    jest.spyOn(Date, 'now').mockImplementation(() => now);
    const counts = new WindowCounts();
    counts.add('a', 3);
    now += COUNT_WINDOW / 2;
    counts.add('b', 2);
    now += COUNT_WINDOW / 2;
    expect(totals([counts.add('a', 1), counts.add('b', 1)])).toEqual([1, 3]);
    now += COUNT_WINDOW / 2;
    expect(totals([counts.add('a', 1), counts.add('b', 1)])).toEqual([2, 1]);
  });
});
