import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sqltag as sql } from '@prisma/client/runtime/client';
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import {
  addAuditEntry,
  auditTamperings,
  createTestDatabase,
  createTestPool,
  TIMEOUT,
  type TestDatabase,
} from '@shop/testing';
import { createTestClient } from '../../test/database/test-client.js';
import type { AuditEntry } from '../contracts/index.js';
import type { PageRequest } from '../paging/index.js';
import { runInScope, type RequestScope } from '../logger/index.js';
import { AtomicStore, auditClause, auditInsert, AuditTrail, type AuditFilters, type AuditRecord } from './index.js';

let database: TestDatabase;
let pool: pg.Pool;
let client: ReturnType<typeof createTestClient>['client'];
let trail: AuditTrail;

beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: 'common/test/database' });
  pool = createTestPool(database.url);
  ({ client } = createTestClient(database.url));
  trail = new AuditTrail({ client });
});

afterAll(async () => {
  await client.$disconnect();
  await pool.end();
  await database.drop();
});

const query = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
  (await pool.query<Row>(text, values)).rows;

const entryOf = (subjectId: string, changes: Partial<AuditEntry> = {}): AuditEntry => ({
  action: 'order.status_changed',
  actor: { id: uuidv7(), role: 'admin' },
  subject: { kind: 'order', id: subjectId },
  details: { from: 'pending', to: "a 'quoted' \\ status 💶" },
  ...changes,
});

const nothing: AuditFilters = {
  actorId: undefined,
  subjectId: undefined,
  action: undefined,
  from: undefined,
  to: undefined,
};
const firstPage: PageRequest = { limit: 10, offset: 0, after: undefined, countUpTo: 10_001 };

async function entriesAbout(subjectId: string): Promise<readonly AuditRecord[]> {
  return (await trail.list({ ...nothing, subjectId }, firstPage)).rows;
}

describe('an entry', () => {
  it('written in a request -> it carries who, what, to whom, from where and in which request', async () => {
    const subjectId = uuidv7();
    const entry = entryOf(subjectId);
    const scope: RequestScope = {
      requestId: 'request-1',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      clientAddress: '2001:db8::7',
    };

    await runInScope(scope, () => trail.note(entry));

    const [written, ...others] = await entriesAbout(subjectId);
    expect(others).toEqual([]);
    expect(written).toMatchObject({
      action: entry.action,
      actorId: entry.actor!.id,
      actorRole: 'admin',
      subjectKind: 'order',
      subjectId,
      details: entry.details,
      clientAddress: '2001:db8::7',
      requestId: 'request-1',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    });
    expect(Math.abs(written!.createdAt.getTime() - Date.now())).toBeLessThan(TIMEOUT);
  });

  it('of the system itself -> nobody, no address and no request stand in it', async () => {
    const subjectId = uuidv7();
    await trail.note(entryOf(subjectId, { actor: null, details: {} }));

    expect(await entriesAbout(subjectId)).toMatchObject([
      { actorId: null, actorRole: null, clientAddress: null, requestId: null, traceId: null, details: {} },
    ]);
  });

  it.each([
    ['a name that is not on the list', { action: 'order.sold' as AuditEntry['action'] }],
    ['details past the limit', { details: { text: 'x'.repeat(1_024) } }],
  ])('with %s -> the database refuses it', async (_, changes) => {
    await expect(trail.note(entryOf(uuidv7(), changes))).rejects.toThrow();
  });
});

describe('a change with entries', () => {
  const store = () => new AtomicStore({ client, onCommit: () => undefined });

  it('committed -> the change and its entries are there', async () => {
    const id = uuidv7();
    await store().save(async (transaction) => ({
      value: await transaction.post.create({ data: { id, title: 'audited' } }),
      events: [],
      audit: [entryOf(id), entryOf(id, { action: 'order.deleted' })],
    }));

    expect(await client.post.count({ where: { id } })).toBe(1);
    expect((await entriesAbout(id)).map(({ action }) => action)).toEqual(['order.deleted', 'order.status_changed']);
  });

  it('whose entry the database refuses -> the change is undone', async () => {
    const id = uuidv7();
    const save = store().save(async (transaction) => ({
      value: await transaction.post.create({ data: { id, title: 'not audited' } }),
      events: [],
      audit: [entryOf(id, { details: { text: 'x'.repeat(1_024) } })],
    }));

    await expect(save).rejects.toThrow();
    expect(await client.post.count({ where: { id } })).toBe(0);
  });

  it('that fails -> no entry is there', async () => {
    const id = uuidv7();
    const save = store().save(async (transaction) => {
      await transaction.$executeRaw(auditInsert([entryOf(id)]));
      throw new Error('refused by a rule');
    });

    await expect(save).rejects.toThrow('refused by a rule');
    expect(await entriesAbout(id)).toEqual([]);
  });

  it('in one statement whose guard stops it -> no entry is there; one that goes through has its entry', async () => {
    const { id } = await client.post.create({ data: { id: uuidv7(), title: 'guarded' } });
    const write = (expected: number) =>
      store().saveInOneStatement(sql`
        WITH saved AS (UPDATE posts SET views = views + 1 WHERE id = ${id}::uuid AND views = ${expected} RETURNING id)
        ${auditClause([entryOf(id)])} SELECT id FROM saved`);

    expect(await write(5)).toEqual([]);
    expect(await entriesAbout(id)).toEqual([]);
    expect(await write(0)).toHaveLength(1);
    expect(await entriesAbout(id)).toHaveLength(1);
  });
});

describe('the list', () => {
  it('many entries of one moment -> each stands once in the pages, newest first', async () => {
    const subjectId = uuidv7();
    const entries = Array.from({ length: 7 }, () => entryOf(subjectId));
    await client.$executeRaw(auditInsert(entries));
    const filters = { ...nothing, subjectId };
    const seen: AuditRecord[] = [];
    for (let after: AuditRecord | undefined; ;) {
      const { rows } = await trail.list(filters, { limit: 2, offset: 0, after, countUpTo: 0 });
      seen.push(...rows.slice(0, 2));
      if (rows.length <= 2) break;
      after = rows[1];
    }

    expect(seen.map(({ actorId }) => actorId)).toEqual(entries.map(({ actor }) => actor!.id).reverse());
    const { rows, total } = await trail.list(filters, { ...firstPage, limit: 3, offset: 5 });
    expect({ total, rows: rows.length }).toEqual({ total: 7, rows: 2 });
  });

  it('each filter -> what fits it, and only that', async () => {
    const [subjectId, other] = [uuidv7(), uuidv7()];
    const wanted = entryOf(subjectId);
    await trail.note(wanted);
    await trail.note(entryOf(subjectId, { action: 'order.deleted' }));
    await trail.note(entryOf(other));
    const [, oldest] = await entriesAbout(subjectId);
    const countOf = async (filters: Partial<AuditFilters>) =>
      (await trail.list({ ...nothing, subjectId, ...filters }, firstPage)).total;
    const createdAt = oldest!.createdAt;
    const later = new Date(createdAt.getTime() + 60_000);

    expect(await countOf({})).toBe(2);
    expect(await countOf({ actorId: wanted.actor!.id })).toBe(1);
    expect(await countOf({ action: 'order.deleted' })).toBe(1);
    expect(await countOf({ from: createdAt, to: later })).toBe(2);
    expect(await countOf({ actorId: wanted.actor!.id, from: createdAt })).toBe(1);
    expect(await countOf({ actorId: wanted.actor!.id, to: createdAt })).toBe(0);
    expect(await countOf({ from: later })).toBe(0);
  });
});

describe('what was written', () => {
  it.each(auditTamperings)('%s -> refused, and the row is as it was', async (tampering) => {
    const id = await addAuditEntry({ query }, 'order.deleted', '1 minute');
    const [before] = await query('SELECT * FROM audit_trail WHERE id = $1', [id]);

    await expect(query(tampering)).rejects.toMatchObject({ code: '23001', constraint: 'audit_trail_append_only' });

    expect(await query('SELECT * FROM audit_trail WHERE id = $1', [id])).toEqual([before]);
  });

  it('is a year old -> purged, in batches; a minute younger -> kept, and nobody can delete it', async () => {
    const young = await addAuditEntry({ query }, 'order.deleted', '1 year -1 minute');
    const old = await Promise.all([1, 2, 3].map(() => addAuditEntry({ query }, 'order.deleted', '1 year')));
    const left = async () =>
      (await query<{ id: string }>('SELECT id FROM audit_trail WHERE id = ANY($1)', [[young, ...old]])).map(
        ({ id }) => id,
      );

    expect(await trail.purge(2)).toBe(true);
    expect(await left()).toHaveLength(2);
    expect(await trail.purge(2)).toBe(false);
    expect(await left()).toEqual([young]);
    await expect(query('DELETE FROM audit_trail WHERE id = $1', [young])).rejects.toMatchObject({ code: '23001' });
  });
});

it('a large trail -> each list and the purge find their rows by an index', async () => {
  await query(`INSERT INTO audit_trail (id, action, actor_id, actor_role, subject_id, subject_kind, details, created_at)
    SELECT gen_random_uuid(), 'order.deleted', gen_random_uuid(), 'admin', gen_random_uuid(), 'order', '{}',
      now() - number * interval '1 minute' FROM generate_series(1, 20000) AS number`);
  await query('ANALYZE audit_trail');
  const plan = async (conditions: string) =>
    JSON.stringify(
      await query(
        `EXPLAIN (FORMAT JSON) SELECT id FROM audit_trail WHERE ${conditions} ORDER BY created_at DESC, id DESC LIMIT 11`,
      ),
    );
  const some = `'${uuidv7()}'::uuid`;

  for (const conditions of [
    'true',
    `actor_id = ${some}`,
    `subject_id = ${some}`,
    `action = 'user.deleted'`,
    `(created_at, id) < (now() - interval '3 days', ${some})`,
    `created_at <= now() - interval '1 year'`,
  ]) {
    expect(await plan(conditions)).toContain('"Index');
    expect(await plan(conditions)).not.toMatch(/Seq Scan|"Node Type":"(Incremental )?Sort"/);
  }
});
