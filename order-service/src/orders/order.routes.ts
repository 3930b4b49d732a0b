import { MAX_ORDER_BYTES, orderResource } from '@shop/common/contracts';
import { route, type Route } from '@shop/common/http';
import type { OrderHandler } from './order.handler.js';
import { changeStatusBody, createOrderBody, orderParams, ordersQuery, ownOrdersQuery } from './order.validator.js';

const orders200 = { message: 'Orders retrieved', list: orderResource };

/** Everything that can be asked of /api/v1/orders. */
export const orderRoutes = (orders: OrderHandler): readonly Route[] => [
  route({
    method: 'POST',
    path: '/',
    access: 'authenticated',
    operation: {
      id: 'placeOrder',
      summary: 'Place an order',
      description:
        'The total is computed here. A pending payment is opened for the order, which can be paid until `payableUntil`.',
      replies: { 201: { message: 'Order created', data: orderResource } },
      errors: [],
    },
    idempotent: true,
    maxBodyBytes: MAX_ORDER_BYTES,
    body: createOrderBody,
    handle: orders.create,
  }),
  route({
    method: 'GET',
    path: '/',
    access: 'authenticated',
    operation: {
      id: 'listOrders',
      summary: 'List orders',
      description:
        "A user sees its own orders, an admin everyone's. `ids` and `userIds` are batch reads, without pages.",
      replies: { 200: orders200 },
      errors: [],
    },
    query: ordersQuery,
    handle: orders.list,
  }),
  route({
    method: 'GET',
    path: '/my-orders',
    access: 'authenticated',
    operation: {
      id: 'listMyOrders',
      summary: 'List your own orders',
      replies: { 200: orders200 },
      errors: [],
    },
    query: ownOrdersQuery,
    handle: orders.listOwn,
  }),
  route({
    method: 'GET',
    path: '/:id',
    access: 'authenticated',
    operation: {
      id: 'getOrder',
      summary: 'Get an order',
      replies: { 200: { message: 'Order retrieved', data: orderResource } },
      errors: [],
    },
    params: orderParams,
    handle: orders.get,
  }),
  route({
    method: 'DELETE',
    path: '/:id',
    access: 'admin',
    operation: {
      id: 'deleteOrder',
      summary: 'Delete an order',
      description: 'Only when it is delivered or cancelled. Its payments stay readable.',
      replies: { 200: { message: 'Order deleted', data: null } },
      errors: ['CONFLICT'],
    },
    params: orderParams,
    handle: orders.remove,
  }),
  route({
    method: 'PATCH',
    path: '/:id/status',
    access: 'authenticated',
    operation: {
      id: 'changeOrderStatus',
      summary: 'Change the status of an order',
      description:
        'An admin may make any legal transition. The owner may only cancel, while the order is pending or confirmed.',
      replies: { 200: { message: 'Order status updated', data: orderResource } },
      errors: ['FORBIDDEN', 'CONFLICT'],
    },
    params: orderParams,
    body: changeStatusBody,
    handle: orders.changeStatus,
  }),
];
