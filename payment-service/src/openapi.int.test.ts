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
    expect(await descriptionFaults(test.app, { url: test.url, base: '/api/v1/payments' })).toEqual([]);
  });

  it('each example, sent -> an answer that the description has', async () => {
    const authorization = `Bearer ${test.tokens.tokenFor({ role: 'admin' })}`;
    expect(await sendExamples(test.url, authorization)).toEqual({
      receiveWebhook: 401,
      listPaymentAuditEntries: 200,
      listDiscrepancies: 200,
      closeDiscrepancy: 404,
      createPayment: 404,
      listPayments: 200,
      listMyPayments: 200,
      getPaymentOfOrder: 404,
      getPayment: 404,
      processPayment: 404,
      refundPayment: 404,
      listRefunds: 404,
      settleRefund: 404,
      getAsyncApi: 200,
      getHealth: 200,
      getReadiness: 200,
      getMetrics: 200,
      getOpenApi: 200,
    });
  });
});
