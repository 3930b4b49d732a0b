import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { createTestDatabase, type TestDatabase } from '@shop/testing';
import { createSoftDeleteClient, createTestClient } from '../../../test/database/test-client.js';
import { Prisma } from '../../../test/generated/prisma/client.js';
import { softDelete, SoftDeleteUnsupported } from '../index.js';

let database: TestDatabase;
let base: ReturnType<typeof createSoftDeleteClient>['base'];
let client: ReturnType<typeof createSoftDeleteClient>['client'];

beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: 'common/test/database' });
  ({ base, client } = createSoftDeleteClient(database.url));
});

afterAll(async () => {
  await base.$disconnect();
  await database.drop();
});

/** An author with one living and one deleted post, each with a comment. */
let author: string;
let living: string;
let deleted: string;
const GONE = { title: 'gone' };
const HERE = { title: 'here' };

beforeEach(async () => {
  [author, living, deleted] = [uuidv7(), uuidv7(), uuidv7()];
  await base.author.create({ data: { id: author, email: `${author}@example.com` } });
  await base.post.create({
    data: { id: living, ...HERE, authorId: author, comments: { create: { id: uuidv7(), text: 'seen' } } },
  });
  await base.post.create({
    data: { id: deleted, ...GONE, authorId: author, comments: { create: { id: uuidv7(), text: 'unseen' } } },
  });
  await client.post.delete({ where: { id: deleted } });
});

const ours = () => ({ authorId: author });
const visibleIds = (rows: readonly { id: string }[] | undefined) => rows?.map((row) => row.id);

describe('a deleted row is invisible', () => {
  it('find queries -> none finds it', async () => {
    const where = { id: deleted };
    expect(await client.post.findUnique({ where })).toBeNull();
    expect(await client.post.findFirst({ where })).toBeNull();
    await expect(client.post.findUniqueOrThrow({ where })).rejects.toMatchObject({ code: 'P2025' });
    await expect(client.post.findFirstOrThrow({ where })).rejects.toMatchObject({ code: 'P2025' });
    expect(visibleIds(await client.post.findMany({ where: ours() }))).toEqual([living]);
    expect(visibleIds(await client.post.findMany({ where: { OR: [{ id: deleted }, ours()] } }))).toEqual([living]);
  });

  it('find without any argument -> none is found either', async () => {
    expect(visibleIds(await client.post.findMany())).not.toContain(deleted);
    expect(await client.post.count()).toBe(await base.post.count({ where: { deletedAt: null } }));
  });

  it('counts, extremes and groups -> it is not in them', async () => {
    expect(await client.post.count({ where: ours() })).toBe(1);
    expect(await client.post.aggregate({ where: ours(), _count: true, _min: { title: true } })).toEqual({
      _count: 1,
      _min: HERE,
    });
    expect(await client.post.groupBy({ by: ['title'], where: ours(), _count: true })).toEqual([{ ...HERE, _count: 1 }]);
  });

  it('nested reads and their counts -> it is left out, at any depth', async () => {
    const found = await client.author.findUniqueOrThrow({
      where: { id: author },
      include: { posts: { include: { comments: true } }, _count: { select: { posts: true, edited: true } } },
    });
    expect(visibleIds(found.posts)).toEqual([living]);
    expect(found._count).toEqual({ posts: 1, edited: 0 });

    const profile = await base.profile.create({ data: { id: uuidv7(), biography: 'long', authorId: author } });
    const selected = await client.author.findUniqueOrThrow({
      where: { id: author },
      select: { posts: { where: { title: { in: ['here', 'gone'] } }, select: { id: true } }, profile: true },
    });
    expect(selected).toEqual({ posts: [{ id: living }], profile });
    const counted = await client.author.findUniqueOrThrow({
      where: { id: author },
      select: { _count: { select: { posts: { where: GONE } } } },
    });
    expect(counted._count.posts).toBe(0);
  });

  it('what writes answer -> it is left out there too', async () => {
    const updated = await client.author.update({
      where: { id: author },
      data: { version: 2 },
      include: { posts: true },
    });
    expect(visibleIds(updated.posts)).toEqual([living]);
  });

  it('a relation asked for by the fluent way -> it is left out', async () => {
    expect(visibleIds((await client.author.findUnique({ where: { id: author } }).posts()) ?? [])).toEqual([living]);
  });
});

describe('a deleted row is beyond reach', () => {
  it('updates -> not changed', async () => {
    await expect(client.post.update({ where: { id: deleted }, data: HERE })).rejects.toMatchObject({ code: 'P2025' });
    expect(await client.post.updateMany({ where: { id: deleted }, data: HERE })).toEqual({ count: 0 });
    expect(await client.post.updateManyAndReturn({ where: { id: deleted }, data: HERE })).toEqual([]);
    expect(await base.post.findUnique({ where: { id: deleted } })).toMatchObject(GONE);
  });

  it('connecting to it -> refused; to a living one -> done', async () => {
    const adopt = (id: string) =>
      client.author.create({ data: { id: uuidv7(), email: uuidv7(), posts: { connect: [{ id }] } } });
    await expect(adopt(deleted)).rejects.toMatchObject({ code: 'P2018' });
    expect(await base.post.findUnique({ where: { id: deleted } })).toMatchObject({ authorId: author });
    const { id: authorId } = await adopt(living);
    expect(await base.post.findUnique({ where: { id: living } })).toMatchObject({ authorId });
  });

  it('its unique values -> free again', async () => {
    const email = `${author}@example.com`;
    await expect(client.author.create({ data: { id: uuidv7(), email } })).rejects.toMatchObject({ code: 'P2002' });
    await client.author.delete({ where: { id: author } });
    expect(await client.author.create({ data: { id: uuidv7(), email } })).toMatchObject({ email });
  });
});

describe('deleting', () => {
  it('delete -> the row stays with its time of deletion; once only', async () => {
    const before = Date.now();
    const row = await client.post.delete({ where: { id: living } });

    expect(row).toMatchObject({ id: living, ...HERE });
    expect(row.deletedAt!.getTime()).toBeGreaterThanOrEqual(before);
    expect(await base.post.count({ where: ours() })).toBe(2);
    await expect(client.post.delete({ where: { id: living } })).rejects.toMatchObject({ code: 'P2025' });
  });

  it('deleteMany -> the living ones, which keep their rows; their deletion times are never changed', async () => {
    const before = await base.post.findUnique({ where: { id: deleted } });
    expect(await client.post.deleteMany({ where: ours() })).toEqual({ count: 1 });
    expect(await base.post.count({ where: ours() })).toBe(2);
    expect(await base.post.findUnique({ where: { id: deleted } })).toEqual(before);
  });

  it('in an interactive transaction that fails -> the row is back; in a batch -> all or nothing', async () => {
    const failing = client.$transaction(async (transaction) => {
      await transaction.post.delete({ where: { id: living } });
      expect(await transaction.post.count({ where: ours() })).toBe(0);
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await client.post.count({ where: ours() })).toBe(1);

    const batch = client.$transaction([
      client.post.delete({ where: { id: living } }),
      client.post.delete({ where: { id: deleted } }),
    ]);
    await expect(batch).rejects.toMatchObject({ code: 'P2025' });
    expect(await client.post.count({ where: ours() })).toBe(1);
  });

  it('models without soft deletion -> really deleted', async () => {
    const comments = { postId: living };
    await client.post.update({ where: { id: living }, data: { comments: { create: { id: uuidv7(), text: 'more' } } } });
    const [id, other] = [uuidv7(), uuidv7()];
    await client.comment.upsert({ where: { id }, create: { id, text: 'first', ...comments }, update: {} });
    await client.comment.create({ data: { id: other, text: 'second', ...comments } });
    await client.comment.delete({ where: { id: other } });
    const texts = await base.comment.findMany({ where: comments, orderBy: { text: 'asc' }, select: { text: true } });
    expect(texts).toEqual([{ text: 'first' }, { text: 'more' }, { text: 'seen' }]);
    expect(await client.comment.deleteMany({ where: comments })).toEqual({ count: 3 });
    expect(await base.comment.count({ where: comments })).toBe(0);
  });
});

describe('who names deletedAt decides', () => {
  it('in find, nested reads and updates -> deleted rows are seen, and can be restored', async () => {
    const where = { id: deleted, deletedAt: { not: null } };
    expect(await client.post.findFirst({ where })).toMatchObject(GONE);
    const found = await client.author.findFirstOrThrow({
      where: { id: author },
      include: { posts: { where: { deletedAt: { not: null } } } },
    });
    expect(visibleIds(found.posts)).toEqual([deleted]);
    await client.post.update({ where, data: { deletedAt: null } });
    expect(await client.post.count({ where: ours() })).toBe(2);
  });

  it('undefined by mistake -> deleted rows stay invisible', async () => {
    expect(await client.post.count({ where: { ...ours(), deletedAt: undefined } })).toBe(1);
  });
});

describe('what is not known to be visible is refused', () => {
  const id = uuidv7();
  const post = { id, title: 'new' };
  const refused: Record<string, () => PromiseLike<unknown>> = {
    'upsert of a deletable model': () => client.post.upsert({ where: { id }, create: post, update: {} }),
    'including a to-one relation to one': () => client.comment.findMany({ include: { post: true } }),
    'selecting through one': () => client.comment.findMany({ select: { post: { select: { title: true } } } }),
    'a to-one relation by the fluent way': () => client.comment.findUnique({ where: { id } }).post(),
    'a to-one relation nested in a list': () =>
      client.author.findMany({ include: { posts: { include: { author: true } } } }),
    'a to-one relation in what a write answers': () =>
      client.comment.create({ data: { id, text: '' }, include: { post: true } }),
    'counting all relations at once': () => client.author.findMany({ include: { _count: true } }),
    'ordering by a relation': () => client.comment.findMany({ orderBy: [{ post: { title: 'asc' } }] }),
    'ordering by a count': () => client.author.findMany({ orderBy: { posts: { _count: 'asc' } } }),
    'a filter over a to-many relation': () => client.author.findMany({ where: { posts: { some: GONE } } }),
    'the same, denied': () => client.author.findMany({ where: { NOT: { posts: { none: HERE } } } }),
    'a filter over a to-one relation': () => client.comment.findMany({ where: { post: GONE } }),
    'a filter through a relation that is not deletable': () =>
      client.profile.findMany({ where: { author: { version: 1 } } }),
    'a filter in a nested read': () =>
      client.author.findMany({ include: { posts: { where: { comments: { some: {} } } } } }),
    'connecting to a relation that is not in use': () =>
      client.comment.create({ data: { id, text: '', post: { connect: { id } } } }),
    'asking for the absence of a relation': () => client.comment.findMany({ where: { post: null } }),
    'asking so by is': () => client.comment.findMany({ where: { OR: [{ post: { is: null } }] } }),
    'nested delete': () => client.author.update({ where: { id }, data: { posts: { delete: { id } } } }),
    'nested deleteMany': () => client.author.update({ where: { id }, data: { posts: { deleteMany: {} } } }),
    'nested update': () =>
      client.author.update({ where: { id }, data: { posts: { update: { where: { id }, data: {} } } } }),
    'nested updateMany': () =>
      client.author.update({ where: { id }, data: { posts: { updateMany: { where: {}, data: {} } } } }),
    'nested upsert': () =>
      client.author.update({ where: { id }, data: { posts: { upsert: { where: { id }, create: post, update: {} } } } }),
    'nested set': () => client.author.update({ where: { id }, data: { posts: { set: [] } } }),
    'nested disconnect': () => client.author.update({ where: { id }, data: { posts: { disconnect: { id } } } }),
    'nested connectOrCreate': () =>
      client.comment.create({ data: { id, text: '', post: { connectOrCreate: { where: { id }, create: post } } } }),
    'the same in the creating half of an upsert': () =>
      client.comment.upsert({
        where: { id },
        create: { id, text: '', post: { connectOrCreate: { where: { id }, create: post } } },
        update: {},
      }),
  };

  it.each(Object.entries(refused))('%s -> refused', async (_, run) => {
    await expect(run()).rejects.toBeInstanceOf(SoftDeleteUnsupported);
  });

  it('nested creation -> allowed, since it touches no row that exists', async () => {
    const created = await client.author.create({
      data: {
        id: uuidv7(),
        email: uuidv7(),
        posts: { create: { id: uuidv7(), ...HERE }, createMany: { data: [{ id: uuidv7(), ...HERE }] } },
      },
      include: { posts: true },
    });
    expect(created.posts).toHaveLength(2);
  });

  it('names that the schema does not have -> refused at the start', () => {
    const { client: plain } = createTestClient(database.url);
    const extended = (models: string[], relations?: Record<string, string>) => () =>
      plain.$extends(softDelete(Prisma, { models, ...(relations && { relations }) }));
    expect(extended(['Authr'])).toThrow('no model Authr');
    expect(extended(['Comment'])).toThrow('no model Comment with a field deletedAt');
    expect(extended(['Post'], { 'Author.title.posts': 'Pst' })).toThrow('no relation to Pst');
    expect(extended(['Post'], { 'Author.email': 'Post' })).toThrow('Author.email is no relation');
  });
});
