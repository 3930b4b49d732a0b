import type { Request } from 'express';
import { orderStatuses } from '@shop/common/contracts';
import { InvalidInput } from '@shop/common/errors';
import {
  amount,
  bodyOf,
  currency,
  integer,
  listOf,
  oneOf,
  optional,
  pageRules,
  paramsOf,
  perGroupRule,
  queryIds,
  queryOf,
  queryTime,
  refuseTurnedRange,
  text,
  uuid,
  withDefault,
} from '@shop/common/http';
import { refusePaging, type PageQuery } from '@shop/common/paging';
import type { OrderStatus } from './order.js';

export const createOrderBody = bodyOf({
  currency: withDefault(currency(), 'USD'),
  shippingAddress: text({ max: 500 }),
  notes: optional(text({ min: 0, max: 1_000 })),
  items: listOf(
    {
      productId: text({ max: 255 }),
      productName: text({ max: 255 }),
      quantity: integer({ min: 1, max: 10_000 }),
      unitPrice: amount(),
    },
    { min: 1, max: 100 },
  ),
});
export type CreateOrderBody = Awaited<ReturnType<typeof createOrderBody>>;

export const changeStatusBody = bodyOf({
  status: oneOf(orderStatuses),
  reason: optional(text({ min: 0, max: 500 })),
});
export type ChangeStatusBody = Awaited<ReturnType<typeof changeStatusBody>>;

export const orderParams = paramsOf({ id: uuid() });
export type OrderParams = Awaited<ReturnType<typeof orderParams>>;

const filterRules = {
  status: optional(oneOf(orderStatuses)),
  createdFrom: optional(queryTime()),
  createdTo: optional(queryTime()),
};

/** A page of a list, and the conditions of that list. */
export interface OrderPageQuery {
  kind: 'page';
  page: PageQuery;
  filters: { status: OrderStatus | undefined; createdFrom: Date | undefined; createdTo: Date | undefined };
}

/** Which orders are asked for: a page of a list, those named, or the newest of some users. */
export type OrderListQuery =
  | OrderPageQuery
  | { kind: 'ids'; ids: readonly string[] }
  | { kind: 'users'; userIds: readonly string[]; perUser: number };

const pageQuery = queryOf({ ...pageRules, ...filterRules });

export async function ownOrdersQuery(request: Request): Promise<OrderPageQuery> {
  return toPageQuery(await pageQuery(request));
}

const listQuery = queryOf({
  ...pageRules,
  ...filterRules,
  ids: optional(queryIds()),
  userIds: optional(queryIds()),
  perUser: perGroupRule,
});

export async function ordersQuery(request: Request): Promise<OrderListQuery> {
  const { ids, userIds, perUser, ...query } = await listQuery(request);
  if (ids === undefined && userIds === undefined) {
    refuse({ perUser: request.query.perUser }, 'is for a batch of userIds');
    return toPageQuery(query);
  }
  refusePaging(query);
  const { status, createdFrom, createdTo } = query;
  refuse({ status, createdFrom, createdTo }, 'can not be combined with a batch of ids');
  if (userIds === undefined) {
    refuse({ perUser: request.query.perUser }, 'is for a batch of userIds');
    return { kind: 'ids', ids: ids ?? [] };
  }
  refuse({ ids }, 'can not be combined with userIds');
  return { kind: 'users', userIds, perUser };
}

function toPageQuery({
  status,
  createdFrom,
  createdTo,
  ...page
}: Awaited<ReturnType<typeof pageQuery>>): OrderPageQuery {
  refuseTurnedRange({ createdFrom, createdTo });
  return { kind: 'page', page, filters: { status, createdFrom, createdTo } };
}

/** Throws InvalidInput for each parameter that is there. */
function refuse(parameters: Record<string, unknown>, message: string): void {
  const given = Object.keys(parameters).filter((field) => parameters[field] !== undefined);
  if (given.length > 0) throw new InvalidInput(given.map((field) => ({ field, message })));
}
