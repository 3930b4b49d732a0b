import { Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Seconds; the buckets that OpenTelemetry's semantic conventions advise for `http.server.request.duration`. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

export interface Metrics {
  /** All figures of this process; others add theirs to it. */
  readonly registry: Registry;
  readonly httpServerRequestDuration: Histogram<'http_request_method' | 'http_route' | 'http_response_status_code'>;
}

/** The figures of one process, labelled with its service. */
export function createMetrics({ service }: { service: string }): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    httpServerRequestDuration: new Histogram({
      name: 'http_server_request_duration_seconds',
      help: 'Duration of HTTP requests by route',
      labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
      buckets: DURATION_BUCKETS,
      registers: [registry],
    }),
  };
}
