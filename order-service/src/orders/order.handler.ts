import type { Actor } from '@shop/common/auth';
import { leaseOf, created, deleted, ok, page, type Admit, type Input, type Reply } from '@shop/common/http';
import { batchMeta, metaOf, toPageRequest, type JsonRows } from '@shop/common/paging';
import type { DetailedOrder } from './order.js';
import { toDetailedResource } from './order.resource.js';
import type { OrderService } from './order.service.js';
import type {
  ChangeStatusBody,
  CreateOrderBody,
  OrderListQuery,
  OrderPageQuery,
  OrderParams,
} from './order.validator.js';

/** Between HTTP and the use cases. */
export class OrderHandler {
  readonly #orders: OrderService;

  constructor(orders: OrderService) {
    this.#orders = orders;
  }

  create = async ({ actor, body, leasedKey }: Input<unknown, unknown, CreateOrderBody>): Promise<Reply> =>
    placed(await this.#orders.place(actor, body, leaseOf(leasedKey, placed)));

  list = async ({ actor, query, admit }: Input<unknown, OrderListQuery>): Promise<Reply> => {
    switch (query.kind) {
      case 'ids':
        return batch(await this.#orders.listByIds(actor, query.ids, admit));
      case 'users':
        return batch(await this.#orders.listNewestOfUsers(actor, query, admit));
      case 'page':
        return this.#page(actor, query, 'visible', admit);
    }
  };

  listOwn = async ({ actor, query, admit }: Input<unknown, OrderPageQuery>): Promise<Reply> =>
    this.#page(actor, query, 'own', admit);

  get = async ({ actor, params, admit }: Input<OrderParams>): Promise<Reply> => {
    const { json, version, bytes } = await this.#orders.view(actor, params.id);
    await admit(bytes);
    return ok('Order retrieved', json, version);
  };

  changeStatus = async ({
    actor,
    params,
    body,
    precondition,
    admit,
  }: Input<OrderParams, unknown, ChangeStatusBody>): Promise<Reply> => {
    const order = await this.#orders.changeStatus(actor, params.id, body, precondition);
    await admit(order.bytes);
    return ok('Order status updated', toDetailedResource(order), order.version);
  };

  remove = async ({ actor, params, precondition }: Input<OrderParams>): Promise<Reply> => {
    await this.#orders.remove(actor, params.id, precondition);
    return deleted('Order deleted');
  };

  async #page(
    actor: Actor,
    { page: asked, filters, statusHistory }: OrderPageQuery,
    scope: 'own' | 'visible',
    admit: Admit,
  ): Promise<Reply> {
    const list = { scope, ...filters };
    const request = toPageRequest(asked, list);
    const how = { detailed: statusHistory, admit };
    const { rows, ...slice } = await this.#orders.list(actor, list, request, how);
    return page('Orders retrieved', rows, metaOf(slice, request, list));
  }
}

const placed = (order: DetailedOrder): Reply =>
  created('Order created', toDetailedResource(order), {
    location: `/api/v1/orders/${order.id}`,
    version: order.version,
  });

const batch = ({ rows, count }: JsonRows): Reply => page('Orders retrieved', rows, batchMeta(count));
