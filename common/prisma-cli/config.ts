import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PrismaConfig } from 'prisma/config';

const directory = import.meta.dirname;
const stack = path.join(directory, '../../stack');

/** Prisma's commands that ask no database: a fault of .env must not stop a build. */
const offlineCommands = ['generate', 'validate', 'format'];

/**
 * How Prisma's own commands find a service's schema and database: that of .env, as the running system has it. Without the
 * stack's sources, as in a build of images, there is none.
 */
export async function prismaConfig(service: string): Promise<PrismaConfig> {
  // Prisma would look for its native engine, which it downloads.
  process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= path.join(directory, 'schema-engine.mjs');
  const isOffline = offlineCommands.includes(process.argv[2] ?? '');
  const urls = !isOffline && existsSync(stack) ? await databaseUrls(service) : undefined;
  // For the engine, which makes an empty database beside it where migrations are to be tried.
  if (urls !== undefined) process.env.SHADOW_SERVER_URL ??= urls.superuser;
  return {
    schema: 'prisma/schema.prisma',
    migrations: { path: 'prisma/migrations' },
    ...(urls !== undefined && { datasource: { url: urls.owner } }),
  };
}

async function databaseUrls(service: string) {
  const load = (file: string): Promise<unknown> => import(pathToFileURL(path.join(stack, file)).href);
  const { loadSettings } = (await load('settings.ts')) as typeof import('../../stack/settings.ts');
  const urls = (await load('database-urls.ts')) as typeof import('../../stack/database-urls.ts');
  return urls.databaseUrls(loadSettings()).get(service);
}
