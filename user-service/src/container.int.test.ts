import { describe, expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import supertest from 'supertest';
import {
  AtomicStore,
  createDatabaseAdapter,
  deployMigrations,
  migrationStatus,
  revertMigrations,
} from '@shop/common/database';
import { createTestDatabase, eventually } from '@shop/testing';
import { ADMIN, callerOf, startTestService, type TestService } from '../test/test-service.js';
import { createDatabase } from './database.js';
import { ensureFirstAdmin } from './users/admins.js';
import { PasswordHasher } from './users/password-hasher.js';
import { UserRepository } from './users/user.repository.js';

const withService = async (
  run: (test: TestService) => Promise<void>,
  overrides: Parameters<typeof startTestService>[0] = {},
): Promise<void> => {
  const test = await startTestService(overrides);
  try {
    await run(test);
  } finally {
    await test.stop();
  }
};

/** A port on which nobody listens. */
async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

describe('start', () => {
  it('broker down -> serves reads and writes, ready but degraded; the events wait in the outbox', async () => {
    const brokerUrl = `amqp://guest:guest@127.0.0.1:${await unusedPort()}`;
    await withService(
      async ({ url, register, eventsOf }) => {
        const user = await register();
        await user.get('/me').expect(200);
        await user.put(`/${user.id}`, { firstName: 'Grace' }).expect(200);
        expect(await eventsOf(user.id)).toHaveLength(2);
        await user.post('/logout').expect(200);
        await user.get('/me').expect(401);
        const { body } = await supertest(url).get('/ready').expect(200);
        expect(body).toMatchObject({
          status: 'degraded',
          dependencies: { database: 'up', broker: 'down', revocations: 'down' },
        });
      },
      { brokerUrl },
    );
  });

  it('everything up -> ready, and events leave the outbox', async () => {
    await withService(async ({ url, register, query }) => {
      await register();
      await eventually(async () => {
        expect(await query('SELECT FROM outbox WHERE published_at IS NULL')).toEqual([]);
        const { body } = await supertest(url).get('/ready').expect(200);
        expect(body).toMatchObject({
          status: 'ok',
          dependencies: { database: 'up', broker: 'up', outbox: 'up', revocations: 'up' },
        });
      });
      const { body } = await supertest(url).get('/health').expect(200);
      expect(body).toMatchObject({ status: 'healthy', service: 'user-service', version: expect.any(String) });
    });
  });

  it('database down -> rejects', async () => {
    const databaseUrl = `postgresql://nobody:nothing@127.0.0.1:${await unusedPort()}/user`;
    await withService(async ({ startAnother }) => {
      await expect(startAnother({ databaseUrl })).rejects.toThrow();
    });
  });
});

describe('the first admin', () => {
  it('at the first start -> created, with its event, and can log in', async () => {
    await withService(async ({ admin, eventsOf }) => {
      const { id, user } = await admin();
      expect(user).toMatchObject({ email: ADMIN.email, role: 'admin', isActive: true });
      expect(await eventsOf(id)).toEqual([{ type: 'user.created', subject: id, sequence: 1, data: user }]);
    });
  });

  it('two processes at once -> created once', async () => {
    await withService(
      async ({ startAnother, query }) => {
        const others = await Promise.all([1, 2, 3].map(() => startAnother({ firstAdmin: ADMIN })));
        await Promise.all(others.map((other) => other.stop()));
        expect(await query('SELECT FROM users')).toHaveLength(1);
        expect(await query('SELECT FROM outbox')).toHaveLength(1);
      },
      { firstAdmin: undefined },
    );
  });

  it('its email was ever used, also by a deleted user -> nothing but a warning', async () => {
    await withService(
      async ({ register, startAnother, query, config }) => {
        const user = await register({ email: ADMIN.email });
        await user.delete(`/${user.id}`).expect(200);
        const database = createDatabase(
          createDatabaseAdapter({ url: config.databaseUrl, poolSize: 1, applicationName: 'test' }),
        );
        const store = new AtomicStore({ client: database, onCommit: () => undefined });
        const logger = { error: jest.fn(), warn: jest.fn(), info: jest.fn(), debug: jest.fn() };
        await ensureFirstAdmin({
          email: ADMIN.email.toUpperCase(),
          password: ADMIN.password,
          users: new UserRepository({ database, store }),
          passwords: new PasswordHasher({ cost: 4 }),
          newId: () => user.id,
          clock: () => new Date(),
          logger,
        });
        await database.$disconnect();
        expect(logger.warn.mock.calls).toEqual([['first admin not created: its email was used before']]);
        expect(logger.info).not.toHaveBeenCalled();

        const other = await startAnother({ firstAdmin: ADMIN });
        await other.stop();
        expect(await query('SELECT FROM users')).toHaveLength(1);
      },
      { firstAdmin: undefined },
    );
  });

  it('changed its password -> keeps it over a restart', async () => {
    await withService(async ({ admin, startAnother }) => {
      const { put } = await admin();
      await put('/me/password', { current: ADMIN.password, new: 'a better password' }).expect(200);
      const other = await startAnother();
      try {
        const { post } = callerOf(`http://127.0.0.1:${other.port}`);
        await post('/login', ADMIN).expect(401);
        await post('/login', { ...ADMIN, password: 'a better password' }).expect(200);
      } finally {
        await other.stop();
      }
    });
  });
});

describe('migrations', () => {
  it('down and up again -> nothing is left over in between', async () => {
    const directory = path.join(import.meta.dirname, '..');
    const database = await createTestDatabase({ serviceDirectory: directory });
    const options = { url: database.url, directory };
    const names = (await migrationStatus(options)).applied;
    expect(await revertMigrations(options, names.length)).toEqual(names.toReversed());
    expect(await deployMigrations(options)).toEqual(names);
    await database.drop();
  });
});
