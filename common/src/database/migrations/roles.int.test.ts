import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '@shop/testing';
import { runMigrateCommand } from './migrate-command.js';
import { prepareRoles, type DatabaseRoles } from './roles.js';

const SERVICE_DIRECTORY = 'common/test/database';
/** Roles are the whole server's, which other tests use, too. */
const suffix = randomBytes(4).toString('hex');
const role = (name: string) => ({ user: `${name} "${suffix}`, password: `pass'word ${name}` });
let database: TestDatabase;
let roles: DatabaseRoles & { tenant: NonNullable<DatabaseRoles['tenant']> };

async function as({ user, password }: { user: string; password: string }, text: string, name?: string) {
  const { hostname: host, port, pathname } = new URL(database.url);
  const client = new pg.Client({ host, port: Number(port), user, password, database: name ?? pathname.slice(1) });
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function asSuperuser(text: string) {
  const client = new pg.Client({ connectionString: database.url });
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: SERVICE_DIRECTORY }); // its tables are the superuser's
  roles = {
    url: database.url,
    owner: role('owner'),
    service: role('service'),
    tenant: { ...role('tenant'), schema: `tenant ${suffix}` },
  };
  await prepareRoles(roles);
});

afterAll(async () => {
  const names = [roles.tenant, roles.service, roles.owner].map(({ user }) => pg.escapeIdentifier(user));
  for (const name of names) await asSuperuser(`DROP OWNED BY ${name} CASCADE; DROP ROLE ${name}`);
  await database.drop();
});

const denied = { code: '42501' };

describe('roles of a database', () => {
  it('tables that a superuser had made -> the owner changes them, migrations run as it', async () => {
    await as(roles.owner, 'ALTER TABLE outbox ADD COLUMN note text; ALTER TABLE outbox DROP COLUMN note');
    const url = new URL(database.url);
    url.username = encodeURIComponent(roles.owner.user);
    url.password = encodeURIComponent(roles.owner.password);
    const complaints: string[] = [];
    const code = await runMigrateCommand(['up', SERVICE_DIRECTORY], {
      databaseUrl: () => url.href,
      roles: () => roles,
      stdout: () => undefined,
      stderr: (line) => complaints.push(line),
    });
    expect({ code, complaints }).toEqual({ code: 0, complaints: [] });
  });

  it('the service -> reads and writes rows, of tables made later, too', async () => {
    await as(roles.owner, 'CREATE TABLE later (id serial PRIMARY KEY, note text)');
    await as(roles.service, `INSERT INTO later (note) VALUES ('one'); UPDATE later SET note = 'two'`);
    expect(await as(roles.service, 'SELECT note FROM later')).toEqual([{ note: 'two' }]);
    await as(roles.service, 'DELETE FROM later');
  });

  it.each([
    ['changes a table', 'ALTER TABLE outbox ADD COLUMN note text'],
    ['switches the protection of the audit trail off', 'ALTER TABLE audit_trail DISABLE TRIGGER ALL'],
    ['empties a table', 'TRUNCATE audit_trail'],
    ['makes a table', 'CREATE TABLE mine (id integer)'],
    ['makes a schema', 'CREATE SCHEMA mine'],
    ['reads a file of the machine', `SELECT pg_read_file('/etc/passwd')`],
    ['starts a program', `COPY audit_trail TO PROGRAM 'cat'`],
    ['reads passwords', 'SELECT rolpassword FROM pg_authid'],
    ['makes a role', 'CREATE ROLE another'],
  ])('the service %s -> refused', async (_what, text) => {
    await expect(as(roles.service, text)).rejects.toMatchObject(denied);
  });

  it('the tenant -> makes tables in its own schema, and sees no others', async () => {
    const schema = pg.escapeIdentifier(roles.tenant.schema);
    await as(roles.tenant, `CREATE TABLE ${schema}.ledger (id integer)`);
    await expect(as(roles.tenant, 'SELECT FROM outbox')).rejects.toMatchObject({ code: '42P01' }); // not even its name
    await expect(as(roles.tenant, 'SELECT FROM public.outbox')).rejects.toMatchObject(denied);
    await expect(as(roles.service, `SELECT FROM ${schema}.ledger`)).rejects.toMatchObject(denied);
  });

  it('another database of the server -> closed to all of them', async () => {
    for (const { user, password } of [roles.owner, roles.service, roles.tenant]) {
      await expect(as({ user, password }, 'SELECT 1', 'postgres')).rejects.toMatchObject(denied);
    }
  });

  it('another password -> from the next start on it is the one that counts', async () => {
    const changed = { ...roles.service, password: 'another' };
    await prepareRoles({ ...roles, service: changed });
    await expect(as(roles.service, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    expect(await as(changed, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await prepareRoles(roles);
  });

  it('another role of the service, so that its password can change -> both at work, until the first is removed', async () => {
    const second = role('second');
    await prepareRoles({ ...roles, service: second });
    await as(roles.owner, 'CREATE TABLE shared (note text)');
    for (const service of [roles.service, second]) {
      await as(service, `INSERT INTO shared (note) VALUES ('one')`);
      await expect(as(service, 'DROP TABLE shared')).rejects.toMatchObject(denied);
    }
    const name = pg.escapeIdentifier(second.user);
    await asSuperuser(`DROP OWNED BY ${name}; DROP ROLE ${name}`);
    expect(await as(roles.service, 'SELECT count(*)::int AS rows FROM shared')).toEqual([{ rows: 2 }]);
    await prepareRoles(roles);
  });

  it('the superuser named as a role -> stays what it is', async () => {
    const { username, password } = new URL(database.url);
    const superuser = { user: decodeURIComponent(username), password: decodeURIComponent(password) };
    await prepareRoles({ url: database.url, owner: superuser, service: superuser });
    expect(await asSuperuser('SELECT rolsuper FROM pg_roles WHERE rolname = current_user')).toEqual([
      { rolsuper: true },
    ]);
  });

  it('several that start at once -> all succeed', async () => {
    await expect(Promise.all([roles, roles, roles].map(prepareRoles))).resolves.toHaveLength(3);
  });
});
