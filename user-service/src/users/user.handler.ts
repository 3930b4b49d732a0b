import type { ResourceView } from '@shop/common/contracts';
import { deleted, ok, page, type Input, type Reply } from '@shop/common/http';
import { batchMeta, metaOf, refusePaging, toPageRequest, type PageQuery } from '@shop/common/paging';
import type { Role, UserChanges } from './user.js';
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
      const { rows, count } = await this.#users.listByIds(actor, { ...filters, ids });
      return page('Users retrieved', rows, batchMeta(count));
    }
    const request = toPageRequest(query, filters);
    const { rows, ...slice } = await this.#users.list(actor, filters, request);
    return page('Users retrieved', rows, metaOf(slice, request, filters));
  };

  me = async ({ actor }: Input): Promise<Reply> => viewed(await this.#users.view(actor, actor.id));

  get = async ({ actor, params }: Input<UserId>): Promise<Reply> => viewed(await this.#users.view(actor, params.id));

  update = async ({ actor, params, body, precondition }: Input<UserId, unknown, UserChanges>): Promise<Reply> => {
    const user = await this.#users.update(actor, params.id, body, precondition);
    return ok('User updated', toResource(user), user.version);
  };

  delete = async ({ actor, params, precondition }: Input<UserId>): Promise<Reply> => {
    await this.#users.delete(actor, params.id, precondition);
    return deleted('User deleted');
  };
}

const viewed = ({ json, version }: ResourceView): Reply => ok('User retrieved', json, version);
