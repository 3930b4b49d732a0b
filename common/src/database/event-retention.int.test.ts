import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase, createTestPool, eventually } from '@shop/testing';
import { createTestClient } from '../../test/database/test-client.js';
import { RecordingLogger } from '../../test/messaging/fixtures.js';
import { BackgroundWorker } from '../service/index.js';
import { EventRetention } from './event-retention.js';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let client: ReturnType<typeof createTestClient>['client'];
let pool: ReturnType<typeof createTestPool>;

beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: path.join(import.meta.dirname, '../../test/database') });
  ({ client } = createTestClient(database.url));
  pool = createTestPool(database.url);
});
beforeEach(() => pool.query('TRUNCATE outbox, inbox'));
afterAll(async () => {
  await Promise.all([client.$disconnect(), pool.end()]);
  await database.drop();
});

/** Events that were published and handled so many days ago. */
async function addEvents(days: number, count = 1): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  await pool.query(
    `INSERT INTO outbox (id, type, subject, sequence, time, data, published_at)
     SELECT id, 'order.created', id, 1, now(), '{}', now() - $2 * interval '1 day' FROM unnest($1::uuid[]) AS id`,
    [ids, days],
  );
  await pool.query(
    `INSERT INTO inbox (event_id, type, handled_at)
     SELECT id, 'order.created', now() - $2 * interval '1 day' FROM unnest($1::uuid[]) AS id`,
    [ids, days],
  );
  return ids;
}

const idsIn = async (table: 'outbox' | 'inbox') => {
  const column = table === 'outbox' ? 'id' : 'event_id';
  const { rows } = await pool.query<{ id: string }>(`SELECT ${column} AS id FROM ${table} ORDER BY id`);
  return rows.map(({ id }) => id);
};

describe('published and handled events', () => {
  it('more than two batches are a week old -> deleted; what was published this week, handled today, or waits stays', async () => {
    await addEvents(8, 2_500);
    const [young = ''] = await addEvents(0.5);
    const [publishedThisWeek = ''] = await addEvents(6);
    const waiting = randomUUID();
    await pool.query(
      `INSERT INTO outbox (id, type, subject, sequence, time, data)
       VALUES ($1, 'order.created', '1', 1, now() - interval '30 days', '{}')`,
      [waiting],
    );
    const events = new EventRetention({ client });
    expect([await events.purge(), await events.purge(), await events.purge()]).toEqual([true, true, false]);
    expect(await idsIn('outbox')).toEqual([young, publishedThisWeek, waiting].sort());
    expect(await idsIn('inbox')).toEqual([young]);
  });

  it('some are locked by others -> they are left out, nobody waits, and the next purge takes them', async () => {
    const [locked = ''] = await addEvents(9);
    await addEvents(8, 5);
    const events = new EventRetention({ client });
    const other = await pool.connect();
    try {
      await other.query('BEGIN');
      await other.query('SELECT FROM outbox WHERE id = $1 FOR UPDATE', [locked]);
      await other.query('SELECT FROM inbox WHERE event_id = $1 FOR UPDATE', [locked]);
      await events.purge();
      expect([await idsIn('outbox'), await idsIn('inbox')]).toEqual([[locked], [locked]]);
    } finally {
      await other.query('ROLLBACK');
      other.release();
    }
    await events.purge();
    expect([await idsIn('outbox'), await idsIn('inbox')]).toEqual([[], []]);
  });

  it('the purge of a worker fails -> it is logged, and the other table is purged by a later one', async () => {
    await addEvents(8, 3);
    const logger = new RecordingLogger();
    const events = new EventRetention({ client });
    const worker = new BackgroundWorker({ name: 'past events', work: () => events.purge(), poll: 1, logger });
    await pool.query('ALTER TABLE inbox RENAME TO inbox_elsewhere');
    worker.start();
    try {
      await eventually(() => expect(logger.messages('error')).toContain('background work failed'));
    } finally {
      await pool.query('ALTER TABLE inbox_elsewhere RENAME TO inbox');
    }
    await eventually(async () => expect([await idsIn('outbox'), await idsIn('inbox')]).toEqual([[], []]));
    await worker.stop();
  });
});
