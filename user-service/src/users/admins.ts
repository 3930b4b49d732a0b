import type { Logger } from '@shop/common/logger';
import type { PasswordHasher } from './password-hasher.js';
import { adminCreated } from './user.audit.js';
import { userCreated } from './user.events.js';
import { createUser } from './user.js';
import type { UserRepository } from './user.repository.js';

export interface NewAdmin {
  email: string;
  password: string;
  users: UserRepository;
  passwords: PasswordHasher;
  newId: () => string;
  clock: () => Date;
}

async function adminOf({ email, password, passwords, newId, clock }: NewAdmin, firstName: string) {
  const passwordHash = await passwords.hash(password);
  const names = { firstName, lastName: 'Admin' };
  const admin = createUser({ id: newId(), email, passwordHash, ...names, role: 'admin' }, clock());
  return [admin, { events: [userCreated(admin)], audit: [adminCreated(admin)] }] as const;
}

/** Creates an admin at the word of whoever runs the system. Throws EmailTaken. */
export async function createAdmin(wanted: NewAdmin): Promise<void> {
  await wanted.users.add(...(await adminOf(wanted, 'An')));
}

/**
 * Creates the admin that the settings name, once: whoever deletes it or changes its password doesn't get it back at the
 * next start. Several processes may start at once.
 */
export async function ensureFirstAdmin({ logger, ...wanted }: NewAdmin & { logger: Logger }): Promise<void> {
  const { users, email } = wanted;
  // Looked up first, since a hash costs a good part of a start.
  const isNew = !(await users.wasEmailEverUsed(email));
  const isCreated = isNew && (await users.addUnlessEmailWasEverUsed(...(await adminOf(wanted, 'First'))));
  if (isCreated) logger.info('first admin created');
  else logger.warn('first admin not created: its email was used before');
}
