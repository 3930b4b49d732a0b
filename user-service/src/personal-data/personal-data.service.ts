import type { Actor } from '@shop/common/auth';
import type { AuditRecord, AuditTrail } from '@shop/common/database';
import type { PageRequest, Slice } from '@shop/common/paging';
import type { SessionRepository } from '../sessions/session.repository.js';
import type { LiveSession } from '../sessions/session.js';
import { dataExported } from '../users/user.audit.js';
import type { User } from '../users/user.js';
import type { UserService } from '../users/user.service.js';

export interface PersonalDataServiceParts {
  users: Pick<UserService, 'get'>;
  sessions: Pick<SessionRepository, 'listLive'>;
  auditTrail: Pick<AuditTrail, 'list' | 'note'>;
  clock: () => Date;
}

export interface AccountData {
  user: User;
  sessions: readonly LiveSession[];
}

/** What this service knows of a user, for the user itself or an admin. */
export class PersonalDataService {
  readonly #users: PersonalDataServiceParts['users'];
  readonly #sessions: PersonalDataServiceParts['sessions'];
  readonly #auditTrail: PersonalDataServiceParts['auditTrail'];
  readonly #clock: () => Date;

  constructor({ users, sessions, auditTrail, clock }: PersonalDataServiceParts) {
    this.#users = users;
    this.#sessions = sessions;
    this.#auditTrail = auditTrail;
    this.#clock = clock;
  }

  /** Gives nothing before it is noted who asked for it. Throws UserNotFound. */
  async export(actor: Actor, id: string): Promise<AccountData> {
    const user = await this.#users.get(actor, id);
    await this.#auditTrail.note(dataExported(actor, user));
    return { user, sessions: await this.#sessions.listLive(id, this.#clock()) };
  }

  /** What was done to a user. From where others did it is their own affair. Throws UserNotFound. */
  async listAuditEntries(actor: Actor, id: string, request: PageRequest): Promise<Slice<AuditRecord>> {
    await this.#users.get(actor, id);
    const about = { actorId: undefined, subjectId: id, action: undefined, from: undefined, to: undefined };
    const { rows, total } = await this.#auditTrail.list(about, request);
    return { rows: rows.map((entry) => withoutOthers(entry, id)), total };
  }
}

/** An entry by nobody known keeps its address: its user may want to know who tried. */
const withoutOthers = (entry: AuditRecord, userId: string): AuditRecord =>
  entry.actorId === null || entry.actorId === userId
    ? entry
    : { ...entry, clientAddress: null, requestId: null, traceId: null };
