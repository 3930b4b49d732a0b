import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { roles } from '@shop/common/contracts';
import { createTestDatabase, createTestPool, jsonOfRows, stored } from '@shop/testing';
import type { User } from './user.js';
import { userJson } from './user.reads.js';
import { toResource } from './user.resource.js';

let shop: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: ReturnType<typeof createTestPool>;
const query = async <Row extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
  (await pool.query<Row>(text, values)).rows;

beforeAll(async () => {
  shop = await createTestDatabase({ serviceDirectory: path.join(import.meta.dirname, '../..') });
  pool = createTestPool(shop.url);
});
afterAll(async () => {
  await pool.end();
  await shop.drop();
});

const { id, text, time } = stored;
const user: fc.Arbitrary<User> = fc.record({
  ...{ id, email: text, passwordHash: text, firstName: text, lastName: text, role: fc.constantFrom(...roles) },
  ...{ isActive: fc.boolean(), tokenVersion: fc.nat(), version: fc.nat() },
  ...{ createdAt: time, updatedAt: time, deletedAt: fc.option(time) },
});

it('any user -> PostgreSQL makes the JSON of it that TypeScript makes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(user), async (users) => {
      expect(await jsonOfRows(query, userJson.text, { users })).toEqual(users.map(toResource));
    }),
  );
});
