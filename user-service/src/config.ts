import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  PUBLISHED_RETENTION_DAYS,
  SettingsError,
  databaseUrlOf,
  duration,
  integer,
  jwkThumbprint,
  loadSettings,
  optional,
  port,
  privateKey,
  rate,
  secret,
  serviceConfig,
  serviceSettings,
  text,
  type Environment,
  type ServiceConfig,
  type Setting,
} from '@shop/common/config';
import { email, password, type Rule } from '@shop/common/http/validation';
import { z } from 'zod';
import type { AttemptLimits } from './throttling/throttle.service.js';

/** What this process is configured with. Lengths of time are in milliseconds. */
export interface Config extends ServiceConfig {
  privateKey: KeyObject;
  refreshTokenSecret: string;
  /** The one before or the next one, while it rotates. */
  otherRefreshTokenSecret?: string | undefined;
  bcryptCost: number;
  attemptLimits: AttemptLimits;
  /** Created once, at the first start. */
  firstAdmin: { email: string; password: string } | undefined;
  /** How long a deleted user is kept as it was. */
  personalDataRetention: number;
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

/** So long the outbox keeps events that show who a user was, and a day more. */
const MIN_RETENTION_IN_PRODUCTION = PUBLISHED_RETENTION_DAYS + 1;
const personalDataRetention: Setting<number> = {
  ...duration({ default: '30d' }),
  productionFault: (value) =>
    Number(value) < MIN_RETENTION_IN_PRODUCTION * 86_400_000
      ? `must be at least ${MIN_RETENTION_IN_PRODUCTION}d in production`
      : undefined,
};

const refreshSecretExamples = ['development-only-refresh-token-secret'];

const settings = {
  ...serviceSettings,
  JWT_PRIVATE_KEY: privateKey(),
  REFRESH_TOKEN_SECRET: secret({ examples: refreshSecretExamples }),
  REFRESH_TOKEN_OTHER_SECRET: optional(secret({ examples: refreshSecretExamples })),
  USER_SERVICE_PORT: port({ default: 8081 }),
  USER_DATABASE_URL: databaseUrlOf('USER'),
  BCRYPT_COST: bcryptCost,
  LOGIN_LIMIT: rate({ default: '10/15m' }),
  LOGIN_ACCOUNT_LIMIT: rate({ default: '50/1h' }),
  LOGIN_ADDRESS_LIMIT: rate({ default: '100/15m' }),
  LOGIN_RATE_LIMIT: rate({ default: '60/1m' }),
  REGISTRATION_LIMIT: rate({ default: '100/1h' }),
  REFRESH_LIMIT: rate({ default: '1000/15m' }),
  PASSWORD_CHANGE_LIMIT: rate({ default: '10/15m' }),
  PERSONAL_DATA_RETENTION: personalDataRetention,
  ADMIN_EMAIL: optional(passing(text(), email())),
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

/** What the tool that creates admins is set from outside. */
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
    ...serviceConfig(values, { port: values.USER_SERVICE_PORT, databaseUrl: values.USER_DATABASE_URL }),
    privateKey: values.JWT_PRIVATE_KEY,
    refreshTokenSecret: values.REFRESH_TOKEN_SECRET,
    otherRefreshTokenSecret: values.REFRESH_TOKEN_OTHER_SECRET,
    bcryptCost: values.BCRYPT_COST,
    attemptLimits: {
      login: { name: 'login', ...values.LOGIN_LIMIT },
      loginOfAccount: { name: 'login-account', ...values.LOGIN_ACCOUNT_LIMIT },
      loginFromAddress: { name: 'login-address', ...values.LOGIN_ADDRESS_LIMIT },
      everyLogin: { name: 'logins', ...values.LOGIN_RATE_LIMIT },
      registrationFromAddress: { name: 'registration', ...values.REGISTRATION_LIMIT },
      refreshFromAddress: { name: 'refresh', ...values.REFRESH_LIMIT },
      passwordChange: { name: 'password-change', ...values.PASSWORD_CHANGE_LIMIT },
    },
    personalDataRetention: values.PERSONAL_DATA_RETENTION,
    firstAdmin:
      ADMIN_EMAIL !== undefined && ADMIN_PASSWORD !== undefined
        ? { email: ADMIN_EMAIL, password: ADMIN_PASSWORD }
        : undefined,
  };
}
