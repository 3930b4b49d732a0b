import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { assertDescribedEvents, eventFault } from './described-events.js';
import { createTestDatabase, type TestDatabase } from './test-database.js';
import { createTestPool } from './test-pool.js';

const revoked = { userId: randomUUID(), minimumVersion: 2, reason: 'logout' };
const envelope = {
  specversion: '1.0',
  id: randomUUID(),
  source: '/user-service',
  subject: revoked.userId,
  time: new Date().toISOString(),
  datacontenttype: 'application/json',
  sequence: 1,
};
const event = { ...envelope, type: 'user.access_revoked', data: revoked };

describe('an event, held against the description of all events', () => {
  it('as it is described -> nothing to say', () => {
    expect(eventFault(event)).toBeUndefined();
  });

  it.each([
    ['a field more in its data', { ...event, data: { ...revoked, more: 1 } }, /event\/data must NOT have additional/],
    ['a field more around them', { ...event, more: 1 }, /event must NOT have additional properties/],
    [
      'a field less',
      { ...event, data: { userId: revoked.userId } },
      /event\/data must have required property 'reason'/,
    ],
    ['a value of another format', { ...event, data: { ...revoked, userId: 'me' } }, /must match (format|pattern)/],
    ['data of another type', { ...event, type: 'order.created' }, /^order\.created: event\/data must have required/],
    ['a type that is none', { ...event, type: 'user.renamed' }, /^user\.renamed: no such event is described/],
  ])('%s -> a fault that names the type', (_name, given, fault) => {
    expect(eventFault(given)).toMatch(fault);
    expect(eventFault(given)).toContain(`${given.type}: `);
  });
});

describe("the events of a service's outbox", () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  beforeAll(async () => {
    database = await createTestDatabase({ serviceDirectory: 'common/test/database' });
    pool = createTestPool(database.url);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
  beforeEach(() => pool.query('TRUNCATE outbox'));

  const write = (count: number, data: object, publishedAt: Date | null = null) =>
    pool.query(
      `INSERT INTO outbox (id, type, subject, sequence, time, data, published_at)
       SELECT gen_random_uuid(), $1, $2, n, now(), $3, $4 FROM generate_series(1, $5) AS n`,
      [event.type, event.subject, data, publishedAt, count],
    );

  it('all as they are described, also more than a batch -> resolves', async () => {
    await write(1_001, revoked);
    await expect(assertDescribedEvents(pool, '/user-service')).resolves.toBeUndefined();
  });

  it.each([
    ['waits', null],
    ['has been sent', new Date()],
  ])('one that %s has a field more -> rejects and says which', async (_name, publishedAt) => {
    await write(1_001, revoked);
    await write(2, { ...revoked, more: 1 }, publishedAt);
    await expect(assertDescribedEvents(pool, '/user-service')).rejects.toThrow(
      'events that /asyncapi.json does not describe:\nuser.access_revoked: event/data must NOT have additional properties',
    );
  });
});
