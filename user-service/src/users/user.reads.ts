import type { UserResource } from '@shop/common/contracts';
import { jsonObject, jsonTime, type Expressions } from '@shop/common/database';
import { Prisma } from '../generated/prisma/client.js';

/** What toResource makes of a row. */
const user: Expressions<UserResource> = {
  id: 'id',
  email: 'email',
  firstName: 'first_name',
  lastName: 'last_name',
  fullName: `first_name || ' ' || last_name`,
  role: 'role',
  isActive: 'is_active',
  createdAt: jsonTime('created_at'),
  updatedAt: jsonTime('updated_at'),
};

export const userJson = Prisma.raw(jsonObject(user));
