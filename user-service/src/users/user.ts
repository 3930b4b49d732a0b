export type Role = 'user' | 'admin';

export interface User {
  readonly id: string;
  /** In lower case. */
  readonly email: string;
  readonly passwordHash: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly role: Role;
  readonly isActive: boolean;
  /** Access tokens carry it as `ver`; those of a lower version are refused. */
  readonly tokenVersion: number;
  /** The sequence of the last event that described this user. */
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deletedAt: Date | null;
}

export interface UserChanges {
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
  readonly isActive?: boolean | undefined;
  readonly role?: Role | undefined;
}

/** Why all access tokens issued so far stop working. */
export type AccessEnd = 'deactivated' | 'deleted' | 'password_changed' | 'role_changed';

/** A user before and after, to be saved together with the events that describe it. */
export interface UserChange {
  readonly before: User;
  readonly after: User;
  /** Set where the access tokens issued so far stop working. */
  readonly accessEnd: AccessEnd | undefined;
}

export function createUser(
  fields: Pick<User, 'id' | 'email' | 'passwordHash' | 'firstName' | 'lastName' | 'role'>,
  now: Date,
): User {
  return { ...fields, isActive: true, tokenVersion: 1, version: 1, createdAt: now, updatedAt: now, deletedAt: null };
}

/** undefined where the user is so already. */
export function changeUser(user: User, changes: UserChanges, now: Date): UserChange | undefined {
  const { firstName = user.firstName, lastName = user.lastName, isActive = user.isActive, role = user.role } = changes;
  const isDeactivated = user.isActive && !isActive;
  const hasNewRole = role !== user.role;
  const hasNewRest = firstName !== user.firstName || lastName !== user.lastName || isActive !== user.isActive;
  if (!hasNewRole && !hasNewRest) return undefined;
  const accessEnd = isDeactivated ? 'deactivated' : hasNewRole ? 'role_changed' : undefined;
  return changeOf(user, { firstName, lastName, isActive, role }, accessEnd, now);
}

export const changePassword = (user: User, passwordHash: string, now: Date): UserChange =>
  changeOf(user, { passwordHash }, 'password_changed', now);

export const deleteUser = (user: User, now: Date): UserChange => changeOf(user, { deletedAt: now }, 'deleted', now);

/** Each event takes a sequence of its own: that of the change, and that of the end of access. */
function changeOf(before: User, fields: Partial<User>, accessEnd: AccessEnd | undefined, now: Date): UserChange {
  const endsAccess = accessEnd !== undefined;
  const after = {
    ...before,
    ...fields,
    updatedAt: now,
    version: before.version + (endsAccess ? 2 : 1),
    tokenVersion: before.tokenVersion + (endsAccess ? 1 : 0),
  };
  return { before, after, accessEnd };
}

export const isActiveAdmin = ({ role, isActive, deletedAt }: User): boolean =>
  role === 'admin' && isActive && deletedAt === null;

/** Whether there is one active admin less afterwards. */
export const losesAdmin = ({ before, after }: UserChange): boolean => isActiveAdmin(before) && !isActiveAdmin(after);
