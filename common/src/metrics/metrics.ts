import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { lostLogLines } from '../logger/index.js';
import type { Siblings } from '../process/index.js';
import { mergeMetrics } from './merge-metrics.js';

/**
 * Seconds; the buckets that OpenTelemetry's semantic conventions advise for durations of HTTP requests, database calls and
 * messages.
 */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** prom-client calls these gauges `_total`, which says that they only grow. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/**
 * Names are those of OpenTelemetry's semantic conventions as Prometheus writes them. The values of every label are few and
 * known beforehand: routes, statuses, names of queues; never ids or what a client sends.
 */
export interface Metrics {
  /** All metrics of this process. */
  readonly registry: Registry;
  /** All metrics of this process and of its siblings, as Prometheus reads them. */
  readonly report: () => Promise<string>;
  /** Adds one; `collect` brings it up to date whenever the metrics are read. */
  counter<Label extends string = never>(
    name: string,
    help: string,
    labelNames?: readonly Label[],
    collect?: Collect<Counter<Label>>,
  ): Counter<Label>;
  gauge<Label extends string = never>(
    name: string,
    help: string,
    labelNames?: readonly Label[],
    collect?: Collect<Gauge<Label>>,
  ): Gauge<Label>;
  /** A histogram of seconds. */
  durations<Label extends string = never>(name: string, help: string, labelNames?: readonly Label[]): Histogram<Label>;
  /** Without the status, which a client chooses for the most part: a histogram of each would be thousands of series. */
  readonly httpServerRequestDuration: Histogram<'http_request_method' | 'http_route'>;
  readonly httpServerResponses: Counter<'http_request_method' | 'http_route' | 'http_response_status_code'>;
}

type Collect<Metric> = (metric: Metric) => void | Promise<void>;

/** As prom-client wants it. */
const collecting = <Metric>(collect: Collect<Metric> | undefined) =>
  collect && {
    collect(this: Metric) {
      return collect(this);
    },
  };

/** The metrics of one process. Those of workers have its number as label `worker`: whichever is asked answers for all. */
export function createMetrics({ service, siblings }: { service: string; siblings?: Siblings | undefined }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  registry.setDefaultLabels({ service, ...(siblings && { worker: siblings.number }) });
  siblings?.shareMetrics(() => registry.metrics());
  const kinds: Pick<Metrics, 'registry' | 'counter' | 'gauge' | 'durations'> = {
    registry,
    counter: (name, help, labelNames = [], collect) =>
      new Counter({ name, help, labelNames, registers, ...collecting(collect) }),
    gauge: (name, help, labelNames = [], collect) =>
      new Gauge({ name, help, labelNames, registers, ...collecting(collect) }),
    durations: (name, help, labelNames = []) =>
      new Histogram({ name, help, labelNames, buckets: DURATION_BUCKETS, registers }),
  };
  collectProcessMetrics(kinds);
  return {
    ...kinds,
    report: siblings ? async () => mergeMetrics(await siblings.metricsOfAll()) : () => registry.metrics(),
    httpServerRequestDuration: kinds.durations(
      'http_server_request_duration_seconds',
      'Duration of HTTP requests by route',
      ['http_request_method', 'http_route'],
    ),
    httpServerResponses: kinds.counter(
      'http_server_responses_total',
      'HTTP requests by route and by the status that they were answered with',
      ['http_request_method', 'http_route', 'http_response_status_code'],
    ),
  };
}

/** CPU, memory, garbage collection and event loop of this process, and lost lines of its log. */
function collectProcessMetrics(metrics: Pick<Metrics, 'registry' | 'counter' | 'gauge'>): void {
  collectDefaultMetrics({ register: metrics.registry });
  for (const name of MISNAMED) metrics.registry.removeSingleMetric(name);
  const noted = { active: 0, idle: 0 };
  metrics.counter(
    'nodejs_eventloop_time_seconds_total',
    'Time that the event loop was at work (active) or waited for it (idle)',
    ['nodejs_eventloop_state'],
    (seconds) => {
      const { active, idle } = performance.eventLoopUtilization();
      seconds.inc({ nodejs_eventloop_state: 'active' }, Math.max(0, active - noted.active) / 1_000);
      seconds.inc({ nodejs_eventloop_state: 'idle' }, Math.max(0, idle - noted.idle) / 1_000);
      Object.assign(noted, { active, idle });
    },
  );
  let lostBefore = 0;
  metrics.counter(
    'log_lines_lost_total',
    'Lines of the log that could not be written, as on a full disk',
    [],
    (lines) => {
      const lost = lostLogLines();
      lines.inc(lost - lostBefore);
      lostBefore = lost;
    },
  );
  metrics.gauge(
    'v8js_memory_heap_limit_bytes',
    'What the heap may grow to; beyond it the process ends',
    [],
    (bytes) => {
      bytes.set(getHeapStatistics().heap_size_limit);
    },
  );
}

/** Metrics that several parts of a process share: created once for each process, by whoever asks first. */
export function sharedMetrics<T>(create: (metrics: Metrics) => T): (metrics: Metrics) => T {
  const known = new WeakMap<Registry, T>();
  return (metrics) => {
    const shared = known.get(metrics.registry) ?? create(metrics);
    known.set(metrics.registry, shared);
    return shared;
  };
}
