import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import supertest from 'supertest';
import { auditRoutes } from '@shop/common/http';
import { attack, attackedRoutes, badRequests, fuzzed, spread } from '@shop/testing';
import { attackedTable } from '../test/attacked-routes.js';
import { startTestService, type TestService } from '../test/test-service.js';
import { PersonalDataHandler } from './personal-data/personal-data.handler.js';
import { personalDataRoutes } from './personal-data/personal-data.routes.js';
import { SessionHandler } from './sessions/session.handler.js';
import { sessionRoutes } from './sessions/session.routes.js';
import { UserHandler } from './users/user.handler.js';
import { userRoutes } from './users/user.routes.js';

/** The same requests in every run; `make test-security` takes others each time. */
const seed = 1;

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

describe('bad input', () => {
  it('the attacked routes -> all that there are', () => {
    const trail = { list: () => Promise.reject(new Error('is not asked')) };
    const all = [
      ...sessionRoutes(Object.create(SessionHandler.prototype) as SessionHandler),
      ...auditRoutes(trail, 'user'),
      ...personalDataRoutes(Object.create(PersonalDataHandler.prototype) as PersonalDataHandler),
      ...userRoutes(Object.create(UserHandler.prototype) as UserHandler),
    ].map(({ method, path }) => `${method} ${path}`);

    expect(new Set(Object.keys(attackedTable))).toEqual(new Set(all));
  });

  it('a part of the corpus and random requests, from all routes -> refused or taken in the form of the contract, and no row but those answered 201', async () => {
    // Each route has a caller of its own: some of what is asked ends its login.
    const callers = await Promise.all(Object.keys(attackedTable).map(() => service.register()));
    await service.query(`UPDATE users SET role = 'admin' WHERE id = ANY ($1)`, [callers.map(({ id }) => id)]);
    const victim = await service.register();
    const headers = () => {
      const id = callers.pop()?.id ?? '';
      return { Authorization: `Bearer ${service.tokens.tokenFor({ id, role: 'admin' })}` };
    };
    const [before] = await service.query<{ count: number }>('SELECT count(*)::int AS count FROM users');
    const routes = attackedRoutes('/api/v1/users', attackedTable, { headers, params: { id: victim.id } });
    const requests = badRequests(routes);
    let made = 0;

    const failures = await attack(service.url, [...spread(requests, 400), ...fuzzed(routes, { count: 300, seed })], {
      onAnswer: (_request, { status }) => {
        if (status === 201) made++;
      },
    });

    expect({ seed, failures }).toEqual({ seed, failures: [] });
    expect(requests.length).toBeGreaterThan(1_000);
    expect(made).toBeGreaterThan(0);
    expect(await service.query('SELECT count(*)::int AS count FROM users')).toEqual([{ count: before!.count + made }]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    await supertest(service.url).get('/health').expect(200);
  });

  it('unusual text -> comes back as it was, in NFC', async () => {
    const texts = ['שלום עולם', '👩‍👩‍👧‍👦', 'e\u0301\u0323', '𝒳𓀀', 'ﷺ', 'می\u200cخواهم', 'İıſß'];
    for (const text of texts) {
      const { user } = await service.register({ firstName: text, lastName: text });
      expect([user.firstName, user.lastName]).toEqual([text.normalize('NFC'), text.normalize('NFC')]);
    }
  });
});
