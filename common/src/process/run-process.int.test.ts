import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const fixture = path.resolve('common/test/fixtures/process.ts');

/** Runs the fixture to its end; once it has started it gets the signal, or nobody listens to it any more. */
const run = (environment: Record<string, string>, signal?: NodeJS.Signals | 'deafness') =>
  new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn('node', ['--import', 'tsx', fixture], {
      env: { PATH: process.env.PATH, ...environment },
    });
    let stdout = '';
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (signal === undefined || !chunk.toString().includes('started')) return;
      if (signal !== 'deafness') child.kill(signal);
      else for (const stream of [child.stdout, child.stderr]) stream.destroy();
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });

describe('a process', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'that gets %s -> lets others notice, stops in order and ends with 0',
    async (signal) => {
      expect(await run({ MODE: 'normal', PORT: '0' }, signal)).toEqual({
        code: 0,
        stdout: 'started\ndrained\nstopped\n',
        stderr: '',
      });
    },
  );

  it('with wrong settings -> ends with 1, one line a fault', async () => {
    expect(await run({ PORT: 'x' })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'settings: MODE is missing\nsettings: PORT must be a whole number\n',
    });
  });

  it('whose start fails -> ends with 1 and the error, secrets redacted', async () => {
    const { code, stderr } = await run({ MODE: 'start-fails', PORT: '0' });
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({
      message: 'start failed',
      err: { message: 'no database at postgresql://postgres:[redacted]@db' },
    });
  });

  it('that nobody catches an error of -> says so, stops at once and ends with 1', async () => {
    const { code, stdout, stderr } = await run({ MODE: 'crashes', PORT: '0' });
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'started\nstopped\n' });
    expect(JSON.parse(stderr)).toMatchObject({ message: 'uncaughtException', err: { message: 'nobody catches this' } });
  });

  it('that can not write its output, as on a full disk -> goes on', async () => {
    const full = openSync('/dev/full', 'w'); // each write fails with ENOSPC
    const child = spawn('node', ['--import', 'tsx', fixture], {
      env: { PATH: process.env.PATH, MODE: 'talks', PORT: '0' },
      stdio: ['ignore', full, full, 'ipc'],
    });
    closeSync(full);
    try {
      for (let lines = 0; lines < 5; lines++) await once(child, 'message');
      child.kill('SIGTERM');
      expect((await once(child, 'exit'))[0]).toBe(0);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('whose output nobody takes any more -> stops and ends with 1', async () => {
    expect(await run({ MODE: 'talks', PORT: '0' }, 'deafness')).toEqual({ code: 1, stdout: 'started\n', stderr: '' });
  });

  it('that can not stop -> ends with 1', async () => {
    const { code, stderr } = await run({ MODE: 'stop-fails', PORT: '0' }, 'SIGTERM');
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ message: 'stopping failed' });
  });
});
