import {
  databaseUrlOf,
  duration,
  integer,
  optional,
  port,
  serviceConfig,
  serviceSettings,
  SettingsError,
  url,
  type Environment,
  type ServiceConfig,
} from '@shop/common/config';
import { gatherProviders, gatherSettings, type ProvidersConfig } from './providers/provider-settings.js';

/** What this process is configured with. Lengths of time are in milliseconds. */
export interface Config extends ServiceConfig, ProvidersConfig {
  orderServiceUrl: string;
  providerTimeout: number;
  refundRetryPause: number;
  /** That may be opened for one order. */
  paymentsPerOrder: number;
  /** Idempotency keys that a user may have at a time. */
  keysPerUser: number;
}

const settings = {
  ...serviceSettings,
  PAYMENT_SERVICE_PORT: port({ default: 8083 }),
  PAYMENT_DATABASE_URL: databaseUrlOf('PAYMENT'),
  ORDER_SERVICE_URL: url({ schemes: ['http', 'https'] }),
  PROVIDER_TIMEOUT: duration({ default: '5s' }),
  REFUND_RETRY_PAUSE: duration({ default: '5s' }),
  PAYMENTS_PER_ORDER: integer({ min: 1, max: 1_000, default: 20 }),
  IDEMPOTENCY_KEY_LIMIT: integer({ min: 1, max: 1_000_000, default: 10_000 }),
};

/** Throws SettingsError. */
export function loadConfig(environment: Environment): Config {
  const faults: string[] = [];
  const values = gatherSettings(faults, settings, environment);
  const providersBeside = gatherProviders(faults, environment);
  if (values === undefined || providersBeside === undefined) throw new SettingsError(faults);
  return {
    ...serviceConfig(values, { port: values.PAYMENT_SERVICE_PORT, databaseUrl: values.PAYMENT_DATABASE_URL }),
    ...providersBeside(values.PAYMENT_DATABASE_URL),
    orderServiceUrl: values.ORDER_SERVICE_URL,
    providerTimeout: values.PROVIDER_TIMEOUT,
    refundRetryPause: values.REFUND_RETRY_PAUSE,
    paymentsPerOrder: values.PAYMENTS_PER_ORDER,
    keysPerUser: values.IDEMPOTENCY_KEY_LIMIT,
  };
}

const orderDatabase = optional(url({ schemes: ['postgresql', 'postgres'], examplePasswords: ['password'] }));

/** What the comparison of our ledger with the providers' is set from outside. */
export type ReconciliationConfig = ProvidersConfig &
  Pick<Config, 'databaseUrl' | 'providerTimeout'> & {
    /** undefined: orders are not compared. */
    orderDatabaseUrl: string | undefined;
  };

/** Throws SettingsError. */
export function loadReconciliationConfig(environment: Environment): ReconciliationConfig {
  const { PAYMENT_DATABASE_URL, PROVIDER_TIMEOUT } = settings;
  const faults: string[] = [];
  const wanted = { PAYMENT_DATABASE_URL, PROVIDER_TIMEOUT, ORDER_DATABASE_URL: orderDatabase };
  const values = gatherSettings(faults, wanted, environment);
  const providersBeside = gatherProviders(faults, environment);
  if (values === undefined || providersBeside === undefined) throw new SettingsError(faults);
  const { PAYMENT_DATABASE_URL: databaseUrl, PROVIDER_TIMEOUT: providerTimeout } = values;
  return { ...providersBeside(databaseUrl), databaseUrl, providerTimeout, orderDatabaseUrl: values.ORDER_DATABASE_URL };
}
