import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { auditResource, type AuditResource } from '@shop/common/contracts';
import { auditTamperings } from '@shop/testing';
import { ADMIN, PASSWORD, startTestService, type TestService, type TestUser } from '../../test/test-service.js';

const DAY = 24 * 60 * 60_000;

let test: TestService;
let admin: TestUser;

beforeAll(async () => {
  test = await startTestService({ trustedProxies: ['127.0.0.1'] });
});
afterAll(() => test.stop());
beforeEach(async () => {
  admin = await test.admin();
});

interface Row {
  email: string;
  first_name: string;
  last_name: string;
  password_hash: string;
}
const rowOf = async (id: string): Promise<Row> =>
  (await test.query<Row>('SELECT email, first_name, last_name, password_hash FROM users WHERE id = $1', [id]))[0]!;
const anonymisations = async (id: string) => (await test.eventsOf(id)).filter(({ type }) => type === 'user.anonymised');

async function deletedUser(): Promise<TestUser> {
  const user = await test.register();
  await user.put(`/${user.id}`, { firstName: 'Augusta' }).expect(200);
  await user.delete(`/${user.id}`).expect(200);
  return user;
}

describe('a deleted user', () => {
  it('whose time is over -> nothing says any more who it was, and an event of its id alone is published, once', async () => {
    const [old, kept] = [await deletedUser(), await test.register()];
    const young = await deletedUser();
    await test.query("UPDATE users SET deleted_at = deleted_at + interval '5 days' WHERE id = $1", [young.id]);
    const youngBefore = await rowOf(young.id);

    await test.runLater(31 * DAY, async () => expect(await anonymisations(old.id)).toHaveLength(1));
    await test.runLater(31 * DAY, async () => expect(await rowOf(kept.id)).toMatchObject({ email: kept.email }));

    const row = await rowOf(old.id);
    expect(row).toMatchObject({ email: `${old.id}@anonymised.invalid`, first_name: 'Anonymised', last_name: 'User' });
    expect(row.password_hash).toMatch(/^\$2b\$04\$\.{53}$/);
    const events = await test.eventsOf(old.id);
    expect(events.at(-1)).toMatchObject({ type: 'user.anonymised', data: { userId: old.id } });
    expect(events.at(-1)!.sequence).toBeGreaterThan(Math.max(...events.slice(0, -1).map(({ sequence }) => sequence)));
    expect(await anonymisations(old.id)).toHaveLength(1);
    expect(await rowOf(young.id)).toEqual(youngBefore);
    expect(await anonymisations(young.id)).toEqual([]);
  });

  it('that several processes anonymise at once -> is anonymised once', async () => {
    const users = await Promise.all(Array.from({ length: 5 }, deletedUser));
    const all = async () => {
      for (const { id } of users) expect(await anonymisations(id)).toHaveLength(1);
    };
    await Promise.all([test.runLater(31 * DAY, all), test.runLater(31 * DAY, all), test.runLater(31 * DAY, all)]);
    await all();
  });

  it('-> its address is free as soon as it is deleted, and its password opens nothing afterwards', async () => {
    const user = await deletedUser();
    await test.runLater(31 * DAY, async () => expect(await anonymisations(user.id)).toHaveLength(1));

    const email = `${user.id}@anonymised.invalid`;
    for (const address of [email, user.email]) {
      await test.anybody.post('/login', { email: address, password: PASSWORD }).expect(401);
    }
    await test.register({ email: user.email });
  });
});

describe('the audit trail', () => {
  const trailOf = async (id: string): Promise<AuditResource[]> =>
    auditResource.array().parse((await admin.get(`/audit?subjectId=${id}`).expect(200)).body.data);

  it('of an anonymised user -> keeps what was done, and forgets from where; what an admin did stays whole', async () => {
    const user = await test.register();
    await test.anybody
      .post('/login', { email: user.email, password: 'wrong password' })
      .set('X-Forwarded-For', '203.0.113.9')
      .set('X-Request-Id', 'of-the-user')
      .expect(401);
    await admin.delete(`/${user.id}`).expect(200);
    const actions = (await trailOf(user.id)).map(({ action }) => action);

    await test.runLater(31 * DAY, async () => {
      for (const { actorId, clientAddress, requestId } of await trailOf(user.id)) {
        if (actorId === admin.id) expect([clientAddress, requestId]).toEqual(['127.0.0.1', expect.any(String)]);
        else expect([clientAddress, requestId]).toEqual([null, null]);
      }
    });
    expect((await trailOf(user.id)).map(({ action }) => action)).toEqual(['user.anonymised', ...actions]);
  });

  it('of anybody else, or anything else of it -> is as it was written', async () => {
    const user = await deletedUser();
    await test.runLater(31 * DAY, async () => expect(await anonymisations(user.id)).toHaveLength(1));

    const clearing = 'UPDATE audit_trail SET client_address = NULL, request_id = NULL';
    const ofOne = `${clearing}, action = 'user.updated' WHERE actor_id = '${user.id}'`;
    for (const tampering of [...auditTamperings, `${clearing} WHERE actor_id = '${admin.id}'`, ofOne]) {
      await expect(test.query(tampering)).rejects.toThrow('the audit trail refuses');
    }
  });
});

describe('the first admin', () => {
  const adminsOf = async (email: string) =>
    (await test.query('SELECT FROM users WHERE email = $1 AND role = $2', [email, 'admin'])).length;

  it.each([
    ['that was deleted', {}],
    ['that was an admin no more when it was deleted', { role: 'user' }],
  ])('%s and is nobody any more -> is not made again', async (_, change) => {
    const email = `first-${Object.keys(change).length}@example.com`;
    const firstAdmin = { ...ADMIN, email };
    await test.runLater(0, async () => expect(await adminsOf(email)).toBe(1), { firstAdmin });
    const [first] = await test.query<{ id: string }>('SELECT id FROM users WHERE email = $1', [email]);
    if ('role' in change) await admin.put(`/${first!.id}`, change).expect(200);
    await admin.delete(`/${first!.id}`).expect(200);

    await test.runLater(31 * DAY, async () => expect(await anonymisations(first!.id)).toHaveLength(1), { firstAdmin });
    await test.runLater(31 * DAY, () => Promise.resolve(), { firstAdmin });

    expect(await adminsOf(email)).toBe(0);
  });
});

it('whom to anonymise -> is found by an index', async () => {
  const client = await test.connect();
  await client.query('SET enable_seqscan = off'); // the table is small here
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(`
    EXPLAIN SELECT id FROM users
    WHERE deleted_at IS NOT NULL AND password_hash <> '$2b$04$${'.'.repeat(53)}' AND deleted_at <= now()
    ORDER BY deleted_at LIMIT 100`);
  await client.end();
  expect(rows.map((line) => line['QUERY PLAN']).join('\n')).toContain('users_to_anonymise_idx');
});
