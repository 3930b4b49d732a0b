import type { Express } from 'express';
import { auditActions } from '@shop/common/contracts';
import { auditRoutes, buildServiceApp, type AuditTrailReader, type ServiceAppOptions } from '@shop/common/http';
import type { OrderHandler } from './orders/order.handler.js';
import { orderRoutes } from './orders/order.routes.js';

/** Everything that the HTTP face is built from. */
export type AppParts = Omit<ServiceAppOptions, 'routes'> & { orders: OrderHandler; auditTrail: AuditTrailReader };

export const buildApp = ({ orders, auditTrail, ...parts }: AppParts): Express =>
  buildServiceApp({
    ...parts,
    routes: { '/api/v1/orders': [...auditRoutes(auditTrail, auditActions.order), ...orderRoutes(orders)] },
  });
