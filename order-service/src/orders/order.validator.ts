import { orderStatuses } from '@shop/common/contracts';
import { InvalidInput } from '@shop/common/errors';
import {
  amount,
  bodyOf,
  currency,
  described,
  integer,
  listOf,
  oneOf,
  optional,
  optionalText,
  pageRules,
  paramsOf,
  perGroupRule,
  queryFlag,
  queryIds,
  queryOf,
  queryTime,
  refineQuery,
  refuseTurnedRange,
  text,
  uuid,
  withDefault,
} from '@shop/common/http';
import { refusePaging, type PageQuery } from '@shop/common/paging';
import type { OrderStatus } from './order.js';

export const createOrderBody = bodyOf({
  currency: withDefault(currency(), 'USD'),
  shippingAddress: described(text({ max: 500 }), 'Where it goes.', '1 Main Street, Springfield'),
  notes: described(optionalText({ max: 1_000 }), 'For whoever delivers it.', 'Ring twice'),
  items: listOf(
    {
      productId: described(text({ max: 255 }), "The shop's own name for it; there is no catalogue.", 'book-42'),
      productName: described(text({ max: 255 }), 'As the customer sees it.', 'A book'),
      quantity: integer({ min: 1, max: 10_000 }),
      unitPrice: amount(),
    },
    { min: 1, max: 100 },
  ),
});
export type CreateOrderBody = Awaited<ReturnType<typeof createOrderBody>>;

export const changeStatusBody = bodyOf({
  status: described(oneOf(orderStatuses), 'The next one.', 'cancelled'),
  reason: described(optionalText({ max: 500 }), 'Why, for the history.', 'Ordered twice'),
});
export type ChangeStatusBody = Awaited<ReturnType<typeof changeStatusBody>>;

export const orderParams = paramsOf({ id: uuid() });
export type OrderParams = Awaited<ReturnType<typeof orderParams>>;

const filterRules = {
  status: optional(oneOf(orderStatuses)),
  createdFrom: optional(described(queryTime(), 'Inclusive.')),
  createdTo: optional(described(queryTime(), 'Exclusive.')),
};

/** A page of a list, and the conditions of that list. */
export interface OrderPageQuery {
  kind: 'page';
  page: PageQuery;
  filters: {
    userId: string | undefined;
    status: OrderStatus | undefined;
    createdFrom: Date | undefined;
    createdTo: Date | undefined;
  };
  /** Whether each comes with what has become of it. */
  statusHistory: boolean;
}

/** Which orders are asked for: a page of a list, those named, or the newest of some users. */
export type OrderListQuery =
  | OrderPageQuery
  | { kind: 'ids'; ids: readonly string[] }
  | { kind: 'users'; userIds: readonly string[]; perUser: number };

const historyRule = withDefault(described(queryFlag(), 'Whether each comes with its `statusHistory`.'), false);

const ownQuery = queryOf({ ...pageRules, ...filterRules, statusHistory: historyRule });

export const ownOrdersQuery = refineQuery(ownQuery, (query) => toPageQuery({ ...query, userId: undefined }));

const listQuery = queryOf({
  ...pageRules,
  ...filterRules,
  userId: optional(described(uuid(), 'Of this user alone, as far as you may see them.')),
  statusHistory: historyRule,
  ids: optional(described(queryIds(), 'These orders alone, as far as you may see them.')),
  userIds: optional(described(queryIds(), 'The newest orders of each of these users.')),
  perUser: perGroupRule,
});

export const ordersQuery = refineQuery(listQuery, (asked, request): OrderListQuery => {
  const { ids, userIds, perUser, ...query } = asked;
  if (ids === undefined && userIds === undefined) {
    refuse({ perUser: request.query.perUser }, 'is for a batch of userIds');
    return toPageQuery(query);
  }
  refusePaging(query);
  const { userId, status, createdFrom, createdTo } = query;
  const { statusHistory } = request.query;
  refuse({ userId, status, createdFrom, createdTo, statusHistory }, 'can not be combined with a batch of ids');
  if (userIds === undefined) {
    refuse({ perUser: request.query.perUser }, 'is for a batch of userIds');
    return { kind: 'ids', ids: ids ?? [] };
  }
  refuse({ ids }, 'can not be combined with userIds');
  return { kind: 'users', userIds, perUser };
});

function toPageQuery({
  userId,
  status,
  createdFrom,
  createdTo,
  statusHistory,
  ...page
}: Awaited<ReturnType<typeof ownQuery>> & { userId: string | undefined }): OrderPageQuery {
  refuseTurnedRange({ createdFrom, createdTo });
  return { kind: 'page', page, filters: { userId, status, createdFrom, createdTo }, statusHistory };
}

/** Throws InvalidInput for each parameter that is there. */
function refuse(parameters: Record<string, unknown>, message: string): void {
  const given = Object.keys(parameters).filter((field) => parameters[field] !== undefined);
  if (given.length > 0) throw new InvalidInput(given.map((field) => ({ field, message })));
}
