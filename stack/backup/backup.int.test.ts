import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { removeOlder } from '../commands/backup.ts';
import { makePassable } from '../data-folder.ts';
import { fillSecrets } from '../environment-file.ts';
import { migrateUp } from '../migrate.ts';
import { migrationEnvironment } from '../services.ts';
import { repository } from '../paths.ts';
import { parseSettings } from '../settings.ts';
import { newTestDirectory } from '../test-directories.ts';
import { runningDatabases, type Source } from './connections.ts';
import { readBackup, type Manifest } from './manifest.ts';
import { restoreBackup } from './restore-backup.ts';
import { withSnapshots } from './snapshots.ts';
import { writeBackup } from './write-backup.ts';

const server = new URL(process.env.TEST_POSTGRES_URL ?? '');
const id = randomUUID().slice(0, 8);
const directory = newTestDirectory();
const backups = path.join(directory, 'backups');
const names = ['USER', 'ORDER', 'PAYMENT'];
const ownNames = (prefix: string) => ({
  [`${prefix}_DB_HOST`]: server.hostname,
  [`${prefix}_DB_PORT`]: server.port,
  ...Object.fromEntries(
    ['NAME', 'USER', 'OWNER'].map((part) => [`${prefix}_DB_${part}`, `backup_${id}_${prefix}_${part}`]),
  ),
});
const settings = parseSettings([fillSecrets(readFileSync(path.join(repository, '.env.example'), 'utf8'))], {
  POSTGRES_USER: decodeURIComponent(server.username),
  POSTGRES_PASSWORD: decodeURIComponent(server.password),
  SIMULATED_PROVIDER_DB_USER: `backup_${id}_provider`,
  ...Object.assign({}, ...names.map(ownNames)),
});
/** Databases as they were two versions ago for the users, and as they are now for the others. */
const olderMigration = '20261122143918_first_refusals';
let sources: Source[] = [];

const run = async <Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
};
const urlOf = (name: string) => sources.find((source) => source.name === name)?.url ?? '';
const insertEvent = (name: string) =>
  run(
    urlOf(name),
    `INSERT INTO outbox (id, type, subject, sequence, time, data)
     VALUES (gen_random_uuid(), 'a.b', 'tab' || chr(9) || 'line' || chr(10) || '\\N', 1, now(), '{"ü": null}')`,
  );
const databasesOfServer = async () => {
  const rows = await run<{ datname: string }>(server.href, 'SELECT datname FROM pg_database WHERE datname LIKE $1', [
    `backup_${id}%`,
  ]);
  return rows.map(({ datname }) => datname).toSorted();
};
const eventsOf = (name: string) =>
  run(urlOf(name), 'SELECT position, id, type, subject, time, data::text, published_at FROM outbox ORDER BY position');
const restore = (folder: string, replace = true) => restoreBackup({ sources, folder, settings, directory, replace });

beforeAll(async () => {
  makePassable(directory);
  for (const prefix of names)
    await run(server.href, `CREATE DATABASE ${pg.escapeIdentifier(`backup_${id}_${prefix}_NAME`)}`);
  sources = await runningDatabases(settings);
  for (const { service, database } of sources) {
    const environment = migrationEnvironment(database, settings);
    const until = service === 'user-service' ? { until: olderMigration } : {};
    await migrateUp({ service, directory, environment, ...until });
  }
  await run(
    urlOf('payment'),
    `CREATE TABLE simulated_provider.charges (key text PRIMARY KEY, amount bigint NOT NULL CHECK (amount > 0), at timestamptz DEFAULT now());
     CREATE INDEX charges_at_idx ON simulated_provider.charges (at, key);
     INSERT INTO simulated_provider.charges VALUES ('a', 4498)`,
  );
});

afterAll(async () => {
  for (const name of await databasesOfServer())
    await run(server.href, `DROP DATABASE ${pg.escapeIdentifier(name)} WITH (FORCE)`);
  await run(
    server.href,
    `DO $$ DECLARE name text; BEGIN
       FOR name IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'backup_${id}%' LOOP
         EXECUTE format('REVOKE ALL ON DATABASE postgres FROM %1$I; DROP ROLE %1$I', name);
       END LOOP;
     END $$`,
  );
  rmSync(directory, { recursive: true, force: true });
});

describe('a backup', () => {
  const folder = path.join(backups, '2026-01-31T120000Z');
  let manifest: Manifest;
  let before: unknown[];

  beforeAll(async () => {
    for (const name of ['user', 'order', 'order', 'payment']) await insertEvent(name);
    before = await Promise.all(['user', 'order', 'payment'].map(eventsOf));
    manifest = await writeBackup(sources, folder);
  });

  it('written -> only its owner can read it, and it says what is in it', async () => {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const file of files) expect(statSync(path.join(file.parentPath, file.name)).mode & 0o777).toBe(0o600);
    expect(manifest.databases.map(({ name }) => name)).toEqual(['user', 'order', 'payment']);
    expect(manifest.databases[0]?.migrations.at(-1)).toBe(olderMigration);
    expect(await readBackup(folder)).toEqual(manifest);
    expect(readdirSync(backups)).toEqual(['2026-01-31T120000Z']);
  });

  it('to a folder that is there -> refused, and the folder stays as it is', async () => {
    await expect(writeBackup(sources, folder)).rejects.toThrow('is there already');
    expect(await readBackup(folder)).toEqual(manifest);
  });

  it('of a database that fails on the way -> no folder, and nothing is left of it', async () => {
    const [first, ...others] = sources;
    const gone = { ...first, url: urlOf('user').replace(/[^/]*$/, 'nobody') } as Source;
    await expect(writeBackup([gone, ...others], path.join(backups, 'failed'))).rejects.toThrow('nobody');
    expect(readdirSync(backups)).toEqual(['2026-01-31T120000Z']);
  });

  it('restored over rows without REPLACE -> refused', async () => {
    await expect(restore(folder, false)).rejects.toThrow(/the database user holds rows: REPLACE=1/);
  });

  it('restored while somebody uses a database -> refused, by name', async () => {
    const service = new pg.Client({ connectionString: urlOf('order'), application_name: 'order-service' });
    await service.connect();
    try {
      await expect(restore(folder)).rejects.toThrow('the database order is in use (order-service)');
    } finally {
      await service.end();
    }
  });

  it('restored -> rows, sequences, rights and the provider’s tables are there, at this version; the old ones beside them', async () => {
    for (const name of ['user', 'order']) await insertEvent(name);
    await restore(folder);

    expect(await Promise.all(['user', 'order', 'payment'].map(eventsOf))).toEqual(before);
    await insertEvent('order'); // by its sequence, after those that are there
    const orders = await eventsOf('order');
    expect(new Set(orders.map(({ position }) => String(position))).size).toBe(3);
    const [applied] = await run(urlOf('user'), 'SELECT max(migration_name) > $1 AS "isNewer" FROM _prisma_migrations', [
      olderMigration,
    ]);
    expect(applied).toEqual({ isNewer: true });
    const provider = await run(
      urlOf('payment'),
      `SELECT key, amount, tableowner, (SELECT count(*)::integer FROM pg_indexes WHERE schemaname = 'simulated_provider') AS indexes
         FROM simulated_provider.charges, pg_tables WHERE tablename = 'charges'`,
    );
    expect(provider).toEqual([{ key: 'a', amount: '4498', tableowner: `backup_${id}_provider`, indexes: 2 }]);
    const { ORDER_DB_USER = '', ORDER_DB_PASSWORD = '' } = settings.variables;
    const asService = new URL(urlOf('order'));
    [asService.username, asService.password] = [ORDER_DB_USER, ORDER_DB_PASSWORD];
    expect(await run(asService.href, 'SELECT 1 AS one FROM orders RIGHT JOIN (SELECT) AS row ON true')).toHaveLength(1);
    const [replaced] = await run(
      urlOf('order').replace(/_NAME$/, '_NAME_before_restore'),
      'SELECT count(*)::integer AS count FROM outbox',
    );
    expect(replaced).toEqual({ count: 3 });
  });

  it('with a row too few -> fails, and everything is as it was', async () => {
    const short = path.join(directory, 'short');
    const faulty = await writeBackup(sources, short);
    const table = faulty.databases[2]?.tables.find(({ name }) => name === 'charges');
    if (table) table.rows += 1;
    writeFileSync(path.join(short, 'manifest.json'), JSON.stringify(faulty));
    const [names, orders] = [await databasesOfServer(), await eventsOf('order')];

    await expect(restore(short)).rejects.toThrow('has 1 rows instead of 2');
    expect(await databasesOfServer()).toEqual(names);
    expect(await eventsOf('order')).toEqual(orders);
  });

  it.each([
    [
      'a file that was changed',
      (f: string) => appendFileSync(path.join(f, 'order/public.inbox.copy.gz'), '!'),
      /inbox.* bytes instead of/,
    ],
    [
      'a file of other bytes',
      (f: string) => {
        const file = path.join(f, 'order/public.outbox_waiting.copy.gz');
        const bytes = readFileSync(file);
        bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
        writeFileSync(file, bytes);
      },
      /outbox_waiting.*was changed/,
    ],
    ['a missing file', (f: string) => rmSync(path.join(f, 'user/public.users.copy.gz')), /users\.copy\.gz is missing/],
    [
      'half a manifest',
      (f: string) => writeFileSync(path.join(f, 'manifest.json'), '{"format": 1'),
      /manifest\.json can't be used/,
    ],
    ['no manifest', (f: string) => rmSync(path.join(f, 'manifest.json')), /is no backup/],
    [
      'a manifest of another format',
      (f: string) => writeFileSync(path.join(f, 'manifest.json'), '{"format": 2}'),
      /format/,
    ],
    [
      'migrations of a newer version',
      (f: string) => {
        const changed = JSON.parse(readFileSync(path.join(f, 'manifest.json'), 'utf8')) as Manifest;
        changed.databases[1]?.migrations.push('20991231000000_tomorrow');
        writeFileSync(path.join(f, 'manifest.json'), JSON.stringify(changed));
      },
      /order: the backup has migrations that are not here \(20991231000000_tomorrow\)/,
    ],
  ])('with %s -> refused before anything is touched', async (what, damage, reason) => {
    const damaged = path.join(directory, what.replaceAll(' ', '-'));
    await writeBackup(sources, damaged);
    damage(damaged);
    await expect(restore(damaged)).rejects.toThrow(reason);
  });
});

describe('KEEP', () => {
  it('2 of four -> the older ones are removed; what is no whole backup, or named by somebody, stays', () => {
    const parent = path.join(directory, 'kept');
    const whole = readFileSync(path.join(backups, '2026-01-31T120000Z/manifest.json'));
    const times = ['2026-01-01T000000Z', '2026-01-02T000000Z', '2026-01-03T000000Z', '2026-01-04T000000Z'];
    for (const name of [...times, 'before-the-move']) {
      mkdirSync(path.join(parent, name), { recursive: true });
      writeFileSync(path.join(parent, name, 'manifest.json'), whole);
    }
    mkdirSync(path.join(parent, '2026-01-05T000000Z'));

    expect(removeOlder(parent, 2)).toEqual(times.slice(0, 2).map((name) => path.join(parent, name)));
    expect(readdirSync(parent).toSorted()).toEqual([...times.slice(2), '2026-01-05T000000Z', 'before-the-move']);
  });
});

describe('the moment of a backup', () => {
  it('one database follows another all the time -> none of the snapshots has an effect without its cause', async () => {
    const [cause, effect] = [new pg.Client(urlOf('order')), new pg.Client(urlOf('payment'))];
    await Promise.all([cause.connect(), effect.connect()]);
    const insert = `INSERT INTO outbox (id, type, subject, sequence, time, data) VALUES (gen_random_uuid(), 'chain', 'a', $1, now(), '{}')`;
    const ending = new AbortController();
    const chain = (async () => {
      for (let step = 1; !ending.signal.aborted; step++)
        for (const client of [cause, effect]) await client.query(insert, [step]);
    })();
    const lags: number[] = [];
    // The effect's snapshot first, then the other way round: neither order may matter.
    const urls = [urlOf('payment'), urlOf('order')];
    for (let attempt = 0; attempt < 20; attempt++) {
      const chosen = attempt % 2 === 0 ? urls : urls.toReversed();
      const read = await withSnapshots(chosen, (snapshots) =>
        Promise.all(
          snapshots.map(async ({ client }) => {
            const { rows } = await client.query<{ step: number }>(
              `SELECT coalesce(max(sequence), 0) AS step FROM outbox WHERE type = 'chain'`,
            );
            return rows[0]?.step ?? 0;
          }),
        ),
      );
      const [effects = 0, causes = 0] = attempt % 2 === 0 ? read : read.toReversed();
      lags.push(causes - effects);
    }
    ending.abort();
    await chain;
    await Promise.all([cause.end(), effect.end()]);

    expect(lags.filter((lag) => lag !== 0 && lag !== 1)).toEqual([]);
  });
});
