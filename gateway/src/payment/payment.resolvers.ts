import type { Resolvers } from '../generated/resolvers.js';
import { pageQuery } from '../page.js';

export const paymentResolvers: Resolvers = {
  Query: {
    payment: (_parent, { id }, { payments }) => payments.get(id),
    paymentByOrder: (_parent, { orderId }, { payments }) => payments.ofOrder(orderId),
    payments: (_parent, { status, ...part }, { payments }, info) => payments.list({ ...pageQuery(part, info), status }),
    myPayments: (_parent, part, { payments }, info) => payments.listOwn(pageQuery(part, info)),
  },
  Mutation: {
    createPayment: (_parent, { input }, { payments, keyOf }, info) => payments.create(input, keyOf(info)),
    processPayment: (_parent, { id, token, method }, { payments, keyOf }, info) =>
      payments.process(id, { token, method }, keyOf(info)),
    refundPayment: (_parent, { id, amount, reason }, { payments, keyOf }, info) =>
      payments.refund(id, { amount, reason }, keyOf(info)),
  },
  Payment: {
    order: ({ orderId }, _args, { loaders }) => loaders.orderById.load(orderId),
    user: ({ userId }, _args, { loaders }) => loaders.userById.load(userId),
    refunds: ({ id }, _args, { loaders }) => loaders.refundsOfPayment.load(id),
  },
};
