import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import supertest from 'supertest';
import { v7 as newId } from 'uuid';
import { auditRoutes } from '@shop/common/http';
import { attack, attackedRoutes, badRequests, fuzzed, spread } from '@shop/testing';
import { attackedTable } from '../test/attacked-routes.js';
import { orderBody, placeOrderIn } from '../test/order-builder.js';
import { startTestService, type TestService } from '../test/test-service.js';
import { OrderHandler } from './orders/order.handler.js';
import { orderRoutes } from './orders/order.routes.js';

/** The same requests in every run; `make test-security` takes others each time. */
const seed = 1;

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

describe('bad input', () => {
  it('the attacked routes -> all that there are', () => {
    const handler = Object.create(OrderHandler.prototype) as OrderHandler;
    const trail = { list: () => Promise.reject(new Error('is not asked')) };
    const all = [...auditRoutes(trail, 'order'), ...orderRoutes(handler)].map(
      ({ method, path }) => `${method} ${path}`,
    );

    expect(new Set(Object.keys(attackedTable))).toEqual(new Set(all));
  });

  it('a part of the corpus and random requests, from all routes -> refused or taken in the form of the contract, and no row but those answered 201', async () => {
    const [owner, admin] = [service.caller(), service.caller('admin')];
    const id = await placeOrderIn('pending', { owner, admin });
    const headers = () => ({ Authorization: `Bearer ${service.tokens.tokenFor({ id: newId(), role: 'admin' })}` });
    const routes = attackedRoutes('/api/v1/orders', attackedTable, { headers, params: { id } });
    const requests = badRequests(routes);
    let made = 1;

    const failures = await attack(service.url, [...spread(requests, 400), ...fuzzed(routes, { count: 300, seed })], {
      onAnswer: (_request, { status }) => {
        if (status === 201) made++;
      },
    });

    expect({ seed, failures }).toEqual({ seed, failures: [] });
    expect(requests.length).toBeGreaterThan(1_000);
    expect(await service.query('SELECT count(*)::int AS count FROM orders')).toEqual([{ count: made }]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    await supertest(service.url).get('/health').expect(200);
  });

  it('unusual text -> comes back as it was, in NFC', async () => {
    const texts = ['שלום עולם', '👩‍👩‍👧‍👦', 'e\u0301\u0323', '𝒳𓀀', 'ﷺ', 'می\u200cخواهم', 'İıſß', '\ufeffx'];
    for (const text of texts) {
      const { body } = await service
        .caller()
        .post(orderBody({ shippingAddress: text, notes: text }))
        .expect(201);
      const expected = text.trim().normalize('NFC');
      expect([body.data.shippingAddress, body.data.notes]).toEqual([expected, expected]);
    }
  });
});
