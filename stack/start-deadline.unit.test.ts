import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { StartDeadline } from './start-deadline.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'shop-deadline-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('how long a start may take', () => {
  const start = () => {
    const log = path.join(directory, 'log');
    const clock = { now: 0 };
    const deadline = new StartDeadline(undefined, log, () => clock.now);
    const pass = (seconds: number, doing: () => void = () => undefined) => {
      for (let second = 0; second < seconds; second++) {
        clock.now += 1_000;
        doing();
        const fault = deadline.fault();
        if (fault !== undefined) return fault;
      }
      return undefined;
    };
    return { pass, write: () => appendFileSync(log, 'a line\n') };
  };

  it('a program that does nothing -> given up after two minutes', () => {
    const { pass } = start();
    expect(pass(120)).toBeUndefined();
    expect(pass(1)).toBe('is not ready and has done nothing for 120 s');
  });

  it('a program that makes progress -> is waited for, up to ten minutes', () => {
    const { pass, write } = start();
    for (let minute = 1; minute < 10; minute++) {
      expect(pass(59)).toBeUndefined();
      expect(pass(1, write)).toBeUndefined();
    }
    expect(pass(61)).toBe('is not ready after 10 minutes');
  });
});
