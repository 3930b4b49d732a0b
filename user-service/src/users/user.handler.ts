import { deleted, ok, page, type Input, type Reply } from '@shop/common/http';
import { batchMeta, refusePaging, toPage, toPageRequest, type PageQuery } from '@shop/common/paging';
import type { Role, User, UserChanges } from './user.js';
import { toResource } from './user.resource.js';
import type { UserService } from './user.service.js';

interface UserId {
  id: string;
}

interface ListUsers extends PageQuery {
  ids: string[] | undefined;
  role: Role | undefined;
  isActive: boolean | undefined;
  email: string | undefined;
}

export class UserHandler {
  readonly #users: UserService;

  constructor(users: UserService) {
    this.#users = users;
  }

  list = async ({ actor, query }: Input<unknown, ListUsers>): Promise<Reply> => {
    const { ids, role, isActive, email } = query;
    const filters = { role, isActive, emailPrefix: email };
    if (ids !== undefined) {
      refusePaging(query);
      const users = await this.#users.findMany(actor, { ...filters, ids });
      return page('Users retrieved', users.map(toResource), batchMeta(users.length));
    }
    const request = toPageRequest(query, filters);
    const { rows, meta } = toPage(await this.#users.list(actor, filters, request), request, filters);
    return page('Users retrieved', rows.map(toResource), meta);
  };

  me = async ({ actor }: Input): Promise<Reply> => shown('User retrieved', await this.#users.get(actor, actor.id));

  get = async ({ actor, params }: Input<UserId>): Promise<Reply> =>
    shown('User retrieved', await this.#users.get(actor, params.id));

  update = async ({ actor, params, body, precondition }: Input<UserId, unknown, UserChanges>): Promise<Reply> =>
    shown('User updated', await this.#users.update(actor, params.id, body, precondition));

  delete = async ({ actor, params, precondition }: Input<UserId>): Promise<Reply> => {
    await this.#users.delete(actor, params.id, precondition);
    return deleted('User deleted');
  };
}

const shown = (message: string, user: User): Reply => ok(message, toResource(user), user.version);
