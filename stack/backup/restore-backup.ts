// Brings a backup back: checked first, built beside what is there, and put in its place only when all of it is whole.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { StackError } from '../errors.ts';
import { repository } from '../paths.ts';
import type { Settings } from '../settings.ts';
import { holdsRows } from './catalog.ts';
import { databaseNameOf, withConnection, type Source } from './connections.ts';
import { readBackup, type DatabaseManifest, type Manifest } from './manifest.ts';
import { buildDatabase, dropDatabase, exchangeDatabases, namesBeside, onServer } from './restore-database.ts';

export interface RestoreBackupOptions {
  sources: readonly Source[];
  /** Of the backup. */
  folder: string;
  settings: Settings;
  /** Of the stack: holds logs. */
  directory: string;
  /** Whether databases that hold rows may be replaced. */
  replace: boolean;
}

/** Throws a StackError, with everything as it was, unless it succeeds. The old databases stay under another name. */
export async function restoreBackup(options: RestoreBackupOptions): Promise<Manifest> {
  const { sources, folder, replace } = options;
  const manifest = await readBackup(folder);
  const chosen = sources.map((source) => ({ source, manifest: ofDatabase(manifest, source.name) }));
  for (const { source, manifest: wanted } of chosen) await checkMigrations(source, wanted);
  for (const source of sources) await checkTarget(source, replace);
  try {
    for (const each of chosen) await buildDatabase({ ...options, ...each });
    await exchangeDatabases(sources);
  } catch (error) {
    for (const { url } of sources)
      await onServer(url, (client) => dropDatabase(client, namesBeside(databaseNameOf(url)).restoring));
    throw error;
  }
  return manifest;
}

function ofDatabase({ databases }: Manifest, name: string): DatabaseManifest {
  const found = databases.find((database) => database.name === name);
  if (!found) throw new StackError(`the backup has no database ${name}`);
  return found;
}

async function checkMigrations({ service }: Source, { name, migrations }: DatabaseManifest): Promise<void> {
  const folder = path.join(repository, service, 'prisma/migrations');
  const entries = existsSync(folder) ? await readdir(folder, { withFileTypes: true }) : [];
  const ours = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).toSorted();
  const unknown = migrations.filter((migration) => !ours.includes(migration));
  if (unknown.length > 0) {
    const remedy = 'restore it with the version that wrote it, or a newer one';
    throw new StackError(`${name}: the backup has migrations that are not here (${unknown.join(', ')}): ${remedy}`);
  }
  const lacking = ours.slice(0, migrations.length).filter((migration) => !migrations.includes(migration));
  if (lacking.length === 0) return;
  const remedy = 'restore it with the version that wrote it, then update';
  throw new StackError(
    `${name}: the backup lacks migrations that come before its last (${lacking.join(', ')}): ${remedy}`,
  );
}

async function checkTarget({ name, url }: Source, replace: boolean): Promise<void> {
  await withConnection(url, 'restore', async (client) => {
    const { rows } = await client.query<{ who: string }>(
      `SELECT DISTINCT coalesce(nullif(application_name, ''), usename::text, 'unnamed') AS who FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    if (rows.length > 0) {
      const users = rows.map(({ who }) => who).join(', ');
      const remedy = 'stop the services, and start the databases alone: make down, make infra';
      throw new StackError(`the database ${name} is in use (${users}): ${remedy}`);
    }
    if (replace || !(await holdsRows(client))) return;
    const remedy =
      'REPLACE=1 puts the backup in place of all databases and keeps these beside it, until the next restore';
    throw new StackError(`the database ${name} holds rows: ${remedy}`);
  });
}
