import type { Resolvers } from '../generated/resolvers.js';
import { pageQuery } from '../page.js';

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
  Order: {
    user: ({ userId }, _args, { loaders }) => loaders.userById.load(userId),
    payment: ({ id }, _args, { loaders }) => loaders.paymentOfOrder.load(id),
  },
};
