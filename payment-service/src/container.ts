import { randomUUIDv7 as newId } from 'node:crypto';
import { auditRoutes } from '@shop/common/http';
import type { Logger } from '@shop/common/logger';
import type { Siblings } from '@shop/common/process';
import { BackgroundWorker, packageVersion, startService, type RunningService } from '@shop/common/service';
import type { Config } from './config.js';
import { createDatabase } from './database.js';
import { DiscrepancyHandler } from './discrepancies/discrepancy.handler.js';
import { createDiscrepancyMetrics } from './discrepancies/discrepancy.metrics.js';
import { DiscrepancyRepository } from './discrepancies/discrepancy.repository.js';
import { discrepancyRoutes } from './discrepancies/discrepancy.routes.js';
import { DiscrepancyService } from './discrepancies/discrepancy.service.js';
import { ChargeRepository } from './payments/charge.repository.js';
import { ChargeOutcomeService } from './payments/charge-outcome.service.js';
import { ChargeReconciler } from './payments/charge-reconciler.service.js';
import { ChargingService } from './payments/charging.service.js';
import { IncidentService } from './payments/incident.service.js';
import { PaymentAggregateRepository } from './payments/payment-aggregate.repository.js';
import { OrderExpiryRepository } from './payments/order-expiry.repository.js';
import { OrderExpiryService } from './payments/order-expiry.service.js';
import { orderEvents } from './payments/order-events.consumer.js';
import { PayableOrderClient } from './payments/payable-order.client.js';
import { CHARGE_TIMEOUT_FACTOR } from './payments/payment.js';
import { countPaymentEvents } from './payments/payment.metrics.js';
import { PaymentHandler } from './payments/payment.handler.js';
import { PaymentRepository } from './payments/payment.repository.js';
import { PersonalDataRepository } from './payments/personal-data.repository.js';
import { paymentRoutes } from './payments/payment.routes.js';
import { PaymentService } from './payments/payment.service.js';
import { createRefundMetrics } from './payments/refund.metrics.js';
import { RefundRepository } from './payments/refund.repository.js';
import { RefundService } from './payments/refund.service.js';
import { ProviderSet } from './providers/provider-set.js';
import { LedgerComparison } from './reconciliation/ledger-comparison.js';
import { ComparisonTurns } from './reconciliation/comparison-turns.repository.js';
import { HourlyComparisonService } from './reconciliation/hourly-comparison.service.js';
import { WebhookHandler } from './webhooks/webhook.handler.js';
import { WebhookRepository } from './webhooks/webhook.repository.js';
import { webhookRoutes } from './webhooks/webhook.routes.js';
import { WebhookService } from './webhooks/webhook.service.js';

const ORDER_SERVICE_TIMEOUT = 2_000;
/** Milliseconds beyond the provider's own time in which an outcome is written down. */
const WRITING_TIME = 5_000;
/** Milliseconds between two looks at what is due; at what is to be counted; and at what is old enough to be forgotten. */
const POLL = { due: 1_000, watch: 5_000, purge: 60_000 };

/** Builds and starts the whole service. It serves while the broker is down; it rejects when its database is. */
export const startPaymentService = (
  config: Config,
  options: { logger?: Logger; siblings?: Siblings | undefined } = {},
): Promise<RunningService> =>
  startService({
    name: 'payment-service',
    version: packageVersion(import.meta.url),
    config,
    ...options,
    createDatabase,
    countPublished: countPaymentEvents,
    build: (host) => {
      const { logger, metrics, database, databaseClock, store, auditTrail, topology } = host;
      const { databaseUrl, providerTimeout, orderServiceUrl: url } = config;
      const clock = () => new Date();
      const webhookUrl = (provider: string) => host.localUrl(`/api/v1/payments/webhooks/${provider}`);
      const providerSet = new ProviderSet({ config, timeout: providerTimeout, logger, clock, webhookUrl });
      const { providers, readers, ledgers } = providerSet;
      const orderService = host.createClient({ name: 'order-service', url, timeout: ORDER_SERVICE_TIMEOUT });
      const requestLifetime = providerTimeout + WRITING_TIME;
      const lease = 2 * requestLifetime; // whoever holds one asks the provider twice at most
      const discrepancies = new DiscrepancyService({
        discrepancies: new DiscrepancyRepository({ database, store }),
        metrics: createDiscrepancyMetrics(metrics),
        logger,
      });
      const payments = new PaymentRepository({ database, store });
      const aggregates = new PaymentAggregateRepository({ database, store, clock: () => databaseClock.now() });
      const refundService = new RefundService({
        payments,
        aggregates,
        refunds: new RefundRepository({ database }),
        providers,
        discrepancies,
        logger,
        newId,
        metrics: createRefundMetrics(metrics),
        firstPause: config.refundRetryPause,
        lease,
      });
      const work = (name: string, step: () => Promise<boolean>, poll = POLL.due) =>
        new BackgroundWorker({ name, work: step, poll, logger });
      const refundWorker = work('refunds', () => refundService.carryOutDue());
      const charges = new ChargeRepository({ database });
      const charging = new ChargingService({ charges, providers });
      const outcomes = new ChargeOutcomeService({
        payments,
        aggregates,
        discrepancies,
        refunds: refundWorker,
        logger,
        newId,
      });
      const paymentService = new PaymentService({
        paymentsPerOrder: config.paymentsPerOrder,
        payments,
        aggregates,
        orders: new PayableOrderClient(orderService),
        providers,
        charging,
        outcomes,
        refunds: refundWorker,
        newId,
      });
      const chargeReconciler = new ChargeReconciler({
        charges,
        payments,
        outcomes,
        charging,
        logger,
        clock: () => databaseClock.now(),
        requestLifetime,
        lease,
        timeout: CHARGE_TIMEOUT_FACTOR * providerTimeout,
      });
      const webhooks = new WebhookService({
        readers,
        webhooks: new WebhookRepository({ database }),
        charges: chargeReconciler,
        refunds: refundService,
        incidents: new IncidentService({ payments, discrepancies }),
        logger,
        clock,
      });
      const expiry = new OrderExpiryService({ expiries: new OrderExpiryRepository({ store }), logger });
      const hourlyComparison = new HourlyComparisonService({
        turns: new ComparisonTurns({ database, url: databaseUrl }),
        comparison: new LedgerComparison({ databaseUrl, ledgers, providerTimeout }),
        discrepancies,
        clock: () => databaseClock.now(),
      });
      const personalData = new PersonalDataRepository({ database });
      return {
        neverRefused: ['/api/v1/payments/webhooks/'], // what was paid has to become known
        // Webhooks first: their path also looks like that of something done to a payment.
        routes: {
          '/api/v1/payments': [
            ...webhookRoutes(new WebhookHandler(webhooks)),
            ...auditRoutes(auditTrail, 'payment'),
            ...discrepancyRoutes(new DiscrepancyHandler(discrepancies)),
            ...paymentRoutes(new PaymentHandler({ payments: paymentService, refunds: refundService })),
          ],
        },
        clearPersonalData: (userId, limit) => personalData.clear(userId, limit),
        consumer: { queue: topology.paymentService, handlers: orderEvents(paymentService) },
        idempotency: { lease, maxPerUser: config.keysPerUser },
        workers: [
          work('comparison of the ledgers', () => hourlyComparison.compareIfDue(), POLL.watch),
          work('expiry of unpaid orders', () => expiry.expireDue()),
          refundWorker,
          work('watch over refunds', () => refundService.watchFailing(), POLL.watch),
          work('watch over discrepancies', () => discrepancies.watch(), POLL.watch),
          work('reconciliation', () => chargeReconciler.settleDue()),
          work('old webhooks', () => webhooks.purgeExpired(), POLL.purge),
        ],
        resources: [providerSet, { stop: () => orderService.close() }],
      };
    },
  });
