import { describe, expect, it } from '@jest/globals';
import { InFlight } from './in-flight.js';

describe('what is in flight', () => {
  it('added and removed in any order -> the others are there', () => {
    const inFlight = new InFlight<string>();
    const remove = Object.fromEntries(['a', 'b', 'c', 'd'].map((item) => [item, inFlight.add(item)]));
    remove.b?.();
    remove.d?.();
    expect([...inFlight].sort()).toEqual(['a', 'c']);
    remove.a?.();
    expect([...inFlight]).toEqual(['c']);
    inFlight.add('e');
    expect([[...inFlight].sort(), inFlight.size]).toEqual([['c', 'e'], 2]);
  });

  it('removed twice -> nobody else goes', () => {
    const inFlight = new InFlight<string>();
    const remove = inFlight.add('a');
    remove();
    inFlight.add('b');
    remove();
    expect([...inFlight]).toEqual(['b']);
  });

  it('removed while all are looked at -> each is seen once', () => {
    const inFlight = new InFlight<number>();
    const removers = [1, 2, 3].map((item) => inFlight.add(item));
    const seen: number[] = [];
    for (const item of inFlight) {
      seen.push(item);
      removers[item - 1]?.();
    }
    expect([seen, inFlight.size]).toEqual([[1, 2, 3], 0]);
  });
});
