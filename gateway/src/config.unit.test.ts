import { describe, expect, it } from '@jest/globals';
import { SettingsError } from '@shop/common/config';
import { createTestTokens } from '@shop/testing';
import { loadConfig } from './config.js';

describe('settings', () => {
  const publicKey = createTestTokens().publicKeys[0]!.export({ format: 'der', type: 'spki' }).toString('base64');
  const environment = { JWT_PUBLIC_KEYS: publicKey, RABBITMQ_URL: 'amqp://localhost' };

  it('nothing but what must be given -> the defaults of development', () => {
    expect(loadConfig(environment)).toMatchObject({
      port: 4000,
      serviceUrls: { users: 'http://127.0.0.1:8081' },
      upstreamTimeout: 12_000,
      requestsPerSecond: 100,
      requestTimeout: 15_000,
      corsOrigins: [expect.any(RegExp)],
      graphiqlEnabled: true,
      introspectionEnabled: true,
    });
  });

  it('production -> GraphiQL, introspection and Swagger UI are off unless they are set', () => {
    const production = {
      ...environment,
      NODE_ENV: 'production',
      RABBITMQ_URL: `amqp://shop:${'p'.repeat(32)}@localhost`,
    };

    expect(loadConfig(production)).toMatchObject({
      graphiqlEnabled: false,
      introspectionEnabled: false,
      apiDocsEnabled: false,
    });
    const on = { GRAPHIQL_ENABLED: 'true', INTROSPECTION_ENABLED: 'true', API_DOCS_ENABLED: 'true' };
    expect(loadConfig({ ...production, ...on })).toMatchObject({
      graphiqlEnabled: true,
      introspectionEnabled: true,
      apiDocsEnabled: true,
    });
  });

  it('production, a broker without user and password -> refused: it would be asked as guest', () => {
    expect(() => loadConfig({ ...environment, NODE_ENV: 'production' })).toThrow(
      'RABBITMQ_URL must have a user and a password in production',
    );
  });

  it('several wrong ones -> one line each, with its name', () => {
    const wrong = {
      GATEWAY_PORT: 'http',
      USER_SERVICE_URL: 'ftp://x',
      GATEWAY_RATE_LIMIT: '0',
      GRAPHIQL_ENABLED: 'yes',
    };
    expect(() => loadConfig(wrong)).toThrow(SettingsError);
    try {
      loadConfig(wrong);
    } catch (error) {
      const lines = (error as SettingsError).faults.map((fault) => fault.split(' ')[0]);
      expect(lines.sort()).toEqual([
        'GATEWAY_PORT',
        'GATEWAY_RATE_LIMIT',
        'GRAPHIQL_ENABLED',
        'JWT_PUBLIC_KEYS',
        'RABBITMQ_URL',
        'USER_SERVICE_URL',
      ]);
    }
  });
});
