import { known, orderStatuses, type ReadOrder } from '@shop/common/contracts';
import type { Resolvers } from '../generated/resolvers.js';
import { pageQuery } from '../page.js';
import { orderTopic } from '../subscriptions/topics.js';

export const orderResolvers: Resolvers = {
  Query: {
    order: (_parent, { id }, { orders }) => orders.get(id),
    orders: (_parent, { status, ...part }, { orders }, info) => orders.list({ ...pageQuery(part, info), status }),
    myOrders: (_parent, { status, ...part }, { orders }, info) => orders.listOwn({ ...pageQuery(part, info), status }),
  },
  Mutation: {
    createOrder: (_parent, { input }, { orders, keyOf }, info) => orders.create(input, keyOf(info)),
    updateOrderStatus: (_parent, { id, status, reason }, { orders }) => orders.changeStatus(id, { status, reason }),
  },
  Subscription: {
    orderUpdated: {
      subscribe: (_parent, { id }, { orders, subscribe }, { fieldName: field }) =>
        subscribe({ field, topic: orderTopic(id), read: () => orders.get(id) }),
      resolve: (order: ReadOrder) => order,
    },
  },
  Order: {
    status: ({ status }) => known(orderStatuses, status),
    user: ({ userId }, _args, { loaders }) => loaders.userById.load(userId),
    payment: ({ id }, _args, { loaders }) => loaders.paymentOfOrder.load(id),
  },
  OrderStatusChange: {
    status: ({ status }) => known(orderStatuses, status),
  },
};
