import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { MigrationList } from './schema-engine.js';

export const schemaFile = (directory: string) => path.join(directory, 'prisma', 'schema.prisma');
/** The schema that the migrations lead to: what a new one starts from. */
export const migratedSchemaFile = (directory: string) => path.join(directory, 'prisma', 'migrations', 'schema.prisma');
/** `file` is `migration.sql` or `down.sql`. */
export const migrationFile = (directory: string, name: string, file: string) =>
  path.join(directory, 'prisma', 'migrations', name, file);

const isMissing = (error: unknown) =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';

/** The text of a file, undefined where there is none. */
export async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The names of the migrations of a service's folder, oldest first. None yet: an empty list. */
export async function migrationNames(directory: string): Promise<string[]> {
  await readFile(schemaFile(directory)); // a wrong folder must not pass for one without migrations
  const folder = path.join(directory, 'prisma', 'migrations');
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** The migrations as the engine wants them: all, or those up to one, which must be there. */
export async function migrationList(directory: string, until?: string): Promise<MigrationList> {
  const names = await migrationNames(directory);
  if (until !== undefined && !names.includes(until)) throw new Error(`there is no migration ${until} in ${directory}`);
  const wanted = until === undefined ? names : names.slice(0, names.indexOf(until) + 1);
  const migrations = wanted.map(async (name) => {
    const value = await readFile(migrationFile(directory, name, 'migration.sql'), 'utf8');
    return { path: name, migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value } } };
  });
  return {
    baseDir: '',
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(migrations),
  };
}
