import { orderReader, type ReadOrder, type OrderStatus } from '@shop/common/contracts';
import { z } from 'zod';
import type { CallerService } from '../caller-service.js';
import type { CreateOrderInput } from '../generated/resolvers.js';
import type { Connection, PageQuery } from '../page.js';
import { resourcePath } from '../resource-path.js';

const ORDERS = '/api/v1/orders';

const orders = z.array(orderReader);
/** Passed on as they come, also what this version does not know of. */
const wholeOrders = z.array(z.looseObject({}));

export interface OrderPageQuery extends PageQuery {
  status: OrderStatus | null | undefined;
}

/** What the gateway asks of order-service. */
export class OrderClient {
  readonly #service: CallerService;

  constructor(service: CallerService) {
    this.#service = service;
  }

  async get(id: string): Promise<ReadOrder> {
    return this.#service.ask(orderReader, { method: 'GET', path: resourcePath(ORDERS, id) });
  }

  list(query: OrderPageQuery): Promise<Connection<ReadOrder>> {
    return this.#service.page(orders, ORDERS, { ...query });
  }

  listOwn(query: OrderPageQuery): Promise<Connection<ReadOrder>> {
    return this.#service.page(orders, `${ORDERS}/my-orders`, { ...query });
  }

  /** All that is known of one user's orders. */
  ofUser(userId: string, query: PageQuery): Promise<Connection<object>> {
    return this.#service.page(wholeOrders, ORDERS, { ...query, userId, statusHistory: true });
  }

  byIds(ids: readonly string[]): Promise<readonly ReadOrder[]> {
    return this.#service.ask(orders, { method: 'GET', path: ORDERS, query: { ids: ids.join(',') } });
  }

  /** The newest orders of each user; without `perUser`, as many as the service thinks fit. */
  ofUsers(userIds: readonly string[], perUser: number | undefined): Promise<readonly ReadOrder[]> {
    const query = { userIds: userIds.join(','), perUser };
    return this.#service.ask(orders, { method: 'GET', path: ORDERS, query });
  }

  create(body: CreateOrderInput, idempotencyKey: string | undefined): Promise<ReadOrder> {
    return this.#service.ask(orderReader, { method: 'POST', path: ORDERS, body, idempotencyKey });
  }

  async changeStatus(id: string, body: { status: OrderStatus; reason?: string | null }): Promise<ReadOrder> {
    return this.#service.ask(orderReader, { method: 'PATCH', path: `${resourcePath(ORDERS, id)}/status`, body });
  }
}
