import { userReader, type Role, type ReadUser } from '@shop/common/contracts';
import { z } from 'zod';
import type { CallerService } from '../caller-service.js';
import type { Connection, PageQuery } from '../page.js';
import { resourcePath } from '../resource-path.js';

const USERS = '/api/v1/users';

const users = z.array(userReader);
const nothing = z.null();

/** Passed on as they come, also what this version does not know of. */
const accountData = z.looseObject({ user: z.looseObject({}), sessions: z.array(z.looseObject({})) });
const auditEntries = z.array(z.looseObject({}));

const authentication = z.object({
  token: z.string(),
  refreshToken: z.string(),
  expiresIn: z.int(),
  user: userReader,
});
export type Authentication = z.infer<typeof authentication>;

export interface UserChanges {
  firstName?: string | null;
  lastName?: string | null;
  isActive?: boolean | null;
  role?: Role | null;
}

/** What the gateway asks of user-service. */
export class UserClient {
  readonly #service: CallerService;

  constructor(service: CallerService) {
    this.#service = service;
  }

  register(body: { email: string; password: string; firstName: string; lastName: string }): Promise<Authentication> {
    return this.#service.askAnonymously(authentication, { method: 'POST', path: `${USERS}/register`, body });
  }

  login(body: { email: string; password: string }): Promise<Authentication> {
    return this.#service.askAnonymously(authentication, { method: 'POST', path: `${USERS}/login`, body });
  }

  refresh(refreshToken: string): Promise<Authentication> {
    const call = { method: 'POST', path: `${USERS}/refresh`, body: { refreshToken } } as const;
    return this.#service.askAnonymously(authentication, call);
  }

  async logOut(): Promise<void> {
    await this.#service.ask(nothing, { method: 'POST', path: `${USERS}/logout` });
  }

  me(): Promise<ReadUser> {
    return this.#service.ask(userReader, { method: 'GET', path: `${USERS}/me` });
  }

  async get(id: string): Promise<ReadUser> {
    return this.#service.ask(userReader, { method: 'GET', path: resourcePath(USERS, id) });
  }

  /** What user-service alone knows of a user; it notes who asked. */
  accountData(id: string): Promise<z.infer<typeof accountData>> {
    return this.#service.ask(accountData, { method: 'GET', path: `${resourcePath(USERS, id)}/personal-data` });
  }

  auditEntries(id: string, query: PageQuery): Promise<Connection<object>> {
    return this.#service.page(auditEntries, `${resourcePath(USERS, id)}/audit`, query);
  }

  list(query: PageQuery): Promise<Connection<ReadUser>> {
    return this.#service.page(users, USERS, query);
  }

  byIds(ids: readonly string[]): Promise<readonly ReadUser[]> {
    return this.#service.ask(users, { method: 'GET', path: USERS, query: { ids: ids.join(',') } });
  }

  async update(id: string, body: UserChanges): Promise<ReadUser> {
    return this.#service.ask(userReader, { method: 'PUT', path: resourcePath(USERS, id), body });
  }

  changePassword(body: { current: string; new: string }): Promise<Authentication> {
    return this.#service.ask(authentication, { method: 'PUT', path: `${USERS}/me/password`, body });
  }

  async remove(id: string): Promise<void> {
    await this.#service.ask(nothing, { method: 'DELETE', path: resourcePath(USERS, id) });
  }
}
