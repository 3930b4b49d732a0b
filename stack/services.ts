// The processes of the project's own, and what each of them gets to see of the settings.
import { FILE_SUFFIX } from '../common/src/config/secret-file.ts';
import { baseEnvironment } from './environment.ts';
import type { Settings } from './settings.ts';
import { serviceWorkspaces, variablePrefix } from './workspaces.ts';

export interface Service {
  name: string;
  portVariable: string;
  /** The variables that only this service gets to see, beside those of its database. */
  own: string[];
  /** The services that it calls: it starts after them, so that it is whole once it is ready. */
  calls: string[];
  database?: Database;
}

export interface Database {
  /** Of its server. */
  name: string;
  portVariable: string;
  /** The variables that say where it is and as whom to connect, by what they are called for the migrations. */
  variables: Record<`DATABASE_${'URL' | 'HOST' | 'PORT' | 'USER' | 'PASSWORD' | 'NAME'}`, string>;
  /** The variables that say as whom others connect, by what they are called for the migrations, which make these roles. */
  roles: Record<'SERVICE_USER' | 'SERVICE_PASSWORD', string> & Record<string, string>;
}

function databaseOf(service: string): Database {
  const prefix = variablePrefix(service);
  const variables = {
    DATABASE_URL: `${prefix}_DATABASE_URL`,
    DATABASE_HOST: `${prefix}_DB_HOST`,
    DATABASE_PORT: `${prefix}_DB_PORT`,
    DATABASE_USER: `${prefix}_DB_OWNER`,
    DATABASE_PASSWORD: `${prefix}_DB_OWNER_PASSWORD`,
    DATABASE_NAME: `${prefix}_DB_NAME`,
  };
  const roles = {
    SUPERUSER: 'POSTGRES_USER',
    SUPERUSER_PASSWORD: 'POSTGRES_PASSWORD',
    SERVICE_USER: `${prefix}_DB_USER`,
    SERVICE_PASSWORD: `${prefix}_DB_PASSWORD`,
    ...(service === 'payment' && {
      TENANT_USER: 'SIMULATED_PROVIDER_DB_USER',
      TENANT_PASSWORD: 'SIMULATED_PROVIDER_DB_PASSWORD',
    }),
  };
  return { name: service, portVariable: `${prefix}_DB_PORT`, variables, roles };
}

const ownersOfDatabases = serviceWorkspaces.flatMap(({ name, database }) => (database === undefined ? [] : [name]));

/** The gateway starts after the services that it asks. No service waits for another: each is whole without them. */
export const services: Service[] = serviceWorkspaces.map(({ name, portVariable, database, own = [] }) => ({
  name,
  portVariable,
  own,
  calls: database === undefined ? ownersOfDatabases : [],
  ...(database !== undefined && { database: databaseOf(database) }),
}));

export const databases: Database[] = services.flatMap(({ database }) => database ?? []);

/** Where the stack's own servers are. */
const ownHosts = ['127.0.0.1', 'localhost'];

/** For the servers, which need none of it. */
const notForServices = ['POSTGRES_USER', 'POSTGRES_PASSWORD', 'GRAFANA_PASSWORD', 'TLS_CERT_FILE', 'TLS_KEY_FILE'];

/** The variables of .env that a service gets: not what belongs to another one alone. */
export function serviceEnvironment(name: string, { variables }: Settings): Record<string, string> {
  const others = services
    .filter((service) => service.name !== name)
    .flatMap(({ own, database }) => [...own, ...Object.values({ ...database?.variables, ...database?.roles })]);
  const owners = databases.flatMap(({ variables: own }) => [own.DATABASE_USER, own.DATABASE_PASSWORD]);
  const hidden = new Set([...others, ...owners, ...notForServices]);
  const secretOf = (variable: string) => (variable.endsWith(FILE_SUFFIX) ? variable.slice(0, -FILE_SUFFIX.length) : '');
  const visible = Object.entries(variables).filter(
    ([variable]) => !hidden.has(variable) && !hidden.has(secretOf(variable)),
  );
  return { ...baseEnvironment(), ...Object.fromEntries(visible) };
}

/** What the migration tool gets to know: where a database is, and as whom to connect to it. */
export function migrationEnvironment(
  database: Database,
  { variables }: Pick<Settings, 'variables'>,
): Record<string, string> {
  const valuesOf = (names: Record<string, string>) =>
    Object.fromEntries(Object.entries(names).map(([name, variable]) => [name, variables[variable] ?? '']));
  const host = variables[database.variables.DATABASE_HOST] ?? '';
  const names = Object.entries({ ...database.variables, ...database.roles });
  return {
    ...baseEnvironment(),
    NODE_ENV: variables.NODE_ENV ?? '',
    SETTING_NAMES: names.map((pair) => pair.join('=')).join(' '),
    ...valuesOf(database.variables),
    // The roles of a server elsewhere are made by whoever looks after it.
    ...(ownHosts.includes(host) && {
      ...valuesOf(database.roles),
      TENANT_SCHEMA: database.roles.TENANT_USER ? 'simulated_provider' : '',
    }),
  };
}
