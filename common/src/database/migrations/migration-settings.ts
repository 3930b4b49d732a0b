import { databaseUrl, isSecretGiven, loadSettings, secret, text, type Environment } from '../../config/index.js';
import type { DatabaseRoles, Role } from './roles.js';

const server = { host: 'DATABASE_HOST', port: 'DATABASE_PORT', name: 'DATABASE_NAME' };
const settings = {
  DATABASE_URL: databaseUrl({ ...server, user: 'DATABASE_USER', password: 'DATABASE_PASSWORD' }),
};
const superuser = {
  SUPERUSER_DATABASE_URL: databaseUrl({ ...server, user: 'SUPERUSER', password: 'SUPERUSER_PASSWORD' }),
};

function loadRole(prefix: string, environment: Environment): Role {
  const [user, password] = [`${prefix}_USER`, `${prefix}_PASSWORD`];
  const values = loadSettings({ [user]: text(), [password]: secret() }, environment);
  return { user: values[user] ?? '', password: values[password] ?? '' };
}

/** Where the database is, as its owner. Throws SettingsError. */
export const loadMigratedUrl = (environment: Environment): string => loadSettings(settings, environment).DATABASE_URL;

/** Where the superuser is known, and the database is not one that others look after. Throws SettingsError. */
export function loadRoles(environment: Environment): DatabaseRoles | undefined {
  if (!environment.SUPERUSER || isSecretGiven('DATABASE_URL', environment)) return undefined;
  return {
    url: loadSettings(superuser, environment).SUPERUSER_DATABASE_URL,
    owner: loadRole('DATABASE', environment),
    service: loadRole('SERVICE', environment),
    ...(environment.TENANT_SCHEMA && {
      tenant: { ...loadRole('TENANT', environment), schema: environment.TENANT_SCHEMA },
    }),
  };
}
