import pg from 'pg';
import { CONNECT_TIMEOUT_MS } from './engine-connection.js';
import { takeMigrationLock } from './locks.js';

export interface Role {
  user: string;
  password: string;
}

export interface DatabaseRoles {
  /** The database, as its server's superuser. */
  url: string;
  /** Owns the tables: migrations run as it. */
  owner: Role;
  /** Reads and writes rows, and can change no table. */
  service: Role;
  /** Owns a schema of its own, and sees nothing else. */
  tenant?: (Role & { schema: string }) | undefined;
}

/**
 * Makes the roles of a database, or brings them to what is given here: passwords, rights, and the ownership of tables that
 * an earlier version made as superuser. Roles can connect to this database of the server alone. The superuser itself, named
 * as one of the roles, is left as it is.
 */
export async function prepareRoles({ url, owner, service, tenant }: DatabaseRoles): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => undefined); // the query under way fails, and says so
  await client.connect();
  try {
    await takeMigrationLock((text, values) => client.query(text, values));
    await client.query('BEGIN');
    for (const role of [owner, service, ...(tenant ? [tenant] : [])]) await makeRole(client, role);
    await shutOthersOut(client, { owner, service, tenant });
    await giveSchema(client, 'public', owner.user);
    if (tenant) {
      await client.query(`CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(tenant.schema)}`);
      await giveSchema(client, tenant.schema, tenant.user);
    }
    if (service.user !== owner.user) await letUseRows(client, owner.user, service.user);
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}

async function makeRole(client: pg.Client, { user, password }: Role): Promise<void> {
  const found = await client.query<{ current: boolean }>(
    'SELECT rolname = current_user AS current FROM pg_roles WHERE rolname = $1',
    [user],
  );
  if (found.rows[0]?.current) return;
  const name = pg.escapeIdentifier(user);
  if (found.rowCount === 0) await client.query(`CREATE ROLE ${name}`);
  await client.query(
    `ALTER ROLE ${name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS ` +
      `PASSWORD ${pg.escapeLiteral(password)}`,
  );
}

async function shutOthersOut(client: pg.Client, { owner, service, tenant }: Omit<DatabaseRoles, 'url'>): Promise<void> {
  const { rows } = await client.query<{ name: string; isOwn: boolean }>(
    'SELECT datname AS name, datname = current_database() AS "isOwn" FROM pg_database WHERE datallowconn',
  );
  for (const { name, isOwn } of rows) {
    const database = pg.escapeIdentifier(name);
    if (isOwn) {
      const users = [owner, service, ...(tenant ? [tenant] : [])].map(({ user }) => pg.escapeIdentifier(user));
      await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
      await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${users.join(', ')}`);
      await client.query(`GRANT TEMPORARY ON DATABASE ${database} TO ${pg.escapeIdentifier(service.user)}`);
      await client.query(`GRANT CREATE, TEMPORARY ON DATABASE ${database} TO ${pg.escapeIdentifier(owner.user)}`);
    } else if (['postgres', 'template1'].includes(name)) {
      await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
    }
  }
}

/** Makes a role the owner of a schema and of all that is in it, extensions excepted. */
async function giveSchema(client: pg.Client, schema: string, owner: string): Promise<void> {
  const role = pg.escapeIdentifier(owner);
  await client.query(`ALTER SCHEMA ${pg.escapeIdentifier(schema)} OWNER TO ${role}`);
  await client.query(`REVOKE ALL ON SCHEMA ${pg.escapeIdentifier(schema)} FROM PUBLIC`);
  const { rows } = await client.query<{ object: string }>(
    `WITH scope AS (SELECT $1::regnamespace::oid AS namespace, $2::regrole::oid AS owner)
     SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END
            || ' ' || c.oid::regclass AS object
       FROM pg_class c, scope
      WHERE relnamespace = namespace AND relowner <> owner AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass
                          AND (d.deptype = 'e' OR relkind = 'S' AND d.deptype IN ('a', 'i'))) -- goes with its table
     UNION ALL
     SELECT 'ROUTINE ' || p.oid::regprocedure FROM pg_proc p, scope
      WHERE pronamespace = namespace AND proowner <> owner
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')
     UNION ALL
     SELECT 'TYPE ' || t.oid::regtype FROM pg_type t, scope
      WHERE typnamespace = namespace AND typowner <> owner AND typtype IN ('e', 'd')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.classid = 'pg_type'::regclass AND d.deptype = 'e')`,
    [pg.escapeIdentifier(schema), role],
  );
  for (const { object } of rows) await client.query(`ALTER ${object} OWNER TO ${role}`);
}

/** Of the tables that are there, and of those that the owner makes. */
async function letUseRows(client: pg.Client, owner: string, service: string): Promise<void> {
  const [from, to] = [pg.escapeIdentifier(owner), pg.escapeIdentifier(service)];
  const rights = { TABLES: 'SELECT, INSERT, UPDATE, DELETE', SEQUENCES: 'USAGE, SELECT' };
  await client.query(`GRANT USAGE ON SCHEMA public TO ${to}`);
  for (const [kind, granted] of Object.entries(rights)) {
    await client.query(`GRANT ${granted} ON ALL ${kind} IN SCHEMA public TO ${to}`);
    await client.query(
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${from} IN SCHEMA public GRANT ${granted} ON ${kind} TO ${to}`,
    );
  }
}
