import type { KeyObject } from 'node:crypto';
import { publicKeys } from '@shop/common/auth';
import {
  corsOriginsOf,
  databaseUrl,
  duration,
  httpSettings,
  integer,
  loadSettings,
  port,
  rate,
  stopDelayOf,
  tracingOf,
  type AllowedOrigins,
  type Environment,
} from '@shop/common/config';
import type { LogLevel } from '@shop/common/logger';
import type { TracingOptions } from '@shop/common/tracing';

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
  paymentWindow: number;
  unpaidLimit: { orders: number; bytes: number; window: number };
  /** Idempotency keys that a user may have at a time. */
  keysPerUser: number;
}

const settings = {
  ...httpSettings,
  JWT_PUBLIC_KEYS: publicKeys(),
  ORDER_SERVICE_PORT: port({ default: 8082 }),
  ORDER_DATABASE_URL: databaseUrl({
    host: 'ORDER_DB_HOST',
    port: 'ORDER_DB_PORT',
    user: 'ORDER_DB_USER',
    password: 'ORDER_DB_PASSWORD',
    name: 'ORDER_DB_NAME',
  }),
  DATABASE_POOL_SIZE: integer({ min: 1, max: 1_000, default: 7 }),
  DATABASE_MAX_PROCESSES: integer({ min: 1, max: 1_000, default: 10 }),
  SERVICE_RATE_LIMIT: integer({ min: 1, max: 1_000_000, default: 500 }),
  ORDER_PAYMENT_WINDOW: duration({ default: '30m' }),
  UNPAID_ORDER_LIMIT: rate({ default: '10000/1h' }),
  UNPAID_ORDER_BYTES: integer({ min: 1_000_000, max: 1_000_000_000_000, default: 10_000_000 }),
  IDEMPOTENCY_KEY_LIMIT: integer({ min: 1, max: 1_000_000, default: 10_000 }),
};

/** Throws SettingsError. */
export function loadConfig(environment: Environment): Config {
  const values = loadSettings(settings, environment);
  return {
    logLevel: values.LOG_LEVEL,
    tracing: tracingOf(values),
    stopDelay: stopDelayOf(values),
    host: values.HOST,
    port: values.ORDER_SERVICE_PORT,
    databaseUrl: values.ORDER_DATABASE_URL,
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
    paymentWindow: values.ORDER_PAYMENT_WINDOW,
    unpaidLimit: {
      orders: values.UNPAID_ORDER_LIMIT.quota,
      bytes: values.UNPAID_ORDER_BYTES,
      window: values.UNPAID_ORDER_LIMIT.window,
    },
    keysPerUser: values.IDEMPOTENCY_KEY_LIMIT,
  };
}
