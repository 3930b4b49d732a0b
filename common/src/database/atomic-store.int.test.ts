import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sqltag as sql } from '@prisma/client/runtime/client';
import { v7 as uuidv7 } from 'uuid';
import { createTestDatabase, TIMEOUT, type TestDatabase } from '@shop/testing';
import { createSoftDeleteClient } from '../../test/database/test-client.js';
import type { EventDraft } from '../contracts/index.js';
import { runInScope } from '../logger/index.js';
import { AtomicStore, type InboundEvent, causeClauses, causesClauses, outboxInsert } from './index.js';

let database: TestDatabase;
let client: ReturnType<typeof createSoftDeleteClient>['client'];

beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: 'common/test/database' });
  ({ client } = createSoftDeleteClient(database.url));
});

afterAll(async () => {
  await client.$disconnect();
  await database.drop();
});

function createStore() {
  const commits = { count: 0 };
  return { commits, store: new AtomicStore({ client, onCommit: () => commits.count++ }) };
}

const revoked = (subject: string, sequence: number): EventDraft => ({
  type: 'user.access_revoked',
  subject,
  sequence,
  data: { userId: subject, minimumVersion: sequence, reason: "a 'quoted' \\ reason 💶" },
});

const inboundEventOf = (aggregate: string, sequence: number): InboundEvent => ({
  eventId: uuidv7(),
  type: 'order.created',
  aggregate,
  sequence,
});

const eventsOf = (subject: string) => client.outbox.findMany({ where: { subject }, orderBy: { position: 'asc' } });
const newAuthor = (id = uuidv7()) => ({ id, email: `${id}@example.com` });
const viewsOf = async (id: string) => (await client.post.findUniqueOrThrow({ where: { id } })).views;

async function createPost(): Promise<string> {
  const { id } = await client.post.create({ data: { id: uuidv7(), title: 'counter' } });
  return id;
}

describe('save', () => {
  it('a write with events -> row and events are there, in order, complete, and the relay is woken once', async () => {
    const { store, commits } = createStore();
    const author = newAuthor();
    const before = Date.now();

    const result = await store.save(async (transaction) => ({
      value: await transaction.author.create({ data: author }),
      events: [revoked(author.id, 1), revoked(author.id, 2), revoked(author.id, 3)],
    }));

    expect(result).toMatchObject({ outcome: 'saved', value: author });
    expect(commits.count).toBe(1);
    const events = await eventsOf(author.id);
    expect(events.map((event) => event.sequence)).toEqual([1, 2, 3]);
    expect(new Set(events.map((event) => event.id)).size).toBe(3);
    expect(events[0]).toMatchObject({
      type: 'user.access_revoked',
      data: revoked(author.id, 1).data,
      traceparent: null,
      publishedAt: null,
    });
    expect(Math.abs(events[0]!.time.getTime() - before)).toBeLessThan(TIMEOUT);
  });

  it('a request with a trace context -> its events carry it', async () => {
    const { store } = createStore();
    const author = newAuthor();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

    await runInScope({ requestId: 'request-1', traceparent }, () =>
      store.save(async (transaction) => ({
        value: await transaction.author.create({ data: author }),
        events: [revoked(author.id, 1)],
      })),
    );

    expect(await eventsOf(author.id)).toMatchObject([{ traceparent }]);
  });

  it('the write throws -> neither row nor cause is there, the relay sleeps on, and the next delivery applies', async () => {
    const { store, commits } = createStore();
    const author = newAuthor();
    const cause = inboundEventOf(`order/${uuidv7()}`, 1);
    const write = store.save(
      async (transaction) => {
        await transaction.author.create({ data: author });
        throw new Error('refused by a rule');
      },
      { cause },
    );

    await expect(write).rejects.toThrow('refused by a rule');
    expect(await client.author.count({ where: { id: author.id } })).toBe(0);
    expect(commits.count).toBe(0);
    const again = await store.save(() => Promise.resolve({ value: 1, events: [] }), { cause });
    expect(again.outcome).toBe('saved');
  });

  it('an event that can not be stored -> the row is not stored either', async () => {
    const { store } = createStore();
    const author = newAuthor();
    const write = store.save(async (transaction) => ({
      value: await transaction.author.create({ data: author }),
      events: [{ ...revoked(author.id, 1), sequence: 2 ** 40 }], // past the column's range
    }));

    await expect(write).rejects.toThrow();
    expect(await client.author.count({ where: { id: author.id } })).toBe(0);
  });

  it('a soft delete inside -> it is rolled back with the rest', async () => {
    const { store } = createStore();
    const author = newAuthor();
    await client.author.create({ data: author });
    const write = store.save(async (transaction) => {
      await transaction.author.delete({ where: { id: author.id } });
      expect(await transaction.author.count({ where: { id: author.id } })).toBe(0);
      throw new Error('changed my mind');
    });

    await expect(write).rejects.toThrow('changed my mind');
    expect(await client.author.count({ where: { id: author.id } })).toBe(1);
  });

  it('two saves that deadlock -> one runs again and both succeed', async () => {
    const { store } = createStore();
    const posts = [await createPost(), await createPost()] as const;
    const reached = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()] as const;
    let runs = 0;
    const viewBoth = (own: 0 | 1) =>
      store.save(async (transaction) => {
        runs++;
        const other = own === 0 ? 1 : 0;
        await transaction.post.update({ where: { id: posts[own] }, data: { views: { increment: 1 } } });
        reached[own].resolve(undefined);
        await reached[other].promise;
        await transaction.post.update({ where: { id: posts[other] }, data: { views: { increment: 1 } } });
        return { value: undefined, events: [] };
      });

    await Promise.all([viewBoth(0), viewBoth(1)]);

    expect(runs).toBeGreaterThan(2);
    expect(await Promise.all(posts.map(viewsOf))).toEqual([2, 2]);
  });
});

describe('save with a cause', () => {
  const view = (id: string, events: readonly EventDraft[] = []) => ({
    write: async (transaction: Pick<typeof client, 'post'>) => {
      await transaction.post.update({ where: { id }, data: { views: { increment: 1 } } });
      return { value: undefined, events };
    },
  });

  it('an event delivered ten times at once -> it has one effect', async () => {
    const { store, commits } = createStore();
    const id = await createPost();
    const cause = inboundEventOf(`order/${id}`, 1);
    const { write } = view(id, [revoked(id, 1)]);

    const results = await Promise.all(Array.from({ length: 10 }, () => store.save(write, { cause })));

    expect(results.map((result) => result.outcome).sort()).toEqual([...Array<string>(9).fill('duplicate'), 'saved']);
    expect(await viewsOf(id)).toBe(1);
    expect(await eventsOf(id)).toHaveLength(1);
    expect(commits.count).toBe(1);
  });

  it('an older event after a newer one -> stale: no effect, noted as handled, and a newer one still applies', async () => {
    const { store } = createStore();
    const id = await createPost();
    const { write } = view(id);
    const [first, second, third] = [1, 2, 3].map((sequence) => inboundEventOf(`order/${id}`, sequence));

    expect((await store.save(write, { cause: second })).outcome).toBe('saved');
    expect((await store.save(write, { cause: first })).outcome).toBe('stale');
    expect((await store.save(write, { cause: first })).outcome).toBe('duplicate');
    expect((await store.save(write, { cause: third })).outcome).toBe('saved');

    expect(await viewsOf(id)).toBe(2);
    expect(await client.appliedSequence.findUnique({ where: { aggregate: `order/${id}` } })).toMatchObject({
      sequence: 3,
    });
    expect(await client.inbox.count({ where: { eventId: first!.eventId } })).toBe(1);
  });

  it('the same sequence of another aggregate -> applies by itself', async () => {
    const { store } = createStore();
    const id = await createPost();
    const { write } = view(id);

    await store.save(write, { cause: inboundEventOf(`order/${id}`, 5) });
    await store.save(write, { cause: inboundEventOf(`payment/${id}`, 5) });

    expect(await viewsOf(id)).toBe(2);
  });

  it('twenty events of one aggregate in any order at once -> the last sequence stands, none applies after a later one', async () => {
    const { store } = createStore();
    const id = await createPost();
    const applied: number[] = [];
    const save = (sequence: number) =>
      store.save(
        async (transaction) => {
          await transaction.post.update({ where: { id }, data: { views: sequence } });
          return { value: applied.push(sequence), events: [] };
        },
        { cause: inboundEventOf(`order/${id}`, sequence) },
      );

    await Promise.all([7, 3, 12, 1, 20, 15, 4, 9, 18, 2, 11, 6, 19, 5, 14, 8, 17, 10, 16, 13].map(save));

    expect(await viewsOf(id)).toBe(20);
    expect(applied).toEqual([...applied].sort((a, b) => a - b));
  });
});

describe('saveInOneStatement', () => {
  const rename = (id: string, from: string, to: string) => sql`
    WITH saved AS (
      UPDATE posts SET title = ${to} WHERE id = ${id}::uuid AND title = ${from} RETURNING id, title
    ), published AS (${outboxInsert([revoked(id, 1), revoked(id, 2)], { onlyIf: sql`SELECT FROM saved` })})
    SELECT title FROM saved`;

  it('its guard holds -> row and events are there, the relay is woken', async () => {
    const { store, commits } = createStore();
    const id = await createPost();

    const rows = await store.saveInOneStatement<{ title: string }>(rename(id, 'counter', 'renamed'));

    expect(rows).toEqual([{ title: 'renamed' }]);
    expect((await eventsOf(id)).map((event) => event.sequence)).toEqual([1, 2]);
    expect(commits.count).toBe(1);
  });

  it('its guard stops it -> no row, no event, the relay sleeps on', async () => {
    const { store, commits } = createStore();
    const id = await createPost();

    expect(await store.saveInOneStatement(rename(id, 'something else', 'renamed'))).toEqual([]);

    expect(await eventsOf(id)).toEqual([]);
    expect(commits.count).toBe(0);
  });
});

describe('saveEffect', () => {
  const rename = (id: string, { from, to, cause }: { from: string; to: string; cause?: InboundEvent }) => {
    const { noted, isNew, verdict } = causeClauses(
      cause,
      sql`SELECT FROM posts WHERE id = ${id}::uuid AND title = ${from} FOR UPDATE`,
    );
    return sql`
      WITH ${noted} saved AS (
        UPDATE posts SET title = ${to} WHERE id = ${id}::uuid AND title = ${from} AND ${isNew} RETURNING id
      ), published AS (${outboxInsert([revoked(id, 1)], { onlyIf: sql`SELECT FROM saved` })}) ${verdict}`;
  };
  const titleOf = async (id: string) => (await client.post.findUniqueOrThrow({ where: { id } })).title;
  function createCountingStore() {
    const commits = { count: 0 };
    const skips: string[] = [];
    const onSkip = (_cause: InboundEvent, reason: string) => skips.push(reason);
    return { commits, skips, store: new AtomicStore({ client, onCommit: () => commits.count++, onSkip }) };
  }

  it('an event delivered ten times at once -> it has one effect, whoever comes later finds it changed', async () => {
    const { store, commits } = createCountingStore();
    const id = await createPost();
    const cause = inboundEventOf(`order/${id}`, 1);
    const save = () => store.saveEffect(rename(id, { from: 'counter', to: 'renamed', cause }), { cause });

    const results = await Promise.all(Array.from({ length: 10 }, save));

    expect(results.filter(Boolean)).toHaveLength(1);
    expect(await titleOf(id)).toBe('renamed');
    expect(await eventsOf(id)).toHaveLength(1);
    expect(commits.count).toBe(1);
  });

  it('an event that had its effect before, an older one after a newer one -> no effect, counted as skipped', async () => {
    const { store, skips } = createCountingStore();
    const id = await createPost();
    const [older, newer] = [inboundEventOf(`order/${id}`, 1), inboundEventOf(`order/${id}`, 2)];
    const save = (cause: InboundEvent, to: string) =>
      store.saveEffect(rename(id, { from: 'counter', to, cause }), { cause });

    expect(await save(newer, 'counter')).toBe('new');
    expect(await save(newer, 'twice')).toBe('duplicate');
    expect(await save(older, 'late')).toBe('stale');

    expect(skips).toEqual(['duplicate', 'stale']);
    expect(await titleOf(id)).toBe('counter');
    expect(await eventsOf(id)).toHaveLength(1);
    expect(await client.inbox.count({ where: { eventId: older.eventId } })).toBe(1);
  });

  it('its guard stops it -> the cause is not noted, and has its effect once the guard holds', async () => {
    const { store, commits, skips } = createCountingStore();
    const id = await createPost();
    const cause = inboundEventOf(`order/${id}`, 1);

    expect(await store.saveEffect(rename(id, { from: 'another', to: 'renamed', cause }), { cause })).toBeUndefined();
    expect(await client.inbox.count({ where: { eventId: cause.eventId } })).toBe(0);
    expect([commits.count, skips]).toEqual([0, []]);

    expect(await store.saveEffect(rename(id, { from: 'counter', to: 'renamed', cause }), { cause })).toBe('new');
    expect(await titleOf(id)).toBe('renamed');
  });

  it('without a cause -> saved where its guard holds', async () => {
    const { store, commits } = createCountingStore();
    const id = await createPost();

    expect(await store.saveEffect(rename(id, { from: 'another', to: 'renamed' }), {})).toBeUndefined();
    expect(await store.saveEffect(rename(id, { from: 'counter', to: 'renamed' }), {})).toBe('new');
    expect(commits.count).toBe(1);
  });

  it('a cause without an effect -> noted once', async () => {
    const { store, skips } = createCountingStore();
    const cause = inboundEventOf(`order/${uuidv7()}`, 1);
    await store.markProcessed(cause);
    await store.markProcessed(cause);
    expect(skips).toEqual(['duplicate']);
    expect(await client.inbox.count({ where: { eventId: cause.eventId } })).toBe(1);
  });
});

describe('saveEffects', () => {
  const count = (causes: readonly (InboundEvent & { id: string })[]) => {
    const { noted, isNew, verdicts } = causesClauses(
      sql`SELECT id FROM posts WHERE id IN (SELECT id FROM causes) AND title = 'counter' FOR UPDATE`,
    );
    return sql`
      WITH causes AS (
        SELECT * FROM json_to_recordset(${JSON.stringify(causes)}::json) AS cause (
          id uuid, "eventId" uuid, type text, aggregate text, sequence integer
        )
      ), ${noted} saved AS (
        UPDATE posts SET views = views + 1 WHERE id IN (SELECT id FROM due WHERE ${isNew}) RETURNING id
      ), published AS (
        ${outboxInsert(
          causes.map(({ id, sequence }) => revoked(id, sequence)),
          { onlyIf: sql`SELECT FROM saved WHERE saved.id::text = event.subject` },
        )}
      ) ${verdicts}`;
  };
  const causeOf = (id: string, sequence: number) => ({ ...inboundEventOf(`order/${id}`, sequence), id });

  it('new ones, one that had its effect, an older one and one that a guard stops -> each its own verdict and effect', async () => {
    const skips: string[] = [];
    const onSkip = ({ aggregate }: InboundEvent, reason: string) => skips.push(`${aggregate} ${reason}`);
    const store = new AtomicStore({ client, onCommit: () => undefined, onSkip });
    const [first, second, repeated, late] = [
      await createPost(),
      await createPost(),
      await createPost(),
      await createPost(),
    ];
    const unknown = uuidv7();
    const again = causeOf(repeated, 1);
    const newer = causeOf(late, 2);
    await store.saveEffects(count([again, newer]), [again, newer]);
    const causes = [causeOf(first, 1), again, causeOf(unknown, 1), causeOf(late, 1), causeOf(second, 1)];

    const verdicts = await store.saveEffects(count(causes), causes);

    expect(causes.map(({ eventId }) => verdicts.get(eventId))).toEqual(['new', 'duplicate', undefined, 'stale', 'new']);
    expect(await Promise.all([first, second, repeated, late].map(viewsOf))).toEqual([1, 1, 1, 1]);
    expect(skips).toEqual([`order/${repeated} duplicate`, `order/${late} stale`]);
    expect(await Promise.all([first, second, unknown].map(async (id) => (await eventsOf(id)).length))).toEqual([
      1, 1, 0,
    ]);
    expect(await client.inbox.count({ where: { eventId: causes[2]!.eventId } })).toBe(0);
  });

  it('the same causes in many statements at once -> one effect each', async () => {
    const { store, commits } = createStore();
    const causes = (await Promise.all(Array.from({ length: 5 }, createPost))).map((id) => causeOf(id, 1));

    await Promise.all(Array.from({ length: 10 }, () => store.saveEffects(count(causes), causes)));

    expect(await Promise.all(causes.map(({ id }) => viewsOf(id)))).toEqual([1, 1, 1, 1, 1]);
    expect(await Promise.all(causes.map(async ({ id }) => (await eventsOf(id)).length))).toEqual([1, 1, 1, 1, 1]);
    expect(commits.count).toBe(1);
  });
});
