// Where all data and logs are kept. Servers that root starts run as users without rights, who have to get there; and some
// take no path with characters that mean something to a shell, a pattern or their own configuration.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import path from 'node:path';
import { StackError } from './errors.ts';
import { repository } from './paths.ts';

const link = path.join(repository, '.native');
const plainPath = /^[\w./+,@=-]+$/;

/**
 * `.native` of the working copy; below a folder that is root's alone, such as /root, or that has unusual characters in its
 * name, a folder of its own elsewhere, which `.native` is a link to.
 */
export function dataFolder(): string {
  const kind = lstatSync(link, { throwIfNoEntry: false });
  if (kind?.isSymbolicLink()) return path.resolve(repository, readlinkSync(link));
  const isRoot = process.getuid?.() === 0;
  return (!isRoot || everybodyMayEnter(repository)) && plainPath.test(repository) ? link : folderElsewhere(repository);
}

/** A folder for the data of a working copy that can't hold them itself: root's in /var/lib, a user's below their home. */
export function folderElsewhere(
  workingCopy: string,
  { uid, home, stateHome }: { uid?: number | undefined; home: string; stateHome?: string | undefined } = {
    uid: process.getuid?.(),
    home: homedir(),
    stateHome: process.env.XDG_STATE_HOME,
  },
): string {
  const hash = createHash('sha256').update(workingCopy).digest('hex').slice(0, 8);
  const name = path.basename(workingCopy).replaceAll(/[^\w.-]+/g, '-');
  const own = path.join(stateHome || path.join(home, '.local/state'), 'shop');
  const parent = uid === 0 ? '/var/lib/shop' : plainPath.test(own) ? own : `/var/tmp/shop-${uid}`;
  return path.join(parent, `${name}-${hash}`);
}

/** Makes the folder. Moves there what an earlier version has left below a folder that is root's alone. */
export function prepareDataFolder(): string {
  const folder = dataFolder();
  if (folder !== link && !existsSync(folder)) {
    makePassable(path.dirname(folder));
    if (lstatSync(link, { throwIfNoEntry: false })?.isDirectory()) {
      const moved = spawnSync('mv', ['--no-target-directory', link, folder], { encoding: 'utf8' });
      if (moved.status !== 0) throw new StackError(`${link} can't be moved to ${folder}: ${moved.stderr.trim()}`);
    }
  }
  makePassable(folder);
  if (folder !== link && !existsSync(link)) {
    rmSync(link, { force: true });
    symlinkSync(folder, link);
  }
  return folder;
}

/** Makes a folder that its owner alone may list; when it is root's, everybody may go through to what is theirs. */
export function makePassable(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const { mode, uid } = statSync(folder);
  if (process.getuid?.() === 0 && uid === 0) chmodSync(folder, (mode & 0o755) | constants.S_IXGRP | constants.S_IXOTH);
}

/** Makes a folder that is its owner's alone, also where an earlier version had made it for all. */
export function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if ((statSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

/** Whether users without rights of their own get to a folder, or to where it would be made. */
export function everybodyMayEnter(folder: string): boolean {
  const parent = path.dirname(folder);
  const entrance = statSync(folder, { throwIfNoEntry: false });
  const isOpen = entrance === undefined || (entrance.mode & constants.S_IXOTH) !== 0;
  return isOpen && (folder === parent || everybodyMayEnter(parent));
}
