import { known, paymentMethods, paymentStatuses, refundStatuses, type ReadPayment } from '@shop/common/contracts';
import { findAppError } from '@shop/common/errors';
import type { Resolvers } from '../generated/resolvers.js';
import { pageQuery } from '../page.js';
import type { OrderClient } from '../order/order.client.js';
import type { PaymentClient } from './payment.client.js';
import { paymentsTopic } from '../subscriptions/topics.js';

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
  Subscription: {
    paymentUpdated: {
      subscribe: (_parent, { orderId }, { subscribe, ...clients }, { fieldName: field }) =>
        subscribe({ field, topic: paymentsTopic(orderId), read: () => latestPayment(orderId, clients) }),
      resolve: (payment: ReadPayment) => payment,
    },
  },
  Payment: {
    status: ({ status }) => known(paymentStatuses, status),
    method: ({ method }) => known(paymentMethods, method),
    order: ({ orderId }, _args, { loaders }) => loaders.orderById.load(orderId),
    user: ({ userId }, _args, { loaders }) => loaders.userById.load(userId),
    refunds: ({ id }, _args, { loaders }) => loaders.refundsOfPayment.load(id),
  },
  Refund: {
    status: ({ status }) => known(refundStatuses, status),
  },
};

/** undefined while an order that the caller may see has no payment yet. Throws NotFound where it may not. */
async function latestPayment(
  orderId: string,
  { payments, orders }: { payments: PaymentClient; orders: OrderClient },
): Promise<ReadPayment | undefined> {
  try {
    return await payments.ofOrder(orderId);
  } catch (error) {
    if (findAppError(error)?.code !== 'NOT_FOUND') throw error;
    await orders.get(orderId);
    return undefined;
  }
}
