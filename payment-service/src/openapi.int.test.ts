import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { descriptionFaults, keptDescription, readDescription, sendExamples } from '@shop/testing';
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

  it('is what openapi.json keeps, for types of clients; after a change of the API: make descriptions', async () => {
    const served = await readDescription(test.url);
    const kept = path.join(import.meta.dirname, '../openapi.json');
    expect(served).toEqual(await keptDescription(kept, served));
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
