import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { roles } from '@shop/common/contracts';
import { createJsonOfRows, stored, type JsonOfRows } from '@shop/testing';
import type { User } from './user.js';
import { userJson } from './user.reads.js';
import { toResource } from './user.resource.js';

let json: JsonOfRows;
beforeAll(async () => {
  json = await createJsonOfRows(path.join(import.meta.dirname, '../..'));
});
afterAll(() => json.stop());

const { id, text, time } = stored;
const user: fc.Arbitrary<User> = fc.record({
  ...{ id, email: text, passwordHash: text, firstName: text, lastName: text, role: fc.constantFrom(...roles) },
  ...{ isActive: fc.boolean(), tokenVersion: fc.nat(), version: fc.nat() },
  ...{ createdAt: time, updatedAt: time, deletedAt: fc.option(time) },
});

it('any user -> PostgreSQL makes the JSON of it that TypeScript makes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(user), async (users) => {
      expect(await json.of(userJson.text, { users })).toEqual(users.map(toResource));
    }),
  );
});
