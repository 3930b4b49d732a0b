import { createPublicKey, type KeyObject } from 'node:crypto';
import { jwkThumbprint, privateKey, publicKeys } from '@shop/common/auth';
import {
  corsOriginsOf,
  SettingsError,
  databaseUrl,
  httpSettings,
  integer,
  loadSettings,
  optional,
  port,
  stopDelayOf,
  tracingOf,
  rate,
  secret,
  type AllowedOrigins,
  type Environment,
  type Setting,
} from '@shop/common/config';
import { email, password, type Rule } from '@shop/common/http';
import type { LogLevel } from '@shop/common/logger';
import type { TracingOptions } from '@shop/common/tracing';
import { z } from 'zod';
import type { AttemptLimits } from './throttling/throttle.service.js';

/** What this process is told from outside. Lengths of time are in milliseconds. */
export interface Config {
  logLevel: LogLevel;
  /** Absent: no traces are made. */
  tracing?: TracingOptions | undefined;
  /** Milliseconds that requests are still taken in after the signal to stop; absent: none. */
  stopDelay?: number | undefined;
  host: string;
  port: number;
  /** Names that it may be asked by, beside its own and those of the loopback. */
  allowedHosts?: readonly string[] | undefined;
  corsOrigins: AllowedOrigins;
  trustedProxies: readonly string[];
  requestsPerSecond: number;
  databaseUrl: string;
  databasePoolSize: number;
  /** Processes of this service that may run at a time: replicas, and those that a rolling update adds. */
  databaseMaxProcesses: number;
  brokerUrl: string;
  privateKey: KeyObject;
  publicKeys: readonly KeyObject[];
  tokenIssuer: string;
  /** Whose tokens are accepted, too, while they live. */
  formerTokenIssuers?: readonly string[] | undefined;
  tokenAudience: string;
  accessTokenLifetime: number;
  refreshTokenSecret: string;
  bcryptCost: number;
  attemptLimits: AttemptLimits;
  /** Created once, at the first start. */
  firstAdmin: { email: string; password: string } | undefined;
}

/** Under it a stolen hash is guessed too cheaply. OWASP's Password Storage Cheat Sheet asks for 10 at least. */
const MIN_COST_IN_PRODUCTION = 12;

/** A setting that has to pass the rule which requests have to pass, too. */
const passing = ({ schema, ...rest }: Setting<string>, { check }: Rule<string>): Setting<string> => ({
  ...rest,
  schema: schema.transform((value, context) => {
    const result = check(value);
    if ('value' in result) return result.value;
    context.addIssue({ code: 'custom', message: result.faults.map(({ message }) => message).join('; ') });
    return z.NEVER;
  }),
});

const bcryptCost: Setting<number> = {
  ...integer({ min: 4, max: 15, default: 12 }),
  productionFault: (value) =>
    Number(value) < MIN_COST_IN_PRODUCTION ? `must be at least ${MIN_COST_IN_PRODUCTION} in production` : undefined,
};

const plainText: Setting<string> = { schema: z.string() };

const settings = {
  ...httpSettings,
  JWT_PRIVATE_KEY: privateKey(),
  JWT_PUBLIC_KEYS: publicKeys(),
  REFRESH_TOKEN_SECRET: secret({ examples: ['development-only-refresh-token-secret'] }),
  USER_SERVICE_PORT: port({ default: 8081 }),
  USER_DATABASE_URL: databaseUrl({
    host: 'USER_DB_HOST',
    port: 'USER_DB_PORT',
    user: 'USER_DB_USER',
    password: 'USER_DB_PASSWORD',
    name: 'USER_DB_NAME',
  }),
  DATABASE_POOL_SIZE: integer({ min: 1, max: 1_000, default: 7 }),
  DATABASE_MAX_PROCESSES: integer({ min: 1, max: 1_000, default: 10 }),
  SERVICE_RATE_LIMIT: integer({ min: 1, max: 1_000_000, default: 500 }),
  BCRYPT_COST: bcryptCost,
  LOGIN_LIMIT: rate({ default: '10/15m' }),
  LOGIN_ACCOUNT_LIMIT: rate({ default: '50/1h' }),
  LOGIN_ADDRESS_LIMIT: rate({ default: '100/15m' }),
  LOGIN_RATE_LIMIT: rate({ default: '60/1m' }),
  REGISTRATION_LIMIT: rate({ default: '100/1h' }),
  REFRESH_LIMIT: rate({ default: '1000/15m' }),
  PASSWORD_CHANGE_LIMIT: rate({ default: '10/15m' }),
  ADMIN_EMAIL: optional(passing(plainText, email())),
  ADMIN_PASSWORD: optional(passing(secret({ examples: ['admin-password'] }), password())),
};

/** Faults that no variable has by itself. */
function faultsBetween(values: {
  JWT_PRIVATE_KEY: KeyObject;
  JWT_PUBLIC_KEYS: readonly KeyObject[];
  ADMIN_EMAIL: string | undefined;
  ADMIN_PASSWORD: string | undefined;
}): string[] {
  const faults: string[] = [];
  const signingKey = jwkThumbprint(createPublicKey(values.JWT_PRIVATE_KEY));
  if (!values.JWT_PUBLIC_KEYS.some((key) => jwkThumbprint(key) === signingKey)) {
    faults.push('JWT_PUBLIC_KEYS must contain the public key of JWT_PRIVATE_KEY');
  }
  if ((values.ADMIN_EMAIL === undefined) !== (values.ADMIN_PASSWORD === undefined)) {
    faults.push('ADMIN_EMAIL and ADMIN_PASSWORD must be set both or neither');
  }
  return faults;
}

/** What the tool that creates admins is told from outside. */
export interface AdminToolConfig {
  databaseUrl: string;
  bcryptCost: number;
}

/** Throws SettingsError. */
export function loadAdminToolConfig(environment: Environment): AdminToolConfig {
  const { USER_DATABASE_URL, BCRYPT_COST } = settings;
  const values = loadSettings({ USER_DATABASE_URL, BCRYPT_COST }, environment);
  return { databaseUrl: values.USER_DATABASE_URL, bcryptCost: values.BCRYPT_COST };
}

/** Throws SettingsError with every fault. */
export function loadConfig(environment: Environment): Config {
  const values = loadSettings(settings, environment);
  const faults = faultsBetween(values);
  if (faults.length > 0) throw new SettingsError(faults);
  const { ADMIN_EMAIL, ADMIN_PASSWORD } = values;
  return {
    logLevel: values.LOG_LEVEL,
    tracing: tracingOf(values),
    stopDelay: stopDelayOf(values),
    host: values.HOST,
    port: values.USER_SERVICE_PORT,
    allowedHosts: values.ALLOWED_HOSTS,
    corsOrigins: corsOriginsOf(values),
    trustedProxies: values.TRUSTED_PROXIES,
    requestsPerSecond: values.SERVICE_RATE_LIMIT,
    databaseUrl: values.USER_DATABASE_URL,
    databasePoolSize: values.DATABASE_POOL_SIZE,
    databaseMaxProcesses: values.DATABASE_MAX_PROCESSES,
    brokerUrl: values.RABBITMQ_URL,
    privateKey: values.JWT_PRIVATE_KEY,
    publicKeys: values.JWT_PUBLIC_KEYS,
    tokenIssuer: values.JWT_ISSUER,
    formerTokenIssuers: values.JWT_FORMER_ISSUERS,
    tokenAudience: values.JWT_AUDIENCE,
    accessTokenLifetime: values.JWT_EXPIRES_IN,
    refreshTokenSecret: values.REFRESH_TOKEN_SECRET,
    bcryptCost: values.BCRYPT_COST,
    attemptLimits: {
      logIn: { name: 'log-in', ...values.LOGIN_LIMIT },
      logInOfAccount: { name: 'log-in-account', ...values.LOGIN_ACCOUNT_LIMIT },
      logInFromAddress: { name: 'log-in-address', ...values.LOGIN_ADDRESS_LIMIT },
      everyLogIn: { name: 'log-ins', ...values.LOGIN_RATE_LIMIT },
      registrationFromAddress: { name: 'registration', ...values.REGISTRATION_LIMIT },
      refreshFromAddress: { name: 'refresh', ...values.REFRESH_LIMIT },
      passwordChange: { name: 'password-change', ...values.PASSWORD_CHANGE_LIMIT },
    },
    firstAdmin:
      ADMIN_EMAIL !== undefined && ADMIN_PASSWORD !== undefined
        ? { email: ADMIN_EMAIL, password: ADMIN_PASSWORD }
        : undefined,
  };
}
