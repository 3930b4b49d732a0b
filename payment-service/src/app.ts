import type { Express } from 'express';
import { buildServiceApp, type ServiceAppOptions } from '@shop/common/http';
import type { PaymentHandler } from './payments/payment.handler.js';
import { paymentRoutes } from './payments/payment.routes.js';

/** Everything that the HTTP face is built from. */
export type AppParts = Omit<ServiceAppOptions, 'routes'> & { payments: PaymentHandler };

export const buildApp = ({ payments, ...parts }: AppParts): Express =>
  buildServiceApp({ ...parts, routes: { '/api/v1/payments': paymentRoutes(payments) } });
