import { MAX_ORDER_BYTES } from '@shop/common/contracts';
import { route, type Route } from '@shop/common/http';
import type { OrderHandler } from './order.handler.js';
import { changeStatusBody, createOrderBody, orderParams, ordersQuery, ownOrdersQuery } from './order.validator.js';

/** Everything that can be asked of /api/v1/orders. */
export const orderRoutes = (orders: OrderHandler): readonly Route[] => [
  route({
    method: 'POST',
    path: '/',
    access: 'authenticated',
    idempotent: true,
    maxBodyBytes: MAX_ORDER_BYTES,
    body: createOrderBody,
    handle: orders.create,
  }),
  route({ method: 'GET', path: '/', access: 'authenticated', query: ordersQuery, handle: orders.list }),
  route({
    method: 'GET',
    path: '/my-orders',
    access: 'authenticated',
    query: ownOrdersQuery,
    handle: orders.listOwn,
  }),
  route({ method: 'GET', path: '/:id', access: 'authenticated', params: orderParams, handle: orders.get }),
  route({ method: 'DELETE', path: '/:id', access: 'admin', params: orderParams, handle: orders.remove }),
  route({
    method: 'PATCH',
    path: '/:id/status',
    access: 'authenticated',
    params: orderParams,
    body: changeStatusBody,
    handle: orders.changeStatus,
  }),
];
