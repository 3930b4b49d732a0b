import {
  databaseUrlOf,
  duration,
  integer,
  loadSettings,
  port,
  rate,
  serviceConfig,
  serviceSettings,
  type Environment,
  type ServiceConfig,
} from '@shop/common/config';

/** What this process is configured with. Lengths of time are in milliseconds. */
export interface Config extends ServiceConfig {
  paymentWindow: number;
  unpaidLimit: { orders: number; bytes: number; window: number };
  /** Idempotency keys that a user may have at a time. */
  keysPerUser: number;
}

const settings = {
  ...serviceSettings,
  ORDER_SERVICE_PORT: port({ default: 8082 }),
  ORDER_DATABASE_URL: databaseUrlOf('ORDER'),
  ORDER_PAYMENT_WINDOW: duration({ default: '30m' }),
  UNPAID_ORDER_LIMIT: rate({ default: '10000/1h' }),
  UNPAID_ORDER_BYTES: integer({ min: 1_000_000, max: 1_000_000_000_000, default: 10_000_000 }),
  IDEMPOTENCY_KEY_LIMIT: integer({ min: 1, max: 1_000_000, default: 10_000 }),
};

/** Throws SettingsError. */
export function loadConfig(environment: Environment): Config {
  const values = loadSettings(settings, environment);
  return {
    ...serviceConfig(values, { port: values.ORDER_SERVICE_PORT, databaseUrl: values.ORDER_DATABASE_URL }),
    paymentWindow: values.ORDER_PAYMENT_WINDOW,
    unpaidLimit: {
      orders: values.UNPAID_ORDER_LIMIT.quota,
      bytes: values.UNPAID_ORDER_BYTES,
      window: values.UNPAID_ORDER_LIMIT.window,
    },
    keysPerUser: values.IDEMPOTENCY_KEY_LIMIT,
  };
}
