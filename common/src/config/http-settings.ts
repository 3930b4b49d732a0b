import type { Settings } from './load-settings.js';
import { duration, flag, fraction, hosts, issuer, list, networks, oneOf, optional, origins, text } from './setting.js';
import { connection, url } from './url-setting.js';

export const nodeEnvironments = ['development', 'test', 'production'] as const;

/** The URL of RabbitMQ, or the variables that it is made of. */
export const brokerUrl = connection(
  { host: 'RABBITMQ_HOST', port: 'RABBITMQ_PORT', user: 'RABBITMQ_USER', password: 'RABBITMQ_PASSWORD' },
  { schemes: ['amqp', 'amqps'], defaultPort: 5672, examplePasswords: ['guest'] },
);

/** What every process that answers HTTP reads from its environment. */
export const httpSettings = {
  NODE_ENV: oneOf(nodeEnvironments, { default: 'development' }),
  LOG_LEVEL: oneOf(['error', 'warn', 'info', 'debug'], { default: 'info' }),
  HOST: text({ default: '127.0.0.1' }),
  ALLOWED_HOSTS: hosts(),
  CORS_ORIGINS: origins(),
  TRUSTED_PROXIES: networks({ default: '127.0.0.1,::1' }),
  API_DOCS_ENABLED: optional(flag()),
  RABBITMQ_URL: brokerUrl,
  JWT_ISSUER: issuer({ default: 'http://localhost' }),
  JWT_FORMER_ISSUERS: list(),
  JWT_AUDIENCE: text({ default: 'shop' }),
  JWT_EXPIRES_IN: duration({ default: '1h' }),
  STOP_DELAY: optional(duration()),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(url({ schemes: ['http', 'https'] })),
  OTEL_TRACES_SAMPLER_ARG: fraction({ default: 1 }),
};
export type HttpSettings = Settings<typeof httpSettings>;

/** Milliseconds: as long as Kubernetes may take until no part of it sends requests to a pod that ends. */
const STOP_DELAY_IN_PRODUCTION = 5_000;

/** How long requests are still taken after the signal to stop. In development nobody has to learn of it first. */
export const stopDelayOf = (values: HttpSettings): number =>
  values.STOP_DELAY ?? (values.NODE_ENV === 'production' ? STOP_DELAY_IN_PRODUCTION : 0);

/** Origins that browsers may call from: as they are, or as a pattern. */
export type AllowedOrigins = readonly (string | RegExp)[];

/** A page on this machine, such as the development server of a frontend. nginx.conf.template has the same. */
const LOCAL_ORIGIN = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?$/;

/** Whom CORS is for. In production those of the settings alone. */
export const corsOriginsOf = (values: Pick<HttpSettings, 'NODE_ENV' | 'CORS_ORIGINS'>): AllowedOrigins =>
  values.NODE_ENV === 'production' ? values.CORS_ORIGINS : [...values.CORS_ORIGINS, LOCAL_ORIGIN];

/** Where traces go; undefined where they go nowhere. */
export const tracingOf = (values: HttpSettings): { endpoint: string; samplingRatio: number } | undefined =>
  values.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
    ? undefined
    : { endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT, samplingRatio: values.OTEL_TRACES_SAMPLER_ARG };
