import type { AuditAction, AuditActor, AuditDetails, AuditEntry } from '@shop/common/contracts';
import type { User, UserChange } from './user.js';

/** Of something done to a user; null: by the system itself, or by nobody known. */
export const userEntry = (
  action: AuditAction,
  actor: AuditActor | null,
  user: Pick<User, 'id'>,
  details: AuditDetails = {},
): AuditEntry => ({ action, actor, subject: { kind: 'user', id: user.id }, details });

export const registered = (user: User): AuditEntry => userEntry('user.registered', user, user);

/** By whoever runs the system. */
export const adminCreated = (admin: User): AuditEntry =>
  userEntry('user.registered', null, admin, { role: admin.role });

/** All that is known of a user was given to somebody. */
export const dataExported = (actor: AuditActor, user: Pick<User, 'id'>): AuditEntry =>
  userEntry('user.data_exported', actor, user);

/** By the system itself. */
export const anonymised = (user: Pick<User, 'id'>): AuditEntry => userEntry('user.anonymised', null, user);

/** What somebody did by a change. Of a changed name it says that it was changed, and only where it is another's. */
export function changedBy(actor: AuditActor, { before, after, accessEnd }: UserChange): AuditEntry[] {
  const entry = (action: AuditAction, details?: AuditDetails) => userEntry(action, actor, after, details);
  if (after.deletedAt !== null) return [entry('user.deleted')];
  if (accessEnd === 'password_changed') return [entry('user.password_changed')];
  const fields = (['firstName', 'lastName'] as const).filter((field) => before[field] !== after[field]);
  return [
    ...(before.role === after.role ? [] : [entry('user.role_changed', { from: before.role, to: after.role })]),
    ...(before.isActive === after.isActive ? [] : [entry(after.isActive ? 'user.activated' : 'user.deactivated')]),
    ...(fields.length === 0 || actor.id === after.id ? [] : [entry('user.updated', { fields })]),
  ];
}
