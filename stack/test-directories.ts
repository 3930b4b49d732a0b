// Where servers for tests keep their files, and how they keep them.
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { dataFolder, prepareDataFolder } from './data-folder.ts';
import { reapLeftOvers, StateFile } from './state.ts';

const prefix = 'test-';

/** Settings of PostgreSQL for data that nobody will miss. */
export const fastAndForgetful = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** A directory that removeLeftOvers looks after. It is not made here: a supervisor claims its name first. */
export function newTestDirectory(): string {
  return path.join(prepareDataFolder(), `${prefix}${process.pid}-${randomBytes(3).toString('hex')}`);
}

/** Ends and removes what earlier runs of tests left behind because they were killed. */
export async function removeLeftOvers(): Promise<void> {
  const parent = dataFolder();
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent).filter((entry) => entry.startsWith(prefix))) {
    const directory = path.join(parent, name);
    const state = new StateFile(directory);
    const held = await state.claim();
    if (!held) continue; // its run lives
    await reapLeftOvers(state.read(), directory, () => undefined);
    rmSync(directory, { recursive: true, force: true });
    await held.release();
  }
}
