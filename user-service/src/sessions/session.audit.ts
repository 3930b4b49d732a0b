import type { AuditActor, AuditEntry } from '@shop/common/contracts';
import { userEntry } from '../users/user.audit.js';
import type { User } from '../users/user.js';

export const loggedIn = (user: User, sessionId: string): AuditEntry =>
  userEntry('user.logged_in', user, user, { sessionId });

export const loggedOut = (actor: AuditActor, sessionId: string): AuditEntry =>
  userEntry('user.logged_out', actor, actor, { sessionId });

/** The system ended the oldest login of a user who has too many. */
export const evicted = (user: User, sessionId: string): AuditEntry =>
  userEntry('user.logged_out', null, user, { sessionId, reason: 'too_many_log_ins' });

/** Somebody presented a refresh token that was replaced long ago: its owner or a thief. */
export const refreshTokenReused = (user: User, sessionId: string): AuditEntry =>
  userEntry('refresh_token.reused', null, user, { sessionId });

export type LoginFailure = 'wrong_credentials' | 'deactivated' | 'throttled';

/** Nobody was let in. The address that was tried stands there as a keyed hash: it may be a stranger's, or a typing error. */
export const loginFailed = (
  reason: LoginFailure,
  { user, emailHash }: { user?: User | undefined; emailHash: string },
): AuditEntry => ({
  action: 'user.login_failed',
  actor: null,
  subject: user === undefined ? null : { kind: 'user', id: user.id },
  details: { reason, emailHash },
});
