import { randomUUIDv7 as newId } from 'node:crypto';
import { auditRoutes } from '@shop/common/http';
import type { Siblings } from '@shop/common/process';
import { packageVersion, startService, type RunningService } from '@shop/common/service';
import type { Config } from './config.js';
import { createDatabase } from './database.js';
import { countOrderEvents } from './orders/order.metrics.js';
import { OrderHandler } from './orders/order.handler.js';
import { OrderRepository } from './orders/order.repository.js';
import { orderRoutes } from './orders/order.routes.js';
import { OrderService } from './orders/order.service.js';
import { PersonalDataRepository } from './orders/personal-data.repository.js';
import { paymentEvents } from './orders/payment-events.consumer.js';

/** Milliseconds that a request with an idempotency key has: far more than it needs. */
const REQUEST_LEASE = 10_000;

/** Builds and starts the whole service. It serves while the broker is down; it rejects when its database is. */
export const startOrderService = (config: Config, siblings?: Siblings): Promise<RunningService> =>
  startService({
    name: 'order-service',
    version: packageVersion(import.meta.url),
    config,
    siblings,
    createDatabase,
    countPublished: countOrderEvents,
    build: ({ database, databaseClock, store, auditTrail, topology }) => {
      const orders = new OrderService({
        orders: new OrderRepository({ database, store, unpaidLimit: config.unpaidLimit }),
        clock: () => databaseClock.now(),
        newId,
        paymentWindow: config.paymentWindow,
      });
      const personalData = new PersonalDataRepository({ database });
      return {
        routes: {
          '/api/v1/orders': [...auditRoutes(auditTrail, 'order'), ...orderRoutes(new OrderHandler(orders))],
        },
        clearPersonalData: (userId, limit) => personalData.clear(userId, limit),
        consumer: { queue: topology.orderService, handlers: paymentEvents(orders) },
        idempotency: { lease: REQUEST_LEASE, maxPerUser: config.keysPerUser },
      };
    },
  });
