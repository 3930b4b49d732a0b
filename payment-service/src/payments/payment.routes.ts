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

/** Everything that can be asked of /api/v1/payments. */
export const paymentRoutes = (payments: PaymentHandler): readonly Route[] => [
  route({ method: 'POST', path: '/', access, body: createPaymentBody, idempotent: true, handle: payments.create }),
  route({ method: 'GET', path: '/', access, query: paymentsQuery, handle: payments.list }),
  route({ method: 'GET', path: '/my-payments', access, query: paymentsQuery, handle: payments.listOwn }),
  route({ method: 'GET', path: '/order/:orderId', access, params: orderParams, handle: payments.getOfOrder }),
  route({ method: 'GET', path: '/:id', access, params: paymentParams, handle: payments.get }),
  route({
    method: 'POST',
    path: '/:id/process',
    access,
    params: paymentParams,
    body: processPaymentBody,
    idempotent: true,
    handle: payments.process,
  }),
  route({
    method: 'POST',
    path: '/:id/refund',
    access: 'admin',
    params: paymentParams,
    body: refundPaymentBody,
    idempotent: true,
    handle: payments.refund,
  }),
  route({ method: 'GET', path: '/:id/refunds', access, params: paymentParams, handle: payments.listRefunds }),
  route({
    method: 'POST',
    path: '/:id/refunds/:refundId/settle',
    access: 'admin',
    params: refundParams,
    body: settleRefundBody,
    handle: payments.settleRefund,
  }),
];
