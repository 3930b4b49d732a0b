#!/usr/bin/env node
// What Prisma's own command line calls in place of its native schema engine: it speaks JSON-RPC over standard input, and so
// does this, to the WASM build of the same engine. Only for developers: services migrate by dist/database/migrate-cli.js.
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { PrismaPg } from '@prisma/adapter-pg';
import { ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import pg from 'pg';

const parameters = process.argv.slice(2);
const option = (name) => parameters[parameters.indexOf(name) + 1];

if (parameters.includes('--version')) {
  process.stdout.write('schema-engine-cli 0edf323efd1d98336f3f0a68684b56f689b900d3\n');
  process.exit(0);
}

/** The command line gives it as JSON, or as the base64 of that. */
function datasourceUrl() {
  if (!parameters.includes('--datasource')) return undefined;
  const text = option('--datasource');
  return JSON.parse(text.startsWith('{') ? text : Buffer.from(text, 'base64').toString()).url;
}
const url = datasourceUrl();
const onDatabase = (name, server = url) => Object.assign(new URL(server), { pathname: `/${name}` }).href;
const shadowServer = process.env.SHADOW_SERVER_URL || url;
const databaseName = () => decodeURIComponent(new URL(url).pathname.slice(1));

async function onServer(connectionString, work) {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** `cli can-connect-to-database`, `create-database`, `drop-database`. */
async function manageDatabase() {
  const execute = (statement) =>
    onServer(onDatabase('postgres'), (client) =>
      client.query(`${statement} ${client.escapeIdentifier(databaseName())}`),
    );
  try {
    if (parameters.includes('create-database')) await execute('CREATE DATABASE');
    else if (parameters.includes('drop-database')) await execute('DROP DATABASE');
    else await onServer(url, () => undefined);
    if (parameters.includes('drop-database')) process.stderr.write('The database was successfully dropped');
  } catch (error) {
    const fields = { error_code: error.code === '3D000' ? 'P1003' : 'P1001', message: error.message };
    process.stderr.write(`\n${JSON.stringify({ level: 'ERROR', target: 'schema_engine::logger', fields })}`);
    process.exitCode = 1;
  }
}

const CHAR = 18; // PostgreSQL's internal "char", in which its catalogue answers, and which the adapter doesn't know

async function connect(connectionString) {
  const { parseScript } = await import('../dist/database/migrations/script.js');
  // One connection: the engine's lock belongs to a session.
  const pool = new pg.Pool({ connectionString, max: 1, idleTimeoutMillis: 0, connectionTimeoutMillis: 10_000 });
  const query = pool.query.bind(pool);
  let characters = [];
  const adapter = await new PrismaPg(
    Object.assign(pool, {
      query: async (...asked) => {
        const result = await query(...asked);
        characters = (result.fields ?? []).flatMap(({ dataTypeID }, i) => (dataTypeID === CHAR ? [i] : []));
        for (const i of characters) result.fields[i].dataTypeID = pg.types.builtins.VARCHAR;
        return result;
      },
    }),
  ).connect();
  const queryRaw = adapter.queryRaw.bind(adapter);
  return Object.assign(adapter, {
    queryRaw: async (asked) => {
      const result = await queryRaw(asked);
      for (const i of characters) result.columnTypes[i] = ColumnTypeEnum.Character;
      return result;
    },
    executeScript: async (script) => {
      const parsed = parseScript(script);
      for (const sql of 'transaction' in parsed ? [parsed.transaction] : parsed.statements)
        await adapter.executeRaw({ sql, args: [], argTypes: [] });
    },
    dispose: async () => {
      if (!pool.ended) await pool.end();
    },
  });
}

/** An empty database beside the service's, in which migrations are tried. */
async function connectToShadowDatabase() {
  const name = `shadow_${randomUUID().replaceAll('-', '')}`;
  await onServer(shadowServer, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE template0`));
  const adapter = await connect(onDatabase(name, shadowServer));
  const close = adapter.dispose;
  return Object.assign(adapter, {
    dispose: async () => {
      await close();
      await onServer(shadowServer, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  });
}

const say = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

async function answer(engine, { id, method, params }) {
  try {
    const result = (await engine[method === 'getDatabaseVersion' ? 'version' : method](params)) ?? {};
    if (method === 'diff' && result.stdout) say({ id: 1e6 + id, method: 'print', params: { content: result.stdout } });
    say({ id, result });
  } catch (error) {
    const data = { is_panic: false, message: error.message, error_code: error.code };
    say({ id, error: { code: 4466, message: error.message, data } });
  }
}

async function serve() {
  const { withEngine } = await import('../dist/database/migrations/schema-engine.js').catch(() => {
    throw new Error('run `make build` first');
  });
  await withEngine(
    await connect(url),
    async (engine) => {
      for await (const line of createInterface({ input: process.stdin })) {
        const request = JSON.parse(line);
        if (request.method) await answer(engine, request);
      }
    },
    connectToShadowDatabase,
  );
}

if (parameters.includes('cli')) await manageDatabase();
else await serve();
