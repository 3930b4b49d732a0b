import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@shop/testing';

const repository = path.join(import.meta.dirname, '../../..');
const TIME_LIMIT = 300_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: 'order-service' });
});
afterAll(() => database.drop());

/** Runs a command of Prisma's as a developer does, in the service's folder; answers what it says. Rejects where it fails. */
async function prisma(parameters: string[], environment: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [path.join(repository, 'node_modules/prisma/build/index.js'), ...parameters],
    {
      cwd: path.join(repository, 'order-service'),
      env: {
        ...process.env,
        ORDER_DATABASE_URL: database.url,
        CHECKPOINT_DISABLE: '1',
        NODE_OPTIONS: '',
        ...environment,
      },
    },
  );
  return stdout;
}

describe('Prisma’s own commands, on the database of the settings', () => {
  it.each([
    ['migrate status', ['migrate', 'status'], 'Database schema is up to date!'],
    ['validate', ['validate'], 'is valid'],
    ['db pull', ['db', 'pull', '--print'], '@@map("order_items")'],
    [
      'migrate diff, with a shadow database',
      ['migrate', 'diff', '--from-migrations', 'prisma/migrations', '--to-config-datasource'],
      'No difference detected.',
    ],
  ])(
    '%s -> works, without the native engine',
    async (_, parameters, said) => {
      expect(await prisma(parameters)).toContain(said);
    },
    TIME_LIMIT,
  );

  it('a faulty .env -> what asks no database works, so that a build does not stop', async () => {
    expect(await prisma(['validate'], { ORDER_DB_PORT: 'none' })).toContain('is valid');
  });
});
