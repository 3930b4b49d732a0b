import type { HostConfig, ServiceConfig } from '@shop/common/config';
import type { TestTokens } from './test-tokens.js';

/** The settings of a process under test: a free port, limits that no test reaches, and tokens of the test's own key. */
export const testHostConfig = ({ tokens, brokerUrl }: { tokens: TestTokens; brokerUrl: string }): HostConfig => ({
  logLevel: 'error',
  host: '127.0.0.1',
  port: 0,
  corsOrigins: [],
  trustedProxies: [],
  requestsPerSecond: 100_000,
  brokerUrl,
  publicKeys: tokens.publicKeys,
  tokenIssuer: tokens.issuer,
  tokenAudience: tokens.audience,
  accessTokenLifetime: 3_600_000,
});

/** Likewise, with a database. */
export const testServiceConfig = ({
  databaseUrl,
  ...host
}: {
  tokens: TestTokens;
  brokerUrl: string;
  databaseUrl: string;
}): ServiceConfig => ({ ...testHostConfig(host), databaseUrl, databasePoolSize: 10, databaseMaxProcesses: 1 });

/** What a process of its own reads of that in its environment. */
export const hostEnvironment = ({ brokerUrl, publicKeys, tokenIssuer, tokenAudience }: HostConfig) => ({
  RABBITMQ_URL: brokerUrl,
  JWT_PUBLIC_KEYS: publicKeys.map((key) => key.export({ type: 'spki', format: 'der' }).toString('base64')).join(','),
  JWT_ISSUER: tokenIssuer,
  JWT_AUDIENCE: tokenAudience,
});
