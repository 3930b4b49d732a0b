import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { descriptionFaults, sendExamples } from '@shop/testing';
import { startTestService, type TestService } from '../test/test-service.js';

let test: TestService;

beforeAll(async () => {
  test = await startTestService();
});
afterAll(() => test.stop());

describe('/openapi.json', () => {
  it('has what the service answers and nothing else, and is clean under redocly lint', async () => {
    expect(await descriptionFaults(test.app, { url: test.url, base: '/api/v1/orders' })).toEqual([]);
  });

  it('each example, sent -> an answer that the description has', async () => {
    const authorization = `Bearer ${test.tokens.tokenFor({ role: 'admin' })}`;
    expect(await sendExamples(test.url, authorization)).toEqual({
      listOrderAuditEntries: 200,
      placeOrder: 201,
      listOrders: 200,
      listMyOrders: 200,
      getOrder: 404,
      deleteOrder: 404,
      changeOrderStatus: 404,
      getAsyncApi: 200,
      getHealth: 200,
      getReadiness: 200,
      getMetrics: 200,
      getOpenApi: 200,
    });
  });
});
