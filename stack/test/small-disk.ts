// A small filesystem, to be filled: what a full disk does can only be seen on one.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hasCode } from '../errors.ts';

export interface SmallDisk {
  directory: string;
  /** Takes all room that is left. */
  fill(): void;
  empty(): void;
  dispose(): void;
}

/** Undefined where this user may mount none: that needs root, and not in every container. */
export function createSmallDisk(megabytes: number): SmallDisk | undefined {
  const directory = mkdtempSync(path.join(tmpdir(), 'shop-small-disk-'));
  const options = ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`, 'tmpfs', directory];
  if (spawnSync('mount', options).status !== 0) {
    rmSync(directory, { recursive: true });
    return undefined;
  }
  const filling = path.join(directory, 'filling');
  return {
    directory,
    fill() {
      const descriptor = openSync(filling, 'a');
      try {
        for (const size of [1024 * 1024, 4096, 1]) writeUntilFull(descriptor, Buffer.alloc(size));
      } finally {
        closeSync(descriptor);
      }
    },
    empty: () => rmSync(filling, { force: true }),
    dispose() {
      spawnSync('umount', ['--lazy', directory]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function writeUntilFull(descriptor: number, block: Buffer): void {
  try {
    for (;;) writeSync(descriptor, block);
  } catch (error) {
    if (!hasCode(error, 'ENOSPC')) throw error;
  }
}
