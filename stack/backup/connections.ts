// Connections of a backup and of a restore: to each database as its server's superuser.
import pg from 'pg';
import { databaseUrls } from '../database-urls.ts';
import { services, type Database } from '../services.ts';
import { portOf, type Settings } from '../settings.ts';
import { isListening } from '../ports.ts';
import { StackError } from '../errors.ts';

const connectTimeout = 10_000;

export interface Source {
  /** Of its server: user, order or payment. */
  name: string;
  /** Whose it is, such as order-service. */
  service: string;
  database: Database;
  /** As the superuser. */
  url: string;
}

/** The databases of all services. Throws a StackError where one is not running. */
export async function runningDatabases(settings: Settings): Promise<Source[]> {
  const urls = databaseUrls(settings);
  const sources = services.flatMap(({ name: service, database }) => {
    const url = database && urls.get(database.name)?.superuser;
    return database && url ? [{ name: database.name, service, database, url }] : [];
  });
  const missing = sources.filter(({ database }) => !settings.variables[database.variables.DATABASE_URL]);
  const ports = missing.map(({ database }) => portOf(settings.ports, database.portVariable));
  const listening = await Promise.all(ports.map((port) => isListening(port)));
  if (listening.includes(false)) throw new StackError('the databases are not running: start them with `make infra`');
  return sources;
}

/** A URL of the same server, with another database. */
export function urlOfDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(name)}`;
  return changed.href;
}

export const databaseNameOf = (url: string): string => decodeURIComponent(new URL(url).pathname.slice(1));

/** A connection without limits of time to its statements: tables may be large. */
async function connect(url: string, purpose: 'backup' | 'restore'): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeout,
    application_name: purpose,
    options: '-c statement_timeout=0 -c idle_in_transaction_session_timeout=0',
  });
  client.on('error', () => undefined); // the query under way fails, and says so
  await client.connect();
  return client;
}

/** Runs `use` with connections, and closes them whatever becomes of it. */
export async function withConnections<Result>(
  urls: readonly string[],
  purpose: 'backup' | 'restore',
  use: (clients: pg.Client[]) => Promise<Result>,
): Promise<Result> {
  const opened = await Promise.allSettled(urls.map((url) => connect(url, purpose)));
  const clients = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  try {
    for (const result of opened) if (result.status === 'rejected') throw result.reason;
    return await use(clients);
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

/** The same with one connection. */
export const withConnection = <Result>(
  url: string,
  purpose: 'backup' | 'restore',
  use: (client: pg.Client) => Promise<Result>,
): Promise<Result> =>
  withConnections([url], purpose, ([client]) => {
    if (!client) throw new Error('one URL makes one connection');
    return use(client);
  });

export const qualified = ({ schema, name }: { schema: string; name: string }): string =>
  `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;

export const migrationsTable = '_prisma_migrations';
