import type { PasswordHasher } from './password-hasher.js';
import { adminCreated } from './user.audit.js';
import { userCreated } from './user.events.js';
import { createUser } from './user.js';
import type { UserRepository } from './user.repository.js';

/** Creates an admin at the word of whoever runs the system. Throws EmailTaken. */
export async function createAdmin({
  email,
  password,
  users,
  passwords,
  newId,
  clock,
}: {
  email: string;
  password: string;
  users: UserRepository;
  passwords: PasswordHasher;
  newId: () => string;
  clock: () => Date;
}): Promise<void> {
  const passwordHash = await passwords.hash(password);
  const admin = createUser(
    { id: newId(), email, passwordHash, firstName: 'An', lastName: 'Admin', role: 'admin' },
    clock(),
  );
  await users.add(admin, { events: [userCreated(admin)], audit: [adminCreated(admin)] });
}
