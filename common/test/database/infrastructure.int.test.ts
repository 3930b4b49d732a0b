import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase } from '@shop/testing';
import pg from 'pg';

const repository = path.join(import.meta.dirname, '../../..');
const read = (...parts: string[]) => readFileSync(path.join(repository, ...parts), 'utf8');
const services = globSync('*-service', { cwd: repository });
/** Its migrations are those of common/prisma, and what its own tests need. */
const testDatabase = 'common/test/database';

const groups = [
  {
    folder: 'common/prisma/infrastructure',
    tables: ['outbox', 'outbox_waiting', 'outbox_published', 'inbox', 'applied_sequences', 'audit_trail'],
    // What else than additions the audit trail allows, a service that anonymises users says itself.
    functions: [],
    isOf: () => true,
  },
  {
    folder: 'common/prisma/idempotency',
    tables: ['idempotency_keys'],
    functions: ['may_take_key'],
    isOf: (service: string) => /^model IdempotencyKey /m.test(read(service, 'prisma/schema.prisma')),
  },
];

/** Each service checks for itself what its audit trail may say. */
const ownConstraints = ['audit_trail_action_check', 'audit_trail_subject_kind_check'];

/** All that PostgreSQL knows of the tables and functions, line by line. */
async function catalogOf(service: string, { tables, functions }: (typeof groups)[number]): Promise<string[]> {
  const database = await createTestDatabase({ serviceDirectory: path.join(repository, service) });
  const client = new pg.Client({ connectionString: database.url });
  try {
    await client.connect();
    const { rows } = await client.query<{ line: string }>(
      `WITH shared AS (SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY ($1))
       SELECT format('%s is a %s of %s, %s', relname, relkind, pg_get_expr(relpartbound, oid),
                (SELECT string_agg(option, ', ' ORDER BY option) FROM unnest(reloptions) AS option)) AS line
         FROM shared
       UNION ALL
       SELECT format('%s.%s %s %s %s', relname, attname, format_type(atttypid, atttypmod), attnotnull,
                pg_get_expr(adbin, adrelid))
         FROM shared JOIN pg_attribute ON attrelid = shared.oid AND attnum > 0 AND NOT attisdropped
         LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
       UNION ALL
       SELECT format('%s %s %s', relname, conname, pg_get_constraintdef(pg_constraint.oid))
         FROM shared JOIN pg_constraint ON conrelid = shared.oid WHERE conname <> ALL ($2)
       UNION ALL
       SELECT pg_get_indexdef(indexrelid) FROM shared JOIN pg_index ON indrelid = shared.oid
       UNION ALL
       SELECT format('%s %s', pg_get_triggerdef(pg_trigger.oid), tgenabled)
         FROM shared JOIN pg_trigger ON tgrelid = shared.oid WHERE NOT tgisinternal
       UNION ALL
       SELECT pg_get_functiondef(oid) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proname = ANY ($3)
       ORDER BY line`,
      [tables, ownConstraints, functions],
    );
    return rows.map(({ line }) => line);
  } finally {
    await client.end();
    await database.drop();
  }
}

describe.each(groups)('what $folder says', (group) => {
  const { folder, tables, functions, isOf } = group;
  const having = services.filter(isOf);

  it.each([...having, testDatabase])('the models -> stand in the schema of %s, word for word', (service) => {
    expect(read(service, 'prisma/schema.prisma')).toContain(read(folder, 'models.prisma').trimEnd());
  });

  it.each([...having, testDatabase])('a migration that %s has taken -> is the same there', (service) => {
    for (const file of globSync('migrations/*/*.sql', { cwd: path.join(repository, folder) })) {
      if (existsSync(path.join(repository, service, 'prisma', file))) {
        expect(read(service, 'prisma', file)).toBe(read(folder, file));
      }
    }
  });

  let catalog: string[];
  beforeAll(async () => {
    catalog = await catalogOf(testDatabase, group);
    expect(catalog.filter((line) => / is a /.test(line))).toHaveLength(tables.length);
    expect(catalog.filter((line) => /^CREATE OR REPLACE FUNCTION/.test(line))).toHaveLength(functions.length);
  });

  it.each(having)('the tables of %s -> are those that its migrations make', async (service) => {
    expect(await catalogOf(service, group)).toEqual(catalog);
  });
});
