import { preparedStatements, softDelete, type DatabaseAdapter } from '@shop/common/database';
import { Prisma, PrismaClient } from './generated/prisma/client.js';

/** The client of this service's database, in which deleted users are invisible. */
export const createDatabase = (adapter: DatabaseAdapter) =>
  new PrismaClient({ adapter })
    .$extends(
      softDelete(Prisma, {
        models: ['User'],
        relations: { 'User.sessions': 'Session', 'Session.refreshTokens': 'RefreshToken' },
      }),
    )
    .$extends(preparedStatements(adapter));
export type Database = ReturnType<typeof createDatabase>;
