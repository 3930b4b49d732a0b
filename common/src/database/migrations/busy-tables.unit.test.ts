import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { busyTableFaults } from './busy-tables.js';
import { checkMigrations } from './draft.js';
import { readIfPresent, schemaFile } from './migration-folder.js';

const LATER = '20991231235959_later';

describe('what a migration does to a table that is in use', () => {
  it.each([
    ['CREATE INDEX "orders_a_idx" ON "orders"("a");', 'indexes orders without CONCURRENTLY'],
    ['CREATE UNIQUE INDEX a ON orders (a) WHERE b;', 'indexes orders without CONCURRENTLY'],
    ['ALTER TABLE "orders" ADD CONSTRAINT "c" CHECK (a > 0);', 'adds a constraint to orders that is not NOT VALID'],
    [
      'ALTER TABLE "orders" ADD COLUMN "a" int,\n ADD CONSTRAINT "c" FOREIGN KEY ("a") REFERENCES "other"("a");',
      'adds a constraint to orders that is not NOT VALID',
    ],
    ['alter table orders alter column a set not null;', 'makes orders.a NOT NULL without a valid CHECK before'],
  ])('%s -> a fault', (sql, fault) => {
    expect(busyTableFaults(LATER, sql, '')).toEqual([fault]);
    expect(busyTableFaults('20261128151500_landed', sql, '')).toEqual([]);
  });

  it.each([
    'CREATE INDEX CONCURRENTLY IF NOT EXISTS "orders_a_idx" ON "orders"("a");',
    'CREATE TABLE "orders" ("a" int NOT NULL); CREATE INDEX "i" ON "orders"("a"); ALTER TABLE "orders" ADD CONSTRAINT "c" CHECK (a > 0);',
    'ALTER TABLE "orders" ADD CONSTRAINT "c" CHECK (a > 0) NOT VALID;',
    'ALTER TABLE "orders" ADD COLUMN "a" int NOT NULL DEFAULT 2;',
    'ALTER TABLE "orders" VALIDATE CONSTRAINT "c";',
    '-- CREATE INDEX "orders_a_idx" ON "orders"("a");',
  ])('%s -> nothing wrong', (sql) => {
    expect(busyTableFaults(LATER, sql, '')).toEqual([]);
  });

  it('NOT NULL, after a CHECK that was validated in an earlier migration -> nothing wrong', () => {
    const sql = 'ALTER TABLE "orders" ALTER COLUMN "a" SET NOT NULL;';
    const check = 'ALTER TABLE "orders" ADD CONSTRAINT "c" CHECK ("a" IS NOT NULL) NOT VALID;';
    expect(busyTableFaults(LATER, sql, check)).toHaveLength(1);
    expect(busyTableFaults(LATER, sql, `${check} ALTER TABLE "orders" VALIDATE CONSTRAINT "c";`)).toEqual([]);
  });
});

it('the migrations of every service -> complete, up to its schema, and easy on busy tables', async () => {
  const repository = path.join(import.meta.dirname, '../../../..');
  const entries = await readdir(repository, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(repository, name));
  const found = await Promise.all(
    folders.map(async (folder) => ((await readIfPresent(schemaFile(folder))) ? [folder] : [])),
  );
  const services = found.flat();
  expect(services.length).toBeGreaterThanOrEqual(3);
  for (const directory of services) expect(await checkMigrations({ directory })).toEqual([]);
});
