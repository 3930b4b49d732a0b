import type { Express } from 'express';
import { buildServiceApp, type ServiceAppOptions } from '@shop/common/http';
import type { OrderHandler } from './orders/order.handler.js';
import { orderRoutes } from './orders/order.routes.js';

/** Everything that the HTTP face is built from. */
export type AppParts = Omit<ServiceAppOptions, 'routes'> & { orders: OrderHandler };

export const buildApp = ({ orders, ...parts }: AppParts): Express =>
  buildServiceApp({ ...parts, routes: { '/api/v1/orders': orderRoutes(orders) } });
