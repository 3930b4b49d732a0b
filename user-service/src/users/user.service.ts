import type { Actor, RevocationList } from '@shop/common/auth';
import type { AuditActor, ResourceView } from '@shop/common/contracts';
import { retryLostRaces, type Precondition } from '@shop/common/errors';
import type { JsonRows, JsonSlice, PageRequest } from '@shop/common/paging';
import type { NewSession } from '../sessions/session.js';
import { changedBy } from './user.audit.js';
import { AdminFieldsForbidden, UserChangedMeanwhile, UserNotFound } from './user.errors.js';
import { eventsOf } from './user.events.js';
import type { UserFilter, UserRepository } from './user.repository.js';
import { changePassword, changeUser, deleteUser, type User, type UserChange, type UserChanges } from './user.js';

export interface UserServiceParts {
  users: UserRepository;
  /** This process's own list: it needn't wait for its events to come back. */
  revocations: RevocationList;
  clock: () => Date;
}

/** An admin sees everybody, a user itself only. */
const maySee = (actor: Actor, id: string): boolean => actor.role === 'admin' || actor.id === id;
const scopeOf = (actor: Actor): UserFilter => (actor.role === 'admin' ? {} : { visibleId: actor.id });

export class UserService {
  readonly #users: UserRepository;
  readonly #revocations: RevocationList;
  readonly #clock: () => Date;

  constructor({ users, revocations, clock }: UserServiceParts) {
    this.#users = users;
    this.#revocations = revocations;
    this.#clock = clock;
  }

  /** Throws UserNotFound, also where the actor may not see the user. */
  async get(actor: Actor, id: string): Promise<User> {
    const user = maySee(actor, id) ? await this.#users.find(id) : undefined;
    if (user === undefined) throw new UserNotFound();
    return user;
  }

  /** As answers show it. Throws UserNotFound. */
  async view(actor: Actor, id: string): Promise<ResourceView> {
    const view = maySee(actor, id) ? await this.#users.findView(id) : undefined;
    if (view === undefined) throw new UserNotFound();
    return view;
  }

  list(actor: Actor, filter: UserFilter, request: PageRequest): Promise<JsonSlice> {
    return this.#users.list({ ...filter, ...scopeOf(actor) }, request);
  }

  listByIds(actor: Actor, filter: UserFilter & { ids: readonly string[] }): Promise<JsonRows> {
    return this.#users.listAll({ ...filter, ...scopeOf(actor) });
  }

  /** Throws UserNotFound, AdminFieldsForbidden, PreconditionFailed, AccessRevoked, LastAdmin. */
  update(actor: Actor, id: string, changes: UserChanges, precondition?: Precondition): Promise<User> {
    const touchesAdminFields = changes.isActive !== undefined || changes.role !== undefined;
    return retryLostRaces(async () => {
      const user = await this.get(actor, id);
      if (touchesAdminFields && actor.role !== 'admin') throw new AdminFieldsForbidden();
      precondition?.(user.version);
      const change = changeUser(user, changes, this.#clock());
      return change === undefined ? user : this.#save(actor, change, { actor });
    });
  }

  /** Throws UserNotFound, PreconditionFailed, AccessRevoked, LastAdmin. */
  async delete(actor: Actor, id: string, precondition?: Precondition): Promise<void> {
    await retryLostRaces(async () => {
      const user = await this.get(actor, id);
      precondition?.(user.version);
      await this.#save(actor, deleteUser(user, this.#clock()), { actor });
    });
  }

  /** Ends every login of the user, whose password has been checked, and starts `session`. Throws UserChangedMeanwhile, PreconditionFailed. */
  changePassword(
    checked: User,
    passwordHash: string,
    { session, precondition }: { session: NewSession; precondition: Precondition | undefined },
  ): Promise<User> {
    return retryLostRaces(async () => {
      const user = await this.#users.find(checked.id);
      // Another password, role or state since then: what was checked is worth nothing now.
      if (user?.tokenVersion !== checked.tokenVersion) throw new UserChangedMeanwhile();
      precondition?.(user.version);
      return this.#save(user, changePassword(user, passwordHash, this.#clock()), { session });
    });
  }

  /** `actor`: the one whose token asks for it, to be looked at once more. */
  async #save(
    by: AuditActor,
    change: UserChange,
    { actor, session }: { actor?: Actor; session?: NewSession },
  ): Promise<User> {
    await this.#users.save(change, { events: eventsOf(change), audit: changedBy(by, change), actor, session });
    const { after, accessEnd } = change;
    if (accessEnd !== undefined) this.#revocations.add({ userId: after.id, minimumVersion: after.tokenVersion });
    return after;
  }
}
