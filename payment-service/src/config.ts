import type { KeyObject } from 'node:crypto';
import { publicKeys } from '@shop/common/auth';
import {
  corsOriginsOf,
  databaseUrl,
  duration,
  httpSettings,
  integer,
  loadSettings,
  optional,
  port,
  SettingsError,
  stopDelayOf,
  tracingOf,
  url,
  type AllowedOrigins,
  type Environment,
} from '@shop/common/config';
import type { LogLevel } from '@shop/common/logger';
import type { TracingOptions } from '@shop/common/tracing';
import { loadProviders, type ProvidersConfig } from './providers/provider-settings.js';

/** What this process is told from outside. Lengths of time are in milliseconds. */
export interface Config extends ProvidersConfig {
  logLevel: LogLevel;
  /** Absent: no traces are made. */
  tracing?: TracingOptions | undefined;
  /** Milliseconds that requests are still taken in after the signal to stop; absent: none. */
  stopDelay?: number | undefined;
  host: string;
  port: number;
  databaseUrl: string;
  databasePoolSize: number;
  /** Processes of this service that may run at a time: replicas, and those that a rolling update adds. */
  databaseMaxProcesses: number;
  brokerUrl: string;
  publicKeys: readonly KeyObject[];
  tokenIssuer: string;
  /** Whose tokens are accepted, too, while they live. */
  formerTokenIssuers?: readonly string[] | undefined;
  tokenAudience: string;
  accessTokenLifetime: number;
  /** Names that it may be asked by, beside its own and those of the loopback. */
  allowedHosts?: readonly string[] | undefined;
  corsOrigins: AllowedOrigins;
  trustedProxies: readonly string[];
  requestsPerSecond: number;
  orderServiceUrl: string;
  providerTimeout: number;
  refundRetryPause: number;
  /** That may be opened for one order. */
  paymentsPerOrder: number;
  /** Idempotency keys that a user may have at a time. */
  keysPerUser: number;
}

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
  DATABASE_POOL_SIZE: integer({ min: 1, max: 1_000, default: 7 }),
  DATABASE_MAX_PROCESSES: integer({ min: 1, max: 1_000, default: 10 }),
  SERVICE_RATE_LIMIT: integer({ min: 1, max: 1_000_000, default: 500 }),
  ORDER_SERVICE_URL: url({ schemes: ['http', 'https'] }),
  PROVIDER_TIMEOUT: duration({ default: '5s' }),
  REFUND_RETRY_PAUSE: duration({ default: '5s' }),
  PAYMENTS_PER_ORDER: integer({ min: 1, max: 1_000, default: 20 }),
  IDEMPOTENCY_KEY_LIMIT: integer({ min: 1, max: 1_000_000, default: 10_000 }),
};

/** Throws SettingsError. */
export function loadConfig(environment: Environment): Config {
  const [values, providersBeside] = loadTogether(
    () => loadSettings(settings, environment),
    () => loadProviders(environment),
  );
  return {
    ...providersBeside(values.PAYMENT_DATABASE_URL),
    logLevel: values.LOG_LEVEL,
    tracing: tracingOf(values),
    stopDelay: stopDelayOf(values),
    host: values.HOST,
    port: values.PAYMENT_SERVICE_PORT,
    databaseUrl: values.PAYMENT_DATABASE_URL,
    databasePoolSize: values.DATABASE_POOL_SIZE,
    databaseMaxProcesses: values.DATABASE_MAX_PROCESSES,
    brokerUrl: values.RABBITMQ_URL,
    publicKeys: values.JWT_PUBLIC_KEYS,
    tokenIssuer: values.JWT_ISSUER,
    formerTokenIssuers: values.JWT_FORMER_ISSUERS,
    tokenAudience: values.JWT_AUDIENCE,
    accessTokenLifetime: values.JWT_EXPIRES_IN,
    allowedHosts: values.ALLOWED_HOSTS,
    corsOrigins: corsOriginsOf(values),
    trustedProxies: values.TRUSTED_PROXIES,
    requestsPerSecond: values.SERVICE_RATE_LIMIT,
    orderServiceUrl: values.ORDER_SERVICE_URL,
    providerTimeout: values.PROVIDER_TIMEOUT,
    refundRetryPause: values.REFUND_RETRY_PAUSE,
    paymentsPerOrder: values.PAYMENTS_PER_ORDER,
    keysPerUser: values.IDEMPOTENCY_KEY_LIMIT,
  };
}

const orderDatabase = optional(url({ schemes: ['postgresql', 'postgres'], examplePasswords: ['password'] }));

/** What the comparison of our books with the providers' is told from outside. */
export type ReconciliationConfig = ProvidersConfig &
  Pick<Config, 'databaseUrl' | 'providerTimeout'> & {
    /** undefined: orders are not compared. */
    orderDatabaseUrl: string | undefined;
  };

/** Throws SettingsError. */
export function loadReconciliationConfig(environment: Environment): ReconciliationConfig {
  const { PAYMENT_DATABASE_URL, PROVIDER_TIMEOUT } = settings;
  const [values, providersBeside] = loadTogether(
    () => loadSettings({ PAYMENT_DATABASE_URL, PROVIDER_TIMEOUT, ORDER_DATABASE_URL: orderDatabase }, environment),
    () => loadProviders(environment),
  );
  const { PAYMENT_DATABASE_URL: ownDatabase, PROVIDER_TIMEOUT: providerTimeout } = values;
  const orderDatabaseUrl = values.ORDER_DATABASE_URL;
  return { ...providersBeside(ownDatabase), databaseUrl: ownDatabase, providerTimeout, orderDatabaseUrl };
}

/** Both, or the faults of both. Throws SettingsError. */
function loadTogether<A, B>(first: () => A, second: () => B): [A, B] {
  const faults: string[] = [];
  const attempt = <T>(load: () => T): T | undefined => {
    try {
      return load();
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      faults.push(...error.faults);
      return undefined;
    }
  };
  const [one, other] = [attempt(first), attempt(second)];
  if (one === undefined || other === undefined) throw new SettingsError(faults);
  return [one, other];
}
