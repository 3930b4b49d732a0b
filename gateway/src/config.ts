import {
  duration,
  flag,
  hostConfig,
  hostSettings,
  integer,
  loadSettings,
  optional,
  port,
  rate,
  type Environment,
  type HostConfig,
} from '@shop/common/config';
import type { DocumentLimits } from './document-budget.js';
import { perService, services, serviceUrlSettings, type PerService } from './features.js';
import type { SubscriptionLimits } from './subscriptions/open-subscriptions.js';
import type { UpstreamLimits } from './upstream-work.js';

/** What this process is configured with. Lengths of time are in milliseconds. */
export interface Config extends HostConfig {
  serviceUrls: PerService<string>;
  upstreamTimeout: number;
  requestTimeout: number;
  subscriptionLimits: SubscriptionLimits;
  documentLimits: DocumentLimits;
  upstreamLimits: UpstreamLimits;
  graphiqlEnabled: boolean;
  introspectionEnabled: boolean;
}

const settings = {
  ...hostSettings,
  ...serviceUrlSettings,
  GATEWAY_PORT: port({ default: 4000 }),
  UPSTREAM_TIMEOUT: duration({ default: '12s' }),
  GATEWAY_REQUEST_TIMEOUT: duration({ default: '15s' }),
  GATEWAY_RATE_LIMIT: integer({ min: 1, max: 1_000_000, default: 100 }),
  GATEWAY_OVERLOAD_DELAY: optional(duration()),
  SUBSCRIPTIONS_PER_ACCOUNT: integer({ min: 0, max: 10_000, default: 20 }),
  SUBSCRIPTIONS_PER_ADDRESS: integer({ min: 0, max: 100_000, default: 100 }),
  SUBSCRIPTIONS_IN_ALL: integer({ min: 0, max: 100_000, default: 1_000 }),
  NEW_QUERY_TIME_PER_CLIENT: rate({ default: '100/1s' }),
  NEW_QUERY_TIME_IN_ALL: rate({ default: '200/1s' }),
  UPSTREAM_CALLS_PER_REQUEST: integer({ min: 1, max: 1_000, default: 4 }),
  UPSTREAM_CALLS_PER_CLIENT: integer({ min: 1, max: 1_000, default: 16 }),
  GRAPHIQL_ENABLED: optional(flag()),
  INTROSPECTION_ENABLED: optional(flag()),
};

/** Throws SettingsError. */
export function loadConfig(environment: Environment): Config {
  const values = loadSettings(settings, environment);
  const isOpen = values.NODE_ENV !== 'production';
  return {
    ...hostConfig(values, {
      port: values.GATEWAY_PORT,
      requestsPerSecond: values.GATEWAY_RATE_LIMIT,
      overloadDelay: values.GATEWAY_OVERLOAD_DELAY,
    }),
    serviceUrls: perService((key) => values[services[key].urlVariable]),
    upstreamTimeout: values.UPSTREAM_TIMEOUT,
    requestTimeout: values.GATEWAY_REQUEST_TIMEOUT,
    subscriptionLimits: {
      perAccount: values.SUBSCRIPTIONS_PER_ACCOUNT,
      perAddress: values.SUBSCRIPTIONS_PER_ADDRESS,
      inAll: values.SUBSCRIPTIONS_IN_ALL,
    },
    documentLimits: { perClient: values.NEW_QUERY_TIME_PER_CLIENT, inAll: values.NEW_QUERY_TIME_IN_ALL },
    upstreamLimits: {
      perRequest: values.UPSTREAM_CALLS_PER_REQUEST,
      perClient: values.UPSTREAM_CALLS_PER_CLIENT,
    },
    graphiqlEnabled: values.GRAPHIQL_ENABLED ?? isOpen,
    introspectionEnabled: values.INTROSPECTION_ENABLED ?? isOpen,
  };
}
