// One database of a backup, made beside the one that is there; and the exchange of both.
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { StackError } from '../errors.ts';
import { migrateUp } from '../migrate.ts';
import { migrationEnvironment } from '../services.ts';
import type { Settings } from '../settings.ts';
import { tablesOf } from './catalog.ts';
import {
  databaseNameOf,
  qualified,
  urlOfDatabase,
  withConnection,
  withConnections,
  type Source,
} from './connections.ts';
import type { DatabaseManifest, TableManifest } from './manifest.ts';

/** Every server has it, and no service uses it. */
const maintenance = 'postgres';

/** The names of the new database, and of the old one once it is replaced. */
export const namesBeside = (name: string) => ({ restoring: `${name}_restoring`, replaced: `${name}_before_restore` });

export interface RestoreOptions {
  source: Source;
  manifest: DatabaseManifest;
  /** Of the backup. */
  folder: string;
  settings: Settings;
  /** Of the stack: holds logs. */
  directory: string;
}

/** Runs `use` with a connection to the server that is to none of its databases of ours. */
export const onServer = <Result>(url: string, use: (client: pg.Client) => Promise<Result>): Promise<Result> =>
  withConnection(urlOfDatabase(url, maintenance), 'restore', use);

/** Makes the new database, brings it to the backup's migrations, fills it, and brings it to ours. */
export async function buildDatabase(options: RestoreOptions): Promise<void> {
  const { source, manifest, folder, settings, directory } = options;
  const name = databaseNameOf(source.url);
  const { restoring } = namesBeside(name);
  await onServer(source.url, async (client) => {
    await dropDatabase(client, restoring);
    const { rows } = await client.query<{ owner: string }>(
      'SELECT datdba::regrole::text AS owner FROM pg_database WHERE datname = $1',
      [name],
    );
    const owner = rows[0]?.owner; // quoted where it must be
    if (!owner) throw new StackError(`the server of ${manifest.name} has no database ${name}`);
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(restoring)} OWNER ${owner}`);
  });
  const url = urlOfDatabase(source.url, restoring);
  const environment = environmentOf(source, settings, restoring);
  const migrations = { service: source.service, directory, environment };
  const last = manifest.migrations.at(-1);
  if (last === undefined) throw new Error('a manifest names migrations');
  await migrateUp({ ...migrations, until: last });
  await withConnection(url, 'restore', (client) => fill(client, manifest, folder));
  await migrateUp(migrations); // also gives their owners what was made here
  await withConnection(url, 'restore', (client) => client.query('ANALYZE'));
}

/** As the migrations have it, with another database of the same server. */
function environmentOf({ database, url }: Source, settings: Settings, name: string): Record<string, string> {
  const { DATABASE_NAME, DATABASE_URL } = database.variables;
  const whole = settings.variables[DATABASE_URL] ? { [DATABASE_URL]: urlOfDatabase(url, name) } : {};
  return migrationEnvironment(database, { variables: { ...settings.variables, [DATABASE_NAME]: name, ...whole } });
}

async function fill(client: pg.Client, { name, tables, sequences, definitions }: DatabaseManifest, folder: string) {
  for (const statement of definitions) await client.query(statement);
  checkTables(name, tables, await tablesOf(client));
  await client.query('BEGIN');
  // Triggers have had their say, and references are whole, in the rows as they are: all of one snapshot.
  await client.query('SET LOCAL session_replication_role = replica');
  // Rows that migrations make. What is empty is let alone: the audit trail refuses even that nothing is removed.
  for (const table of tables) {
    const { rowCount } = await client.query(`SELECT FROM ${qualified(table)} LIMIT 1`);
    if (rowCount) await client.query(`DELETE FROM ${qualified(table)}`);
  }
  for (const table of tables) await fillTable(client, table, folder);
  for (const sequence of sequences)
    await client.query('SELECT setval($1::regclass, $2::bigint)', [qualified(sequence), sequence.value]);
  await client.query('COMMIT');
}

async function fillTable(client: pg.Client, table: TableManifest, folder: string): Promise<void> {
  const columns = table.columns.map((column) => pg.escapeIdentifier(column)).join(', ');
  const target = client.query(copyFrom(`COPY ${qualified(table)} (${columns}) FROM STDIN`));
  await pipeline(createReadStream(path.join(folder, table.file)), createGunzip(), target);
  if (target.rowCount === table.rows) return;
  throw new StackError(`${table.file} has ${target.rowCount} rows instead of ${table.rows}`);
}

/** The same migrations make the same tables: anything else means that somebody changed them by hand. */
function checkTables(
  database: string,
  inBackup: readonly { schema: string; name: string }[],
  made: readonly { schema: string; name: string }[],
): void {
  const [wanted, found] = [inBackup.map(qualified), made.map(qualified)];
  const differing = [...wanted, ...found].filter((name) => !wanted.includes(name) || !found.includes(name));
  if (differing.length === 0) return;
  throw new StackError(
    `${database}: the migrations of the backup make other tables than it has: ${differing.join(', ')}`,
  );
}

export async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
}

/**
 * Puts the new databases in the place of the old ones: on every server in a transaction, which are committed when all of
 * them have succeeded. The old ones stay under their other name, in place of those of an earlier restore.
 */
export async function exchangeDatabases(sources: readonly Source[]): Promise<void> {
  const urls = sources.map(({ url }) => urlOfDatabase(url, maintenance));
  await withConnections(urls, 'restore', async (clients) => {
    await Promise.all(clients.map((client, index) => dropDatabase(client, namesOf(sources[index]).replaced)));
    for (const [index, client] of clients.entries()) {
      const { name, restoring, replaced } = namesOf(sources[index]);
      const [current, made, old] = [name, restoring, replaced].map((text) => pg.escapeIdentifier(text));
      await client.query('BEGIN');
      await client.query(`ALTER DATABASE ${current} RENAME TO ${old}`);
      await client.query(`ALTER DATABASE ${made} RENAME TO ${current}`);
    }
    for (const client of clients) await client.query('COMMIT');
  });
}

function namesOf(source: Source | undefined) {
  if (!source) throw new Error('each connection is to the server of a database');
  const name = databaseNameOf(source.url);
  return { name, ...namesBeside(name) };
}
