import type { KeyObject } from 'node:crypto';
import { publicKeys } from '@shop/common/auth';
import {
  corsOriginsOf,
  databaseUrl,
  duration,
  httpSettings,
  integer,
  loadSettings,
  oneOf,
  optional,
  port,
  stopDelayOf,
  tracingOf,
  url,
  type AllowedOrigins,
  type Environment,
} from '@shop/common/config';
import type { LogLevel } from '@shop/common/logger';
import type { TracingOptions } from '@shop/common/tracing';
import { webhookSecrets } from './providers/webhook-secrets.js';

/** What this process is told from outside. Lengths of time are in milliseconds. */
export interface Config {
  logLevel: LogLevel;
  /** Absent: no traces are made. */
  tracing?: TracingOptions | undefined;
  /** Milliseconds that requests are still taken in after the signal to stop; absent: none. */
  stopDelay?: number | undefined;
  host: string;
  port: number;
  databaseUrl: string;
  databasePoolSize: number;
  brokerUrl: string;
  publicKeys: readonly KeyObject[];
  tokenIssuer: string;
  tokenAudience: string;
  accessTokenLifetime: number;
  corsOrigins: AllowedOrigins;
  trustedProxies: readonly string[];
  requestsPerSecond: number;
  orderServiceUrl: string;
  simulatedProviderDatabaseUrl: string;
  providerTimeout: number;
  refundRetryPause: number;
  /** The first one signs; each is good. */
  simulatedWebhookSecrets: readonly [Buffer, ...Buffer[]];
  /** undefined: the service itself. */
  simulatedWebhookUrl: string | undefined;
}

const DEFAULT_PROVIDER = 'simulated';

const settings = {
  ...httpSettings,
  JWT_PUBLIC_KEYS: publicKeys(),
  PAYMENT_SERVICE_PORT: port({ default: 8083 }),
  PAYMENT_DATABASE_URL: databaseUrl({
    host: 'PAYMENT_DB_HOST',
    port: 'PAYMENT_DB_PORT',
    user: 'PAYMENT_DB_USER',
    password: 'PAYMENT_DB_PASSWORD',
    name: 'PAYMENT_DB_NAME',
  }),
  DATABASE_POOL_SIZE: integer({ min: 1, max: 1_000, default: 10 }),
  SERVICE_RATE_LIMIT: integer({ min: 1, max: 1_000_000, default: 500 }),
  ORDER_SERVICE_URL: url({ schemes: ['http', 'https'] }),
  PAYMENT_PROVIDER: {
    ...oneOf([DEFAULT_PROVIDER]),
    productionFault: () => 'is simulated, which takes no money: production refuses it',
  },
  SIMULATED_PROVIDER_DATABASE_URL: optional(
    url({ schemes: ['postgresql', 'postgres'], examplePasswords: ['password'] }),
  ),
  PROVIDER_TIMEOUT: duration({ default: '5s' }),
  REFUND_RETRY_PAUSE: duration({ default: '5s' }),
  SIMULATED_WEBHOOK_SECRETS: webhookSecrets({ examples: ['whsec_ZGV2ZWxvcG1lbnQtb25seS13ZWJob29rLXNlY3JldCE='] }),
  SIMULATED_WEBHOOK_URL: optional(url({ schemes: ['http', 'https'] })),
};

/** Throws SettingsError. */
export function loadConfig(environment: Environment): Config {
  const values = loadSettings(settings, withProvider(environment));
  return {
    logLevel: values.LOG_LEVEL,
    tracing: tracingOf(values),
    stopDelay: stopDelayOf(values),
    host: values.HOST,
    port: values.PAYMENT_SERVICE_PORT,
    databaseUrl: values.PAYMENT_DATABASE_URL,
    databasePoolSize: values.DATABASE_POOL_SIZE,
    brokerUrl: values.RABBITMQ_URL,
    publicKeys: values.JWT_PUBLIC_KEYS,
    tokenIssuer: values.JWT_ISSUER,
    tokenAudience: values.JWT_AUDIENCE,
    accessTokenLifetime: values.JWT_EXPIRES_IN,
    corsOrigins: corsOriginsOf(values),
    trustedProxies: values.TRUSTED_PROXIES,
    requestsPerSecond: values.SERVICE_RATE_LIMIT,
    orderServiceUrl: values.ORDER_SERVICE_URL,
    simulatedProviderDatabaseUrl: values.SIMULATED_PROVIDER_DATABASE_URL ?? values.PAYMENT_DATABASE_URL,
    providerTimeout: values.PROVIDER_TIMEOUT,
    refundRetryPause: values.REFUND_RETRY_PAUSE,
    simulatedWebhookSecrets: values.SIMULATED_WEBHOOK_SECRETS,
    simulatedWebhookUrl: values.SIMULATED_WEBHOOK_URL,
  };
}

/** What the comparison of our books with the provider's is told from outside. */
export interface ReconciliationConfig {
  provider: string;
  databaseUrl: string;
  simulatedProviderDatabaseUrl: string;
  providerTimeout: number;
}

/** Throws SettingsError. */
export function loadReconciliationConfig(environment: Environment): ReconciliationConfig {
  const { PAYMENT_PROVIDER, PAYMENT_DATABASE_URL, SIMULATED_PROVIDER_DATABASE_URL, PROVIDER_TIMEOUT } = settings;
  const values = loadSettings(
    { PAYMENT_PROVIDER, PAYMENT_DATABASE_URL, SIMULATED_PROVIDER_DATABASE_URL, PROVIDER_TIMEOUT },
    withProvider(environment),
  );
  return {
    provider: values.PAYMENT_PROVIDER,
    databaseUrl: values.PAYMENT_DATABASE_URL,
    simulatedProviderDatabaseUrl: values.SIMULATED_PROVIDER_DATABASE_URL ?? values.PAYMENT_DATABASE_URL,
    providerTimeout: values.PROVIDER_TIMEOUT,
  };
}

/** With the provider written out, so that production refuses the default like any other value. */
const withProvider = (environment: Environment): Environment => ({
  ...environment,
  PAYMENT_PROVIDER: environment.PAYMENT_PROVIDER?.trim() || DEFAULT_PROVIDER,
});
