import type { Logger } from '@shop/common/logger';
import type { PasswordHasher } from './password-hasher.js';
import { adminCreated } from './user.audit.js';
import { userCreated } from './user.events.js';
import { createUser } from './user.js';
import type { UserRepository } from './user.repository.js';

/**
 * Creates the admin that the settings name, once: whoever deletes it or changes its password doesn't get it back at the
 * next start. Several processes may start at once.
 */
export async function ensureFirstAdmin({
  email,
  password,
  users,
  passwords,
  newId,
  clock,
  logger,
}: {
  email: string;
  password: string;
  users: UserRepository;
  passwords: PasswordHasher;
  newId: () => string;
  clock: () => Date;
  logger: Logger;
}): Promise<void> {
  // Looked up first, since a hash costs a good part of a start.
  const isNew = !(await users.wasEmailEverUsed(email));
  const isCreated = isNew && (await create());
  if (isCreated) logger.info('first admin created');
  else logger.warn('first admin not created: its email was used before');

  async function create(): Promise<boolean> {
    const passwordHash = await passwords.hash(password);
    const names = { firstName: 'First', lastName: 'Admin' };
    const admin = createUser({ id: newId(), email, passwordHash, ...names, role: 'admin' }, clock());
    return users.addUnlessEmailWasEverUsed(admin, {
      events: [userCreated(admin)],
      audit: [adminCreated(admin)],
    });
  }
}
