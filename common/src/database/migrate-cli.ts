import { databaseUrl, loadSettings, secret, text } from '../config/index.js';
import { runMigrateCommand } from './migrations/migrate-command.js';
import type { DatabaseRoles, Role } from './migrations/roles.js';

const server = { host: 'DATABASE_HOST', port: 'DATABASE_PORT', name: 'DATABASE_NAME' };
const settings = {
  DATABASE_URL: databaseUrl({ ...server, user: 'DATABASE_USER', password: 'DATABASE_PASSWORD' }),
};
const superuser = {
  SUPERUSER_DATABASE_URL: databaseUrl({ ...server, user: 'SUPERUSER', password: 'SUPERUSER_PASSWORD' }),
};

function role(prefix: string): Role {
  const [user, password] = [`${prefix}_USER`, `${prefix}_PASSWORD`];
  const values = loadSettings({ [user]: text(), [password]: secret() }, process.env);
  return { user: values[user] ?? '', password: values[password] ?? '' };
}

/** Where the superuser is known, and the database is not one that others look after. */
function roles(): DatabaseRoles | undefined {
  if (!process.env.SUPERUSER || process.env.DATABASE_URL) return undefined;
  return {
    url: loadSettings(superuser, process.env).SUPERUSER_DATABASE_URL,
    owner: role('DATABASE'),
    service: role('SERVICE'),
    ...(process.env.TENANT_SCHEMA && { tenant: { ...role('TENANT'), schema: process.env.TENANT_SCHEMA } }),
  };
}

process.exitCode = await runMigrateCommand(process.argv.slice(2), {
  databaseUrl: () => loadSettings(settings, process.env).DATABASE_URL,
  roles,
  say: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
});
