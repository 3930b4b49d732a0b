import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { busyTableFaults } from './busy-tables.js';
import { withoutDatabase } from './engine-connection.js';
import { migratedSchemaFile, migrationFile, migrationNames, readIfPresent, schemaFile } from './migration-folder.js';
import { everything, withEngine } from './schema-engine.js';
import { scriptFault } from './script.js';

const NO_SCHEMA = 'datasource db {\n  provider = "postgresql"\n}\n';

/** SQL that leads from one schema to another, empty when they agree. Needs no database. */
async function schemaDifference(from: string, to: string): Promise<string> {
  const target = (content: string) => ({
    tag: 'schemaDatamodel' as const,
    files: [{ path: 'schema.prisma', content }],
  });
  const { stdout } = await withEngine(withoutDatabase, (engine) =>
    engine.diff({ from: target(from), to: target(to), script: true, exitCode: null, filters: everything }),
  );
  const script = stdout ?? '';
  if (script.startsWith('-- This is an empty migration')) return '';
  return (
    script
      // A change of an enum brings its own transaction, which would end that of the migration.
      .replace(/^(BEGIN|COMMIT);\n/gm, '')
      // https://wiki.postgresql.org/wiki/Don%27t_Do_This#Don.27t_use_serial
      .replace(
        /\b(BIG|SMALL)?SERIAL\b/g,
        (_, size: 'BIG' | 'SMALL' | undefined) =>
          `${{ BIG: 'BIGINT', SMALL: 'SMALLINT', none: 'INTEGER' }[size ?? 'none']} GENERATED ALWAYS AS IDENTITY`,
      )
  );
}

const migratedSchema = async (directory: string): Promise<string> =>
  (await readIfPresent(migratedSchemaFile(directory))) ?? NO_SCHEMA;

export interface MigrationDraft {
  /** The service's folder. */
  directory: string;
  /** What the migration does, e.g. `add order notes`. */
  name: string;
  /** Make one even if the schema hasn't changed, for SQL written by hand. */
  empty?: boolean;
}

/**
 * Writes a migration that leads to the schema as it is now (migration.sql), and back (down.sql). Both are to be read and
 * completed by hand with what a Prisma schema can't say, such as CHECK constraints. The schema is kept beside the migrations,
 * for the next one. Returns the migration's folder, undefined when the schema hasn't changed.
 */
export async function createMigration({ directory, name, empty = false }: MigrationDraft): Promise<string | undefined> {
  const before = await migratedSchema(directory);
  const after = await readFile(schemaFile(directory), 'utf8');
  const up = await schemaDifference(before, after);
  if (!up && !empty) return undefined;
  const slug = (name.toLowerCase().match(/[a-z0-9]+/g) ?? []).join('_');
  if (!slug) throw new Error('a migration needs a name of letters or digits');
  const files = {
    'migration.sql': up,
    'down.sql': await schemaDifference(after, before),
  };
  const migration = `${await nextStamp(directory)}_${slug}`;
  const folder = path.dirname(migrationFile(directory, migration, 'migration.sql'));
  await mkdir(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(path.join(folder, file), text, { flag: 'wx' });
  await writeFile(migratedSchemaFile(directory), after);
  return folder;
}

/** The UTC time, YYYYMMDDhhmmss, or one more than the last migration's: they apply in the order of their names. */
async function nextStamp(directory: string): Promise<string> {
  const now = Number(new Date().toISOString().replace(/\D/g, '').slice(0, 14));
  const last = Number.parseInt((await migrationNames(directory)).at(-1) ?? '0', 10);
  return String(Math.max(now, last + 1));
}

/** What is wrong with the migrations of a service's folder, one line each; none when all is well. Needs no database. */
export async function checkMigrations({ directory }: { directory: string }): Promise<string[]> {
  const faults: string[] = [];
  let earlier = '';
  for (const name of await migrationNames(directory)) {
    for (const file of ['migration.sql', 'down.sql']) {
      const text = await readIfPresent(migrationFile(directory, name, file));
      if (text === undefined) faults.push(`${name} has no ${file}`);
      else if (!text.trim()) faults.push(`${name}: ${file} is empty`);
      else {
        const fault = scriptFault(text);
        if (fault !== undefined) faults.push(`${name}: ${file} ${fault}`);
        if (file === 'migration.sql') {
          faults.push(...busyTableFaults(name, text, earlier).map((busy) => `${name}: ${file} ${busy}`));
          earlier += text;
        }
      }
    }
  }
  if (faults.length > 0) return faults;
  const ahead = await schemaDifference(await migratedSchema(directory), await readFile(schemaFile(directory), 'utf8'));
  return ahead ? [`schema.prisma is ahead of the migrations, create one:\n${ahead.trim()}`] : [];
}
