import type { Express } from 'express';
import { auditActions } from '@shop/common/contracts';
import { auditRoutes, buildServiceApp, type AuditTrailReader, type ServiceAppOptions } from '@shop/common/http';
import type { DiscrepancyHandler } from './discrepancies/discrepancy.handler.js';
import { discrepancyRoutes } from './discrepancies/discrepancy.routes.js';
import type { PaymentHandler } from './payments/payment.handler.js';
import { paymentRoutes } from './payments/payment.routes.js';
import type { WebhookHandler } from './webhooks/webhook.handler.js';
import { webhookRoutes } from './webhooks/webhook.routes.js';

/** Everything that the HTTP face is built from. */
export type AppParts = Omit<ServiceAppOptions, 'routes'> & {
  payments: PaymentHandler;
  webhooks: WebhookHandler;
  discrepancies: DiscrepancyHandler;
  auditTrail: AuditTrailReader;
};

export const buildApp = ({ payments, webhooks, discrepancies, auditTrail, ...parts }: AppParts): Express =>
  buildServiceApp({
    ...parts,
    // Webhooks first: their path also looks like that of something done to a payment.
    routes: {
      '/api/v1/payments': [
        ...webhookRoutes(webhooks),
        ...auditRoutes(auditTrail, auditActions.payment),
        ...discrepancyRoutes(discrepancies),
        ...paymentRoutes(payments),
      ],
    },
  });
