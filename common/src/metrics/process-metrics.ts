import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { collectDefaultMetrics } from 'prom-client';
import { lostLogLines } from '../logger/index.js';
import type { Metrics } from './metrics.js';

/** prom-client calls these gauges `_total`, which says that they only grow. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** CPU, memory, garbage collection and event loop of this process, and lost lines of its log. */
export function collectProcessMetrics(metrics: Pick<Metrics, 'registry' | 'counter' | 'gauge'>): void {
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
