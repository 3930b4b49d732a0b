// Writes all databases, as of one moment, into a folder that appears once it is whole.
import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { hasCode, StackError } from '../errors.ts';
import { repository } from '../paths.ts';
import { foreignDefinitions, migrationsOf, sequencesOf, tablesOf, type TableOfCatalog } from './catalog.ts';
import { qualified, withConnection, type Source } from './connections.ts';
import { format, manifestFile, type DatabaseManifest, type Manifest, type TableManifest } from './manifest.ts';
import { withSnapshots, type Snapshot } from './snapshots.ts';

/** Throws a StackError when the folder is there already, or when there is no room. */
export async function writeBackup(sources: readonly Source[], folder: string): Promise<Manifest> {
  if (existsSync(folder)) throw new StackError(`${folder} is there already: a backup needs a folder of its own`);
  const unfinished = `${folder}.unfinished-${process.pid}`;
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  try {
    const written = await writeFiles(sources, unfinished);
    await syncFolders([unfinished, ...sources.map(({ name }) => path.join(unfinished, name))]);
    renameSync(unfinished, folder);
    await syncFolders([path.dirname(folder)]);
    return written;
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (hasCode(error, 'ENOSPC', 'EDQUOT')) throw new StackError(`no room for a backup in ${path.dirname(folder)}`);
    throw error;
  }
}

async function writeFiles(sources: readonly Source[], folder: string): Promise<Manifest> {
  const startedAt = new Date().toISOString();
  const urls = sources.map(({ url }) => url);
  await checkMigrated(sources);
  const databases = await withSnapshots(urls, async (snapshots) => {
    const results = await Promise.allSettled(
      sources.map(({ name }, index) => writeDatabase(name, snapshotAt(snapshots, index), folder)),
    );
    return results.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  });
  const { name, version } = projectOf();
  const written: Manifest = {
    format,
    project: name,
    version,
    startedAt,
    finishedAt: new Date().toISOString(),
    bytes: databases.flatMap(({ tables }) => tables).reduce((sum, { bytes }) => sum + bytes, 0),
    databases,
  };
  const file = await open(path.join(folder, manifestFile), 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(written, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return written;
}

function snapshotAt(snapshots: readonly Snapshot[], index: number): Snapshot {
  const snapshot = snapshots[index];
  if (!snapshot) throw new Error('every database has a snapshot');
  return snapshot;
}

async function checkMigrated(sources: readonly Source[]): Promise<void> {
  for (const { name, url } of sources) {
    const { rows } = await withConnection(url, 'backup', (client) =>
      client.query<{ found: boolean }>(`SELECT to_regclass('public.outbox') IS NOT NULL AS found`),
    );
    if (!rows[0]?.found) throw new StackError(`the database ${name} has no tables yet: there is nothing to back up`);
  }
}

async function writeDatabase(name: string, { client, takenAt }: Snapshot, folder: string): Promise<DatabaseManifest> {
  mkdirSync(path.join(folder, name), { mode: 0o700 });
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
  const tables: TableManifest[] = [];
  for (const table of await tablesOf(client)) tables.push(await writeTable(name, table, client, folder));
  return {
    name,
    postgresql: rows[0]?.server_version ?? '',
    takenAt: takenAt.toISOString(),
    migrations: await migrationsOf(client),
    tables,
    // Of no transaction: at least as far as the rows of the snapshot.
    sequences: await sequencesOf(client),
    definitions: await foreignDefinitions(client),
  };
}

async function writeTable(
  database: string,
  table: TableOfCatalog,
  client: pg.Client,
  folder: string,
): Promise<TableManifest> {
  const file = `${database}/${table.schema}.${table.name}.copy.gz`;
  const columns = table.columns.map((column) => pg.escapeIdentifier(column)).join(', ');
  const rows = client.query(copyTo(`COPY ${qualified(table)} (${columns}) TO STDOUT`));
  const hash = createHash('sha256');
  let bytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const target = createWriteStream(path.join(folder, file), { flags: 'wx', mode: 0o600, flush: true });
  await pipeline(rows, createGzip({ level: 6 }), measure, target);
  return { ...table, rows: rows.rowCount, file, bytes, sha256: hash.digest('hex') };
}

/** So that a power cut leaves no name without its file. */
async function syncFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

function projectOf(): { name: string; version: string } {
  // The project's own.
  return JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')) as { name: string; version: string };
}
