import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { createTestDatabase, eventually, type TestDatabase } from '@shop/testing';
import { SettingsError } from '../../config/index.js';
import { checkMigrations, createMigration } from './draft.js';
import { deployMigrations, MigrationFailed, migrationStatus, resolveMigration } from './migrate.js';
import { runMigrateCommand } from './migrate-command.js';
import { revertMigrations } from './revert.js';

/** A service's folder without migrations, of which every test gets a copy. */
const EMPTY_SERVICE = 'common/test/empty-service';
let directory: string;
let database: TestDatabase;
let url: string;

const SCHEMA = 'datasource db {\n  provider = "postgresql"\n}\n';

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'service-'));
  await cp(EMPTY_SERVICE, directory, { recursive: true });
  database = await createTestDatabase({ serviceDirectory: EMPTY_SERVICE });
  url = database.url;
});

afterEach(async () => {
  await database.drop();
  await rm(directory, { recursive: true });
});

const fileOf = (name: string, file: string) => path.join(directory, 'prisma', 'migrations', name, file);

async function addMigration(name: string, up: string, down: string): Promise<void> {
  await mkdir(path.join(directory, 'prisma', 'migrations', name));
  await writeFile(fileOf(name, 'migration.sql'), up);
  await writeFile(fileOf(name, 'down.sql'), down);
  await cp(
    path.join(directory, 'prisma', 'schema.prisma'),
    path.join(directory, 'prisma', 'migrations', 'schema.prisma'),
  );
}

async function query(text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

const tables = async () =>
  (await query(`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`)).map(
    (row) => row.name,
  );

describe('up and down', () => {
  it('pending migrations -> applied in order, once; down undoes the last, then the others; up applies them again', async () => {
    await addMigration('1_first', 'CREATE TABLE first (a int);', 'DROP TABLE first;');
    await addMigration('2_second', 'CREATE TABLE second (a int);', 'DROP TABLE second;');

    expect(await deployMigrations({ url, directory })).toEqual(['1_first', '2_second']);
    expect(await deployMigrations({ url, directory })).toEqual([]);
    expect(await tables()).toEqual(['_prisma_migrations', 'first', 'second']);

    expect(await revertMigrations({ url, directory })).toEqual(['2_second']);
    expect(await tables()).toEqual(['_prisma_migrations', 'first']);
    expect(await migrationStatus({ url, directory })).toMatchObject({ applied: ['1_first'], pending: ['2_second'] });

    expect(await deployMigrations({ url, directory })).toEqual(['2_second']);
    expect(await revertMigrations({ url, directory }, 5)).toEqual(['2_second', '1_first']);
    expect(await tables()).toEqual(['_prisma_migrations']);
  });

  it('semicolons in strings, functions and comments -> the script is run as a whole', async () => {
    const up = `CREATE TABLE texts (a text DEFAULT 'a;b'); -- one; two
      CREATE FUNCTION answer() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 42; END $$;`;
    await addMigration('1_texts', up, 'DROP FUNCTION answer; DROP TABLE texts;');

    await deployMigrations({ url, directory });

    expect(await query('INSERT INTO texts DEFAULT VALUES RETURNING a, answer() AS answer')).toEqual([
      { a: 'a;b', answer: 42 },
    ]);
  });

  it('three start at once -> one applies, the others wait and find nothing to do', async () => {
    await addMigration('1_slow', 'CREATE TABLE slow (a int); SELECT pg_sleep(0.5);', 'DROP TABLE slow;');

    const applied = await Promise.all([1, 2, 3].map(() => deployMigrations({ url, directory })));

    expect(applied.flat()).toEqual(['1_slow']);
    expect(await query('SELECT migration_name FROM _prisma_migrations')).toHaveLength(1);
  });

  it('another migration runs for longer than it may wait -> an error, nothing is applied', async () => {
    await addMigration('1_slow', 'SELECT pg_sleep(2);', 'SELECT 1;');
    const slow = deployMigrations({ url, directory });
    const locks = `SELECT FROM pg_locks JOIN pg_database ON oid = database WHERE datname = current_database()`;
    await eventually(async () => expect(await query(`${locks} AND locktype = 'advisory' AND granted`)).not.toEqual([]));

    await expect(deployMigrations({ url, directory, lockTimeoutMs: 100 })).rejects.toMatchObject({ code: '55P03' });
    expect(await slow).toEqual(['1_slow']);
  });

  it('a table is in use -> the migration lets others pass, and is applied once it gets the table', async () => {
    await addMigration('1_first', 'CREATE TABLE first (a int);', 'DROP TABLE first;');
    await deployMigrations({ url, directory });
    await addMigration('2_column', 'ALTER TABLE first ADD COLUMN b int;', 'ALTER TABLE first DROP COLUMN b;');
    const user = new pg.Client({ connectionString: url });
    await user.connect();
    try {
      await user.query('BEGIN');
      await user.query('LOCK TABLE first IN ACCESS SHARE MODE');
      const deployed = deployMigrations({ url, directory });
      const waiting = `SELECT FROM pg_locks WHERE relation = 'first'::regclass AND NOT granted`;
      await eventually(async () => expect(await query(waiting)).not.toEqual([]));
      // Queued behind the migration, until that has given up.
      expect(await query('SELECT count(*) FROM first')).toEqual([{ count: '0' }]);
      await user.query('COMMIT');
      expect(await deployed).toEqual(['2_column']);
    } finally {
      await user.end();
    }
    expect(await migrationStatus({ url, directory })).toMatchObject({ failed: [], pending: [] });
    expect(await revertMigrations({ url, directory })).toEqual(['2_column']);
  });

  it('an index is built concurrently -> by one of two that start at once, and dropped again', async () => {
    await addMigration('1_first', 'CREATE TABLE first (a int);', 'DROP TABLE first;');
    await addMigration(
      '2_index',
      `-- An interrupted build leaves an index behind that is not valid.
       DROP INDEX CONCURRENTLY IF EXISTS first_a_idx;
       CREATE INDEX CONCURRENTLY IF NOT EXISTS first_a_idx ON first (a);`,
      'DROP INDEX CONCURRENTLY IF EXISTS first_a_idx;',
    );
    expect(await checkMigrations({ directory })).toEqual([]);
    const applied = await Promise.all([1, 2].map(() => deployMigrations({ url, directory })));
    expect(applied.flat()).toEqual(['1_first', '2_index']);
    expect(await query(`SELECT indisvalid FROM pg_index WHERE indexrelid = 'first_a_idx'::regclass`)).toEqual([
      { indisvalid: true },
    ]);
    expect(await revertMigrations({ url, directory })).toEqual(['2_index']);
    expect(await query(`SELECT to_regclass('first_a_idx') AS index`)).toEqual([{ index: null }]);
  });

  it('a database that does not exist -> a clear error', async () => {
    const nowhere = url.replace(/\/\w+$/, '/nowhere');
    await expect(deployMigrations({ url: nowhere, directory })).rejects.toThrow('database "nowhere" does not exist');
  });

  it('a folder without a schema -> a clear error', async () => {
    await expect(deployMigrations({ url, directory: tmpdir() })).rejects.toThrow('schema.prisma');
  });
});

describe('a migration that fails', () => {
  beforeEach(async () => {
    await addMigration('1_first', 'CREATE TABLE first (a int);', 'DROP TABLE first;');
    await addMigration('2_bad', 'CREATE TABLE half (a int); SELECT 1 / 0;', 'DROP TABLE half;');
    await addMigration('3_third', 'CREATE TABLE third (a int);', 'DROP TABLE third;');
  });

  it('up -> it is rolled back whole, named with its reason, and blocks up and down until resolved', async () => {
    const failure = await deployMigrations({ url, directory }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MigrationFailed);
    expect(failure).toMatchObject({ message: expect.stringMatching(/^migration 2_bad failed \(division by zero\)/) });
    expect(await tables()).toEqual(['_prisma_migrations', 'first']);
    expect(await migrationStatus({ url, directory })).toMatchObject({
      applied: ['1_first'],
      failed: ['2_bad'],
      pending: ['3_third'],
    });

    await expect(deployMigrations({ url, directory })).rejects.toThrow('2_bad failed at an earlier attempt');
    await expect(revertMigrations({ url, directory })).rejects.toThrow('2_bad failed and was never resolved');

    await writeFile(fileOf('2_bad', 'migration.sql'), 'CREATE TABLE half (a int);');
    await resolveMigration({ url, directory }, '2_bad', 'rolled-back');
    expect(await deployMigrations({ url, directory })).toEqual(['2_bad', '3_third']);
  });

  it('completed by hand and resolved as applied -> up goes on after it', async () => {
    await expect(deployMigrations({ url, directory })).rejects.toThrow('2_bad');
    await query('CREATE TABLE half (a int)');
    await resolveMigration({ url, directory }, '2_bad', 'applied');

    expect(await deployMigrations({ url, directory })).toEqual(['3_third']);
    expect(await migrationStatus({ url, directory })).toMatchObject({ failed: [], pending: [] });
  });

  it('resolving an unknown one -> a clear error', async () => {
    await expect(resolveMigration({ url, directory }, 'nope', 'applied')).rejects.toThrow('there is no migration nope');
  });
});

describe('down that fails', () => {
  it('an error in down.sql, or none at all -> everything stays as it was', async () => {
    await addMigration('1_first', 'CREATE TABLE first (a int);', 'DROP TABLE first; SELECT 1 / 0;');
    await deployMigrations({ url, directory });

    await expect(revertMigrations({ url, directory })).rejects.toThrow(
      'down.sql of 1_first failed and changed nothing: division by zero',
    );
    await rm(fileOf('1_first', 'down.sql'));
    await expect(revertMigrations({ url, directory })).rejects.toThrow('1_first has no down.sql');

    expect(await tables()).toContain('first');
    expect(await migrationStatus({ url, directory })).toMatchObject({ applied: ['1_first'], pending: [] });
  });

  it('nothing was ever applied -> nothing to undo', async () => {
    expect(await revertMigrations({ url, directory })).toEqual([]);
  });
});

describe('status', () => {
  it('files changed or removed after they were applied -> named', async () => {
    await addMigration('1_first', 'CREATE TABLE first (a int);', 'DROP TABLE first;');
    await addMigration('2_second', 'CREATE TABLE second (a int);', 'DROP TABLE second;');
    await deployMigrations({ url, directory });
    await appendFile(fileOf('1_first', 'migration.sql'), '-- an afterthought');
    await rm(path.dirname(fileOf('2_second', 'down.sql')), { recursive: true });

    expect(await migrationStatus({ url, directory })).toEqual({
      applied: ['1_first'],
      pending: [],
      failed: [],
      edited: ['1_first'],
      missing: ['2_second'],
    });
  });
});

describe('create and check', () => {
  const describeNotes = (...kinds: string[]) =>
    writeFile(
      path.join(directory, 'prisma', 'schema.prisma'),
      `${SCHEMA}
model Note {
  id   BigInt @id @default(autoincrement())
  kind Kind
}

enum Kind {
  ${kinds.join('\n  ')}
}
`,
    );

  it('a changed schema -> a migration that leads there and back, with identity columns and no transaction of its own', async () => {
    await describeNotes('a', 'b');
    expect(await checkMigrations({ directory })).toEqual([expect.stringContaining('schema.prisma is ahead')]);
    const folder = (await createMigration({ directory, name: 'Add notes!' })) ?? '';
    expect(path.basename(folder)).toMatch(/^\d{14}_add_notes$/);
    expect(await checkMigrations({ directory })).toEqual([]);
    expect(await createMigration({ directory, name: 'again' })).toBeUndefined();

    await deployMigrations({ url, directory });
    expect(await query('INSERT INTO "Note" (kind) VALUES (\'a\') RETURNING id')).toEqual([{ id: '1' }]);
    await expect(query('INSERT INTO "Note" (id, kind) VALUES (5, \'a\')')).rejects.toMatchObject({ code: '428C9' });

    await describeNotes('a', 'c');
    const second = (await createMigration({ directory, name: 'change kind' })) ?? '';
    expect(await readFile(path.join(second, 'migration.sql'), 'utf8')).not.toMatch(/^(BEGIN|COMMIT)/m);
    await deployMigrations({ url, directory });
    await revertMigrations({ url, directory }, 2);
    expect(await tables()).toEqual(['_prisma_migrations']);
  });

  it('two created within a second -> they apply in the order of their making', async () => {
    const first = await createMigration({ directory, name: 'z', empty: true });
    const second = await createMigration({ directory, name: 'a', empty: true });

    expect([second, first].sort()).toEqual([first, second]);
  });

  it('an index built concurrently beside other changes, or not repeatably -> check says so', async () => {
    const mixed = 'CREATE TABLE first (a int); CREATE INDEX CONCURRENTLY IF NOT EXISTS first_a_idx ON first (a);';
    await addMigration('1_mixed', mixed, 'DROP INDEX CONCURRENTLY first_a_idx;');

    expect((await checkMigrations({ directory })).sort()).toEqual([
      expect.stringMatching(/^1_mixed: down.sql is not repeatable/),
      expect.stringMatching(/^1_mixed: migration.sql has more than indexes/),
    ]);
  });

  it('an incomplete migration -> check says what it lacks', async () => {
    await addMigration('1_first', 'CREATE TABLE first (a int);', '');
    await addMigration('2_second', 'CREATE TABLE second (a int);', 'DROP TABLE second;');
    await rm(fileOf('2_second', 'migration.sql'));

    expect(await checkMigrations({ directory })).toEqual([
      '1_first: down.sql is empty',
      '2_second has no migration.sql',
    ]);
  });
});

describe('the command', () => {
  async function run(...args: string[]) {
    const lines: string[] = [];
    const stdout = (line: string) => void lines.push(line);
    const code = await runMigrateCommand(args, { databaseUrl: () => url, stdout, stderr: stdout });
    return { code, lines };
  }

  it('the life of a migration -> each step says in a line what it did', async () => {
    expect(await run('create', directory, 'notes')).toEqual({
      code: 0,
      lines: ['schema.prisma has not changed: nothing to create'],
    });
    await addMigration('1_first', 'CREATE TABLE first (a int);', 'DROP TABLE first;');
    expect(await run('check', directory)).toEqual({
      code: 0,
      lines: ['migrations are complete and up to schema.prisma'],
    });
    expect(await run('status', directory)).toEqual({ code: 1, lines: ['0 applied', 'pending: 1_first'] });
    expect(await run('up', directory)).toEqual({ code: 0, lines: ['applied 1_first'] });
    expect(await run('up', directory)).toEqual({ code: 0, lines: ['nothing to apply'] });
    expect(await run('status', directory)).toEqual({ code: 0, lines: ['1 applied, last 1_first'] });
    expect(await run('down', directory)).toEqual({ code: 0, lines: ['undone 1_first'] });
    expect(await run('down', directory, '2')).toEqual({ code: 0, lines: ['nothing to undo'] });
  });

  it('a migration that fails, then is resolved -> exit code 1 and the way out, then 0', async () => {
    await addMigration('1_bad', 'SELECT 1 / 0;', 'SELECT 1;');
    const failed = await run('up', directory);
    expect(failed).toMatchObject({ code: 1, lines: [expect.stringContaining('"resolve 1_bad rolled-back"')] });
    expect(await run('resolve', directory, '1_bad', 'rolled-back')).toEqual({
      code: 0,
      lines: ['1_bad is now marked as rolled-back'],
    });
  });

  it('called in a wrong way -> exit code 2 and what is missing', async () => {
    for (const args of [[], ['up'], ['upp', directory], ['toString', directory], ['up', directory, '--force']]) {
      expect(await run(...args)).toMatchObject({ code: 2, lines: [expect.stringContaining('usage:')] });
    }
    expect(await run('down', directory, 'all')).toEqual({ code: 2, lines: ['not a count: all'] });
    expect(await run('create', directory)).toEqual({ code: 2, lines: ['NAME is missing'] });
    expect((await run('resolve', directory, '1_bad', 'done')).code).toBe(2);
  });

  it('no database is named -> exit code 2, and which variables would name one', async () => {
    const complaints: string[] = [];
    const context = {
      databaseUrl: () => {
        throw new SettingsError(['DATABASE_URL is missing']);
      },
      stdout: () => undefined,
      stderr: (line: string) => void complaints.push(line),
    };
    expect(await runMigrateCommand(['up', directory], context)).toBe(2);
    expect(complaints).toEqual(['settings: DATABASE_URL is missing']);
  });
});
