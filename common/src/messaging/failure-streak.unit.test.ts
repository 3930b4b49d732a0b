import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { FailureStreak, identityOf } from './failure-streak.js';

function createStreak() {
  const time = { now: 0 };
  const streak = new FailureStreak({ length: 3, limit: 1_000, clock: () => time.now });
  const fail = (id: string, message = 'broken', isFirstTry = true) =>
    streak.add(new Error(message), { id, isFirstTry });
  return { time, streak, fail };
}

describe('different events fail one after another', () => {
  it('three alike -> an outage', () => {
    const { fail } = createStreak();
    expect([fail('a'), fail('b'), fail('c'), fail('d')]).toEqual([false, false, true, true]);
  });

  it('the same event over and over -> none', () => {
    const { fail } = createStreak();
    expect([fail('a'), fail('a'), fail('a'), fail('a')]).not.toContain(true);
  });

  it('on a later try of theirs -> none, but one that has begun goes on', () => {
    const { fail } = createStreak();
    expect(['a', 'b', 'c', 'd'].map((id) => fail(id, 'broken', false))).not.toContain(true);
    expect(['e', 'f', 'g'].map((id) => fail(id))).toEqual([false, false, true]);
    expect(fail('a', 'broken', false)).toBe(true);
  });

  it('one succeeds between, or another error comes -> counted from the first again', () => {
    const { streak, fail } = createStreak();
    fail('a');
    fail('b');
    streak.reset();
    expect(fail('c')).toBe(false);
    fail('d');
    expect(fail('e', 'something else')).toBe(false);
    expect(fail('f')).toBe(false);
  });

  it('for longer than the limit -> no outage any more, until the error was not seen for as long', () => {
    const { time, streak, fail } = createStreak();
    fail('a');
    fail('b');
    expect(fail('c')).toBe(true);
    time.now = 1_000;
    expect(fail('c')).toBe(false);
    streak.reset();
    for (const id of ['d', 'e', 'f', 'g']) expect(fail(id)).toBe(false);
    time.now = 2_001;
    expect([fail('h'), fail('i'), fail('j')]).toEqual([false, false, true]);
  });
});

describe('two errors', () => {
  it('that differ by ids, numbers and quoted values -> one fault', () => {
    const message = () => `payment ${randomUUID()} of "${randomUUID()}" has version ${Math.round(Math.random() * 1e6)}`;
    expect(identityOf(new Error(message()))).toBe(identityOf(new Error(message())));
  });

  it('of another class or another message -> two faults', () => {
    const identities = [new Error('one'), new TypeError('one'), new Error('other'), 'one'].map(identityOf);
    expect(new Set(identities).size).toBe(3);
  });
});
