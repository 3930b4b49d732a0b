import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { limitFaults, parseLimits } from './limits.ts';
import { threadsOf } from './processes.ts';

const text = (files: string, processes: string) =>
  [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max cpu time              unlimited            unlimited            seconds   ',
    `Max processes             ${processes}                96364                processes `,
    `Max open files            256                  ${files}              files     `,
  ].join('\n');

describe('limits of the shell', () => {
  it.each([
    ['1024', '96364', 145, []],
    ['unlimited', 'unlimited', 145, []],
    ['64', 'unlimited', 145, [/^A process may open 64 files, and 1024 are needed: .*ulimit -n 1024/]],
    ['4096', '300', 145, [/^You may run 155 more of 300 processes and threads, and 220 are needed: .*ulimit -u/]],
    ['20', '20', 45, [/open 20 files/, /run 0 more of 20 processes/]],
  ])('of %s open files and %s processes, %i of them there -> %j', (files, processes, used, expected) => {
    const faults = limitFaults(parseLimits(text(files, processes)), () => used, 2);
    expect(faults).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  });

  it('this process -> has the threads of Node.js', () => {
    expect(threadsOf(process.pid)).toBeGreaterThan(4);
    expect(threadsOf(2 ** 22 + 1)).toBe(0);
  });

  it('too few open files -> a start says so before anything else', async () => {
    const main = path.join(import.meta.dirname, 'main.ts');
    const limited = ['-c', 'ulimit -n 200; exec "$@"', 'sh', process.execPath, main, 'up'];
    await expect(promisify(execFile)('sh', limited)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^A process may open 200 files, and 1024 are needed: [^\n]*\n$/),
    });
  });
});
