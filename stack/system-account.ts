// Servers and services that root starts run as system users, each with no rights but on what is its own.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { everybodyMayEnter } from './data-folder.ts';
import { StackError } from './errors.ts';
import { writeWholeFile } from './whole-file.ts';

export interface Account {
  uid: number;
  gid: number;
}

const known = new Map<string, Account>();

/** The system user of a server. */
export const accountName = (server: string): string => `shop-${server}`;

/**
 * Whom a server runs as with data in this folder, where root starts it: a system user, made when there is none. Throws a StackError, in one line, when
 * there can't be one or it would not get to its data.
 */
export function serverAccount(server: string, directory: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const name = accountName(server);
  if (!everybodyMayEnter(directory)) {
    const remedy = 'name a folder in STACK_DIR that everybody may enter, such as one in /var/lib';
    throw new StackError(`${name}, whom ${server} runs as, can't get to ${directory}: ${remedy}`);
  }
  const account = known.get(name) ?? systemAccount(name);
  known.set(name, account);
  return account;
}

function systemAccount(name: string): Account {
  const found = accountOf(name);
  if (found) return found;
  const parameters = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent'];
  const added = spawnSync('useradd', [...parameters, '--shell', '/usr/sbin/nologin', name], { encoding: 'utf8' });
  const made = accountOf(name); // perhaps by another run at the same time
  if (made) return made;
  const reason = added.error?.message ?? added.stderr.trim();
  throw new StackError(
    `useradd fails (${reason}), and no server is to run as root: add a system user ${name}, or start this as a plain user`,
  );
}

function accountOf(name: string): Account | undefined {
  const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout.trim());
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
}

/** Makes a folder that is the server's alone, also with all that an earlier version, or a plain user, has left there. */
export function ownFolder(folder: string, account: Account | undefined): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if ((statSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
  if (!account || statSync(folder).uid === account.uid) return;
  // The folder itself comes last: begun and broken off, it is done again. Nothing that a link leads to is given away.
  const owner = `${account.uid}:${account.gid}`;
  const given = spawnSync('chown', ['-R', '--no-dereference', owner, folder], { encoding: 'utf8' });
  if (given.status !== 0) throw new StackError(`${folder} can't be given to user ${owner}: ${given.stderr.trim()}`);
}

/** Writes a file that the server reads, and root alone writes. */
export function writeReadable(account: Account | undefined, file: string, text: string): void {
  writeWholeFile(file, text, { mode: 0o600 });
  readableBy(account, file);
}

/** A file that the server reads, and root alone writes. */
export function readableBy(account: Account | undefined, file: string): void {
  chmodSync(file, account ? 0o640 : 0o600);
  if (account) chownSync(file, 0, account.gid);
}
