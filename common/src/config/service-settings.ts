import type { KeyObject } from 'node:crypto';
import {
  corsOriginsOf,
  httpSettings,
  stopDelayOf,
  tracingOf,
  type AllowedOrigins,
  type HttpSettings,
} from './http-settings.js';
import { publicKeys } from './keys.js';
import type { Settings } from './load-settings.js';
import { duration, integer, optional } from './setting.js';

/** What every process that answers HTTP is set from outside. Lengths of time are in milliseconds. */
export interface HostConfig {
  logLevel: HttpSettings['LOG_LEVEL'];
  /** Processes that share its port; absent: one. */
  workers?: number;
  /** Absent: no traces are made. */
  tracing?: ReturnType<typeof tracingOf>;
  /** How long requests are still taken after the signal to stop; absent: not at all. */
  stopDelay?: number | undefined;
  /** How long a request may have to wait before further ones are refused; absent: none is. */
  overloadDelay?: number | undefined;
  host: string;
  port: number;
  /** Names that it may be asked by, beside its own and those of the loopback. */
  allowedHosts?: readonly string[] | undefined;
  corsOrigins: AllowedOrigins;
  /** Addresses or networks whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[];
  /** Whether people find Swagger UI at /docs; absent: no. */
  apiDocsEnabled?: boolean;
  requestsPerSecond: number;
  brokerUrl: string;
  publicKeys: readonly KeyObject[];
  tokenIssuer: string;
  /** Whose tokens are accepted, too, while they live. */
  formerTokenIssuers?: readonly string[] | undefined;
  tokenAudience: string;
  accessTokenLifetime: number;
}

/** What every service with a database of its own is set from outside. */
export interface ServiceConfig extends HostConfig {
  databaseUrl: string;
  databasePoolSize: number;
  /** Processes of this service that may run at a time: replicas, and those that a rolling update adds. */
  databaseMaxProcesses: number;
}

/** The variables that every process reads. Those of its port and its rate limit have names of their own. */
export const hostSettings = {
  ...httpSettings,
  WORKERS: integer({ min: 1, max: 64, default: 1 }),
  JWT_PUBLIC_KEYS: publicKeys(),
};

/** The variables that every service reads. Those of its port and its database have names of their own. */
export const serviceSettings = {
  ...hostSettings,
  DATABASE_POOL_SIZE: integer({ min: 1, max: 1_000, default: 7 }),
  DATABASE_MAX_PROCESSES: integer({ min: 1, max: 1_000, default: 10 }),
  SERVICE_RATE_LIMIT: integer({ min: 1, max: 1_000_000, default: 500 }),
  SERVICE_OVERLOAD_DELAY: optional(duration()),
};

export const hostConfig = (
  values: Settings<typeof hostSettings>,
  own: Pick<HostConfig, 'port' | 'requestsPerSecond' | 'overloadDelay'>,
): HostConfig => ({
  ...own,
  logLevel: values.LOG_LEVEL,
  workers: values.WORKERS,
  tracing: tracingOf(values),
  stopDelay: stopDelayOf(values),
  host: values.HOST,
  allowedHosts: values.ALLOWED_HOSTS,
  corsOrigins: corsOriginsOf(values),
  trustedProxies: values.TRUSTED_PROXIES,
  apiDocsEnabled: values.API_DOCS_ENABLED ?? values.NODE_ENV !== 'production',
  brokerUrl: values.RABBITMQ_URL,
  publicKeys: values.JWT_PUBLIC_KEYS,
  tokenIssuer: values.JWT_ISSUER,
  formerTokenIssuers: values.JWT_FORMER_ISSUERS,
  tokenAudience: values.JWT_AUDIENCE,
  accessTokenLifetime: values.JWT_EXPIRES_IN,
});

export const serviceConfig = (
  values: Settings<typeof serviceSettings>,
  { port, databaseUrl }: Pick<ServiceConfig, 'port' | 'databaseUrl'>,
): ServiceConfig => ({
  ...hostConfig(values, {
    port,
    requestsPerSecond: values.SERVICE_RATE_LIMIT,
    overloadDelay: values.SERVICE_OVERLOAD_DELAY,
  }),
  databaseUrl,
  databasePoolSize: values.DATABASE_POOL_SIZE,
  databaseMaxProcesses: values.DATABASE_MAX_PROCESSES,
});
