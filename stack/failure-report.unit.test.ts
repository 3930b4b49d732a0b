import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describeFailure } from './failure-report.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'shop-failure-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const report = (lines: string[], ending: string | null = 'exit code 1') => {
  const log = path.join(directory, 'log');
  writeFileSync(log, lines.map((line) => `${line}\n`).join(''));
  return describeFailure({
    what: 'api did not start',
    ending: ending ?? undefined,
    log,
    logStart: 0,
    directory,
    shownLines: 2,
  }).split('\n');
};

describe('the report of a failure', () => {
  it.each([
    [
      'FATAL:  could not write lock file "postmaster.pid": No space left on device',
      'the disk is full; free some space and try again',
    ],
    ['{error,emfile}', 'too many files are open; raise the limit in this shell, such as with `ulimit -n 4096`'],
    [
      'Failed to create thread: Resource temporarily unavailable (11)',
      'too many processes or threads run; end some, or raise the limit (`ulimit -u`)',
    ],
    [
      'FATAL:  could not map anonymous shared memory: Cannot allocate memory',
      'memory is short; end other programs and try again',
    ],
    [
      'nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)',
      'a port is taken; run `make doctor`, which names it and its holder',
    ],
  ])('%s -> %s', (line, expected) => {
    expect(report(['something before', line, 'Crash dump is being written to: erl_crash.dump...done'])).toEqual([
      `api did not start (exit code 1): ${expected}`,
      `${path.join(directory, 'log')} ends with:`,
      `  ${line}`,
      '  Crash dump is being written to: erl_crash.dump...done',
    ]);
  });

  it('settings that are wrong -> all of them, and where to mend them', () => {
    expect(report(['settings: A is missing', 'settings: B must be a port'])[0]).toBe(
      'api did not start (exit code 1): settings: A is missing; settings: B must be a port; mend it in .env',
    );
  });

  it('a line of JSON -> what its error says', () => {
    const line = JSON.stringify({ message: 'start failed', err: { message: 'no route to host', stack: 'Error: ...' } });
    expect(report([line])[0]).toBe('api did not start (exit code 1): start failed: no route to host');
  });

  it('what nobody knows -> the last line that complains, not what came after it', () => {
    expect(report(['starting', 'FATAL: odd', 'bye'])[0]).toBe('api did not start (exit code 1): FATAL: odd');
  });

  it('it was killed, without a word -> says who does that', () => {
    expect(report([], 'SIGKILL')).toEqual([
      'api did not start (SIGKILL): it was killed; where memory is short the kernel does so: see `dmesg`',
    ]);
  });

  it('it still runs -> no ending', () => {
    expect(report(['waiting'], null)[0]).toBe('api did not start: waiting');
  });
});
