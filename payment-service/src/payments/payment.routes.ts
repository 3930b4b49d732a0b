import { paymentResource, refundResource } from '@shop/common/contracts';
import { route, type Route } from '@shop/common/http';
import type { PaymentHandler } from './payment.handler.js';
import {
  createPaymentBody,
  orderParams,
  paymentParams,
  paymentsQuery,
  processPaymentBody,
  refundParams,
  refundPaymentBody,
  settleRefundBody,
} from './payment.validator.js';

const access = 'authenticated';
const retrieved = { message: 'Payment retrieved', data: paymentResource };
const listed = { message: 'Payments retrieved', list: paymentResource };

/** Everything that can be asked of /api/v1/payments. */
export const paymentRoutes = (payments: PaymentHandler): readonly Route[] => [
  route({
    method: 'POST',
    path: '/',
    access,
    operation: {
      id: 'createPayment',
      summary: 'Pay an order again',
      description:
        'Each order gets its first payment by itself. This opens another one after the last has failed or was cancelled; ' +
        'amount and currency must be those of the order.',
      replies: { 201: { message: 'Payment created', data: paymentResource } },
      errors: ['NOT_FOUND', 'CONFLICT', 'UPSTREAM_TIMEOUT'],
    },
    body: createPaymentBody,
    idempotent: true,
    handle: payments.create,
  }),
  route({
    method: 'GET',
    path: '/',
    access,
    operation: {
      id: 'listPayments',
      summary: 'List payments',
      description:
        "A user sees its own payments, an admin everyone's. `ids` and `orderIds` are batch reads, without pages.",
      replies: { 200: listed },
      errors: [],
    },
    query: paymentsQuery,
    handle: payments.list,
  }),
  route({
    method: 'GET',
    path: '/my-payments',
    access,
    operation: { id: 'listMyPayments', summary: 'List your own payments', replies: { 200: listed }, errors: [] },
    query: paymentsQuery,
    handle: payments.listOwn,
  }),
  route({
    method: 'GET',
    path: '/order/:orderId',
    access,
    operation: {
      id: 'getPaymentOfOrder',
      summary: 'Get the latest payment of an order',
      replies: { 200: retrieved },
      errors: [],
    },
    params: orderParams,
    handle: payments.getOfOrder,
  }),
  route({
    method: 'GET',
    path: '/:id',
    access,
    operation: { id: 'getPayment', summary: 'Get a payment', replies: { 200: retrieved }, errors: [] },
    params: paymentParams,
    handle: payments.get,
  }),
  route({
    method: 'POST',
    path: '/:id/process',
    access,
    operation: {
      id: 'processPayment',
      summary: 'Charge a payment',
      description:
        '202: the outcome is not known yet, or the customer has to do something first (`nextAction`). 503: the provider was ' +
        'certainly not reached, and the payment is pending again. `cash` and `bank_transfer` are received by an admin only.',
      replies: {
        200: { message: 'Payment processed', data: paymentResource },
        202: { message: 'Payment is being processed', data: paymentResource },
      },
      errors: ['PAYMENT_DECLINED', 'FORBIDDEN', 'CONFLICT', 'UPSTREAM_TIMEOUT'],
    },
    params: paymentParams,
    body: processPaymentBody,
    idempotent: true,
    handle: payments.process,
  }),
  route({
    method: 'POST',
    path: '/:id/refund',
    access: 'admin',
    operation: {
      id: 'refundPayment',
      summary: 'Refund a payment',
      description: '202: the outcome is not known yet.',
      replies: {
        200: { message: 'Payment refunded', data: paymentResource },
        202: { message: 'Refund is being processed', data: paymentResource },
      },
      errors: ['PAYMENT_DECLINED', 'CONFLICT', 'UPSTREAM_TIMEOUT'],
    },
    params: paymentParams,
    body: refundPaymentBody,
    idempotent: true,
    handle: payments.refund,
  }),
  route({
    method: 'GET',
    path: '/:id/refunds',
    access,
    operation: {
      id: 'listRefunds',
      summary: 'List the refunds of a payment',
      replies: { 200: { message: 'Refunds retrieved', list: refundResource } },
      errors: [],
    },
    params: paymentParams,
    handle: payments.listRefunds,
  }),
  route({
    method: 'POST',
    path: '/:id/refunds/:refundId/settle',
    access: 'admin',
    operation: {
      id: 'settleRefund',
      summary: 'Say what has become of a refund made by hand',
      replies: { 200: { message: 'Refund settled', data: refundResource } },
      errors: ['CONFLICT'],
    },
    params: refundParams,
    body: settleRefundBody,
    handle: payments.settleRefund,
  }),
];
