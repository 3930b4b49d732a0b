import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';

const script = path.join(import.meta.dirname, 'test/talk.ts');

describe('what a command says', () => {
  it('nobody reads it any more, as with `| head` -> the work is finished without a word about that', async () => {
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(errors).toBe('abandoned\nfinished\n');
  });

  it('it can not be written, as on a full disk -> the work is finished, and nobody is taken to have gone', async () => {
    const full = openSync('/dev/full', 'w'); // each write fails with ENOSPC
    const child = spawn(process.execPath, [script], { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(errors).toBe('finished\n');
  });
});
