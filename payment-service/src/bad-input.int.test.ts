import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import supertest from 'supertest';
import { v7 as newId } from 'uuid';
import { auditRoutes } from '@shop/common/http';
import { attack, attackedRoutes, badRequests, eventually, fuzzed, spread } from '@shop/testing';
import { attackedTable } from '../test/attacked-routes.js';
import { buildOrder, orderCreatedEvent } from '../test/order-builder.js';
import { startTestService, type TestService } from '../test/test-service.js';
import { DiscrepancyHandler } from './discrepancies/discrepancy.handler.js';
import { discrepancyRoutes } from './discrepancies/discrepancy.routes.js';
import { PaymentHandler } from './payments/payment.handler.js';
import { paymentRoutes } from './payments/payment.routes.js';
import { WebhookHandler } from './webhooks/webhook.handler.js';
import { webhookRoutes } from './webhooks/webhook.routes.js';

/** The same requests in every run; `make test-security` takes others each time. */
const seed = 1;

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

describe('bad input', () => {
  it('the attacked routes -> all that there are', () => {
    const trail = { list: () => Promise.reject(new Error('is not asked')) };
    const all = [
      ...webhookRoutes(Object.create(WebhookHandler.prototype) as WebhookHandler),
      ...auditRoutes(trail, 'payment'),
      ...discrepancyRoutes(Object.create(DiscrepancyHandler.prototype) as DiscrepancyHandler),
      ...paymentRoutes(Object.create(PaymentHandler.prototype) as PaymentHandler),
    ].map(({ method, path }) => `${method} ${path}`);

    expect(new Set(Object.keys(attackedTable))).toEqual(new Set(all));
  });

  it('a part of the corpus and random requests, from all routes -> refused or taken in the form of the contract, and no payment but those answered 201', async () => {
    const order = buildOrder({ userId: newId() });
    await service.publish(orderCreatedEvent(order));
    const id = await eventually(async () => {
      const rows = await service.query<{ id: string }>('SELECT id FROM payments WHERE order_id = $1', [order.id]);
      if (rows[0] === undefined) throw new Error('no payment yet');
      return rows[0].id;
    });
    const headers = () => ({ Authorization: `Bearer ${service.tokens.tokenFor({ id: newId(), role: 'admin' })}` });
    const params = { id, orderId: order.id, refundId: newId(), provider: 'simulated' };
    const routes = attackedRoutes('/api/v1/payments', attackedTable, { headers, params });
    const requests = badRequests(routes);
    let made = 1;

    const failures = await attack(service.url, [...spread(requests, 400), ...fuzzed(routes, { count: 300, seed })], {
      onAnswer: (_request, { status }) => {
        if (status === 201) made++;
      },
    });

    expect({ seed, failures }).toEqual({ seed, failures: [] });
    expect(requests.length).toBeGreaterThan(1_000);
    expect(await service.query('SELECT count(*)::int AS count FROM payments')).toEqual([{ count: made }]);
    expect(await service.query('SELECT count(*)::int AS count FROM handled_webhooks')).toEqual([{ count: 0 }]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    await supertest(service.url).get('/health').expect(200);
  });
});
