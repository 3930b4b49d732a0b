import type { EventDraft } from '@shop/common/contracts';
import type { User, UserChange } from './user.js';
import { toResource } from './user.resource.js';

export const userCreated = (user: User): EventDraft => ({
  type: 'user.created',
  subject: user.id,
  sequence: user.version,
  data: toResource(user),
});

/** A later sequence than that of any event that described the user. */
export const userAnonymised = ({ id, version }: Pick<User, 'id' | 'version'>): EventDraft => ({
  type: 'user.anonymised',
  subject: id,
  sequence: version,
  data: { userId: id },
});

/** What a change tells: the user as it is now and, where its access tokens stop working, that they do. */
export function eventsOf({ before, after, accessEnd }: UserChange): EventDraft[] {
  const changed: EventDraft = {
    type: after.deletedAt === null ? 'user.updated' : 'user.deleted',
    subject: after.id,
    sequence: before.version + 1,
    data: toResource(after),
  };
  if (accessEnd === undefined) return [changed];
  const accessRevoked: EventDraft = {
    type: 'user.access_revoked',
    subject: after.id,
    sequence: after.version,
    data: { userId: after.id, minimumVersion: after.tokenVersion, reason: accessEnd },
  };
  return [changed, accessRevoked];
}
