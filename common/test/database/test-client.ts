import { Prisma, PrismaClient } from '../generated/prisma/client.js';
import { createDatabaseAdapter, preparedStatements, softDelete } from '../../src/database/index.js';

/** A client of the test schema with its adapter; nothing is deleted softly. */
export function createTestClient(url: string, { poolSize = 10 } = {}) {
  const adapter = createDatabaseAdapter({ url, poolSize, applicationName: 'test' });
  return { adapter, client: new PrismaClient({ adapter }).$extends(preparedStatements(adapter)) };
}

const SOFT_DELETE = {
  models: ['Author', 'Post'],
  relations: {
    'Author.posts': 'Post',
    'Author.edited': 'Author',
    'Author.profile': 'Profile',
    'Post.comments': 'Comment',
  },
};

/** A client on which authors and posts are deleted softly, and `base`, which shows all rows. */
export function createSoftDeleteClient(url: string) {
  const { client: base } = createTestClient(url);
  return { base, client: base.$extends(softDelete(Prisma, SOFT_DELETE)) };
}
