import type { EventDraft } from '@shop/common/contracts';

/** Access tokens of a login stop working. The login is the event's subject; it ends once, so this is its first event. */
export const sessionRevoked = (
  { userId, sessionId }: { userId: string; sessionId: string },
  reason: 'logout' | 'reuse',
): EventDraft => ({
  type: 'user.access_revoked',
  subject: sessionId,
  sequence: 1,
  data: { userId, sid: sessionId, reason },
});
