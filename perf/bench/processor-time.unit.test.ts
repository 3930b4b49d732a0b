import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, it } from '@jest/globals';
import { ProcessorTimer } from './processor-time.ts';

const end: (() => void)[] = [];
afterEach(() => end.splice(0).forEach((one) => one()));

/** A session of two processes, the second of which works and then waits to be ended. */
async function startFamily(): Promise<{ pid: number; endChild: () => Promise<void> }> {
  const work = `const until = performance.now() + 100; while (performance.now() < until); process.stdout.write('done');`;
  const script = `
    const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(`${work} setInterval(() => {}, 1000)`)}]);
    child.stdout.once('data', () => console.log('worked'));
    child.once('exit', () => console.log('ended'));
    process.stdin.once('data', () => child.kill());`;
  const parent = spawn(process.execPath, ['-e', script], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const { pid = 0 } = parent;
  end.push(() => process.kill(-pid, 'SIGKILL'));
  await once(parent.stdout, 'data');
  return {
    pid,
    endChild: async () => {
      parent.stdin.write('end\n');
      await once(parent.stdout, 'data');
    },
  };
}

it('a process of the session ends -> the time that it took stays counted', async () => {
  const { pid, endChild } = await startFamily();
  const timer = new ProcessorTimer();
  const before = timer.of(pid);
  expect(before).toBeGreaterThan(50_000);
  await endChild();
  expect(timer.of(pid)).toBeGreaterThanOrEqual(before);
  expect(new ProcessorTimer().of(pid)).toBeLessThan(before);
});
