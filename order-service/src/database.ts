import { preparedStatements, softDelete, type DatabaseAdapter } from '@shop/common/database';
import { Prisma, PrismaClient } from './generated/prisma/client.js';

/** This service's own database; orders that were deleted are invisible in it. */
export const createDatabase = (adapter: DatabaseAdapter) =>
  new PrismaClient({ adapter })
    .$extends(softDelete(Prisma, { models: ['Order'] }))
    .$extends(preparedStatements(adapter));
export type Database = ReturnType<typeof createDatabase>;
