import type { UserResource } from '@shop/common/contracts';
import type { User } from './user.js';

/** A user as answers and events show it. */
export const toResource = (user: User): UserResource => ({
  id: user.id,
  email: user.email,
  firstName: user.firstName,
  lastName: user.lastName,
  fullName: `${user.firstName} ${user.lastName}`,
  role: user.role,
  isActive: user.isActive,
  createdAt: user.createdAt.toISOString(),
  updatedAt: user.updatedAt.toISOString(),
});
