import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client';
import { lostLogLines } from '../logger/index.js';

/** prom-client calls these gauges `_total`, which says that they only grow. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** CPU, memory, garbage collection and event loop of this process, and lost lines of its log. */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  const noted = { active: 0, idle: 0 };
  new Counter({
    name: 'nodejs_eventloop_time_seconds_total',
    help: 'Time that the event loop was at work (active) or waited for it (idle)',
    labelNames: ['nodejs_eventloop_state'],
    registers: [registry],
    collect() {
      const { active, idle } = performance.eventLoopUtilization();
      this.inc({ nodejs_eventloop_state: 'active' }, Math.max(0, active - noted.active) / 1_000);
      this.inc({ nodejs_eventloop_state: 'idle' }, Math.max(0, idle - noted.idle) / 1_000);
      Object.assign(noted, { active, idle });
    },
  });
  let lostBefore = 0;
  new Counter({
    name: 'log_lines_lost_total',
    help: 'Lines of the log that could not be written, as on a full disk',
    registers: [registry],
    collect() {
      const lost = lostLogLines();
      this.inc(lost - lostBefore);
      lostBefore = lost;
    },
  });
  new Gauge({
    name: 'v8js_memory_heap_limit_bytes',
    help: 'What the heap may grow to; beyond it the process ends',
    registers: [registry],
    collect() {
      this.set(getHeapStatistics().heap_size_limit);
    },
  });
}
