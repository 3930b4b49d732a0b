import { Counter, Histogram, Registry } from 'prom-client';
import type { Siblings } from '../process/index.js';
import { collectProcessMetrics } from './process-metrics.js';
import { mergeMetrics } from './merge-metrics.js';

/**
 * Seconds; the buckets that OpenTelemetry's semantic conventions advise for durations of HTTP requests, database calls and
 * messages.
 */
export const DURATION_BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/**
 * Names are those of OpenTelemetry's semantic conventions as Prometheus writes them. The values of every label are few and
 * known beforehand: routes, statuses, names of queues; never ids or what a client sends.
 */
export interface Metrics {
  /** All metrics of this process; others add theirs to it. */
  readonly registry: Registry;
  /** All metrics of this process and of its siblings, as Prometheus reads them. */
  readonly report: () => Promise<string>;
  /** Without the status, which a client chooses for the most part: a histogram of each would be thousands of series. */
  readonly httpServerRequestDuration: Histogram<'http_request_method' | 'http_route'>;
  readonly httpServerResponses: Counter<'http_request_method' | 'http_route' | 'http_response_status_code'>;
}

/** The metrics of one process. Those of workers have its number as label `worker`: whichever is asked answers for all. */
export function createMetrics({ service, siblings }: { service: string; siblings?: Siblings | undefined }): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service, ...(siblings && { worker: siblings.number }) });
  siblings?.shareMetrics(() => registry.metrics());
  collectProcessMetrics(registry);
  return {
    registry,
    report: siblings ? async () => mergeMetrics(await siblings.metricsOfAll()) : () => registry.metrics(),
    httpServerRequestDuration: new Histogram({
      name: 'http_server_request_duration_seconds',
      help: 'Duration of HTTP requests by route',
      labelNames: ['http_request_method', 'http_route'],
      buckets: [...DURATION_BUCKETS],
      registers: [registry],
    }),
    httpServerResponses: new Counter({
      name: 'http_server_responses_total',
      help: 'HTTP requests by route and by the status that they were answered with',
      labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
      registers: [registry],
    }),
  };
}

/** Metrics that several parts of a process share: created once for each registry, by whoever asks first. */
export function sharedMetrics<T>(create: (registry: Registry) => T): (metrics: Metrics) => T {
  const known = new WeakMap<Registry, T>();
  return ({ registry }) => {
    const shared = known.get(registry) ?? create(registry);
    known.set(registry, shared);
    return shared;
  };
}
