import { preparedStatements, type DatabaseAdapter } from '@shop/common/database';
import { PrismaClient } from './generated/prisma/client.js';

/** This service's own database. */
export const createDatabase = (adapter: DatabaseAdapter) =>
  new PrismaClient({ adapter }).$extends(preparedStatements(adapter));
export type Database = ReturnType<typeof createDatabase>;
