import type { ReadOrder } from '@shop/common/contracts';
import DataLoader from 'dataloader';
import { BatchLoader, MAX_BATCH_SIZE, fetchInParts } from '../batch-loader.js';
import type { OrderClient } from './order.client.js';

type OrdersOfUser = DataLoader<string, ReadOrder[]>;

export interface OrderLoaders {
  readonly orderById: BatchLoader<ReadOrder>;
  /** The newest orders of a user; without a limit, as many as the service thinks fit. */
  readonly ordersOfUser: (limit: number | undefined) => OrdersOfUser;
}

export function orderLoaders(orders: OrderClient): OrderLoaders {
  const byLimit = new Map<number | undefined, OrdersOfUser>();
  return {
    orderById: new BatchLoader(
      (ids) => orders.byIds(ids),
      ({ id }) => id,
    ),
    ordersOfUser: (limit) => {
      const loader = byLimit.get(limit) ?? newestOrders(orders, limit);
      byLimit.set(limit, loader);
      return loader;
    },
  };
}

const newestOrders = (orders: OrderClient, limit: number | undefined): OrdersOfUser =>
  new DataLoader(
    async (userIds) => {
      const found = await fetchInParts(userIds, (part) => orders.ofUsers(part, limit));
      const byUser = Map.groupBy(found, ({ userId }) => userId);
      return userIds.map((userId) => byUser.get(userId) ?? []);
    },
    { maxBatchSize: MAX_BATCH_SIZE },
  );
