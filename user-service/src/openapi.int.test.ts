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
    expect(await descriptionFaults(test.service.app, { url: test.url, base: '/api/v1/users' })).toEqual([]);
  });

  it('is what openapi.json keeps, for types of clients; after a change of the API: make descriptions', async () => {
    const served = await readDescription(test.url);
    const kept = path.join(import.meta.dirname, '../openapi.json');
    expect(served).toEqual(await keptDescription(kept, served));
  });

  it('each example, sent -> an answer that the description has', async () => {
    const { token } = await test.admin();
    expect(await sendExamples(test.url, `Bearer ${token}`, { except: ['logOut'] })).toEqual({
      register: 201,
      login: 200,
      refreshTokens: 401,
      changePassword: 400,
      listUserAuditEntries: 200,
      listUsers: 200,
      getMe: 200,
      getUser: 404,
      getAccountData: 404,
      listAuditEntriesOfUser: 404,
      updateUser: 404,
      deleteUser: 404,
      getKeys: 200,
      getAuthorizationServer: 200,
      getOpenIdConfiguration: 200,
      getAsyncApi: 200,
      getHealth: 200,
      getReadiness: 200,
      getMetrics: 200,
      getOpenApi: 200,
    });
  });
});
