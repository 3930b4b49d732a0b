import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { deployMigrations } from '@shop/common/database';

/** The advisory lock held while a template is made. */
const TEMPLATE_LOCK = 72707370;

export interface TestDatabaseOptions {
  /** Holds `prisma/schema.prisma` and `prisma/migrations/`, e.g. `order-service`. */
  serviceDirectory: string;
}

export interface TestDatabase {
  url: string;
  /** Removes the database, whoever is still connected. */
  drop(): Promise<void>;
}

/**
 * A fresh, migrated database on the server at TEST_POSTGRES_URL: a copy of a template that is migrated once for each
 * state of the migrations, by whichever test comes first.
 */
export async function createTestDatabase({ serviceDirectory }: TestDatabaseOptions): Promise<TestDatabase> {
  const server = process.env.TEST_POSTGRES_URL;
  if (!server) throw new Error('TEST_POSTGRES_URL is not set');
  const service = path.basename(path.resolve(serviceDirectory)).toLowerCase().replace(/\W/g, '_');
  const template = `template_${service}_${await migrationsHash(serviceDirectory)}`;
  const name = `test_${service}_${randomBytes(6).toString('hex')}`;
  await onServer(server, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    await ensureTemplate(client, template, (url) => deployMigrations({ url, directory: serviceDirectory }), server);
    await client.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  });
  return {
    url: databaseUrl(server, name),
    drop: () =>
      onServer(server, async (client) => {
        await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
      }),
  };
}

/** A database counts as a template once PostgreSQL has it marked as one; what a killed run left half made is replaced. */
async function ensureTemplate(
  client: pg.Client,
  template: string,
  migrate: (url: string) => Promise<unknown>,
  server: string,
): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1 AND datistemplate', [template]);
  if (rowCount) return;
  await client.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
  await client.query(`CREATE DATABASE ${template}`);
  await migrate(databaseUrl(server, template));
  // Nobody may be connected to a template while it is copied.
  await client.query(`ALTER DATABASE ${template} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`);
}

async function migrationsHash(serviceDirectory: string): Promise<string> {
  const folder = path.join(serviceDirectory, 'prisma', 'migrations');
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.sql')).sort();
  const hash = createHash('sha256').update(path.resolve(serviceDirectory));
  for (const file of files) hash.update(file).update(await readFile(path.join(folder, file)));
  return hash.digest('hex').slice(0, 16);
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function onServer<Result>(server: string, use: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: databaseUrl(server, 'postgres') });
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end();
  }
}
