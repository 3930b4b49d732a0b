import { describe, expect, it } from '@jest/globals';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { mergeMetrics } from './merge-metrics.js';

async function metricsOf(worker: number): Promise<string> {
  const registry = new Registry();
  registry.setDefaultLabels({ worker });
  const registers = [registry];
  new Counter({ name: 'requests_total', help: 'Requests', labelNames: ['route'], registers }).inc(
    { route: '/a' },
    worker,
  );
  new Histogram({ name: 'duration_seconds', help: 'Time\nthey take', buckets: [1], registers }).observe(worker);
  if (worker === 2) new Gauge({ name: 'only_here', help: 'Of the second', registers }).set(7);
  return registry.metrics();
}

describe('the metrics of several processes', () => {
  it('each metric stands once, with the samples of all', async () => {
    const merged = mergeMetrics([await metricsOf(1), await metricsOf(2)]);
    expect(merged.match(/^# TYPE .*$/gm)).toEqual([
      '# TYPE requests_total counter',
      '# TYPE duration_seconds histogram',
      '# TYPE only_here gauge',
    ]);
    expect(merged).toContain('requests_total{route="/a",worker="1"} 1\nrequests_total{route="/a",worker="2"} 2\n');
    expect(merged).toContain('duration_seconds_bucket{le="1",worker="1"} 1');
    expect(merged).toContain('only_here{worker="2"} 7\n');
  });

  it('of one process -> are what it says', async () => {
    const text = await metricsOf(1);
    expect(mergeMetrics([text])).toBe(text);
  });
});
