import { describe, expect, it } from '@jest/globals';
import { createMetrics } from '@shop/common/metrics';
import { HashingQueue } from './hashing-queue.js';
import { exposeHashing } from './hashing-metrics.js';

describe('metrics of hashing', () => {
  it('one at work, one in line, two sent away -> reported, the refusals as a sum that only grows', async () => {
    const metrics = createMetrics({ service: 'test' });
    const gate = new HashingQueue({ atOnce: 1, maxWait: 60_000, maxWaiting: 1 });
    exposeHashing(metrics, gate);
    const hashingMetrics = async () =>
      Promise.all(
        ['running', 'waiting', 'refused_total'].map(
          async (name) => (await metrics.registry.getSingleMetric(`password_hashing_${name}`)?.get())?.values[0]?.value,
        ),
      );
    const held = Promise.withResolvers<undefined>();
    const passing = [gate.pass(() => held.promise), gate.pass(() => held.promise)];
    await expect(gate.pass(() => held.promise)).rejects.toThrow();
    expect(await hashingMetrics()).toEqual([1, 1, 1]);
    await expect(gate.pass(() => held.promise)).rejects.toThrow();
    expect(await hashingMetrics()).toEqual([1, 1, 2]);

    held.resolve(undefined);
    await Promise.all(passing);
    expect(await hashingMetrics()).toEqual([0, 0, 2]);
  });

  it('timed out -> a refusal as well', async () => {
    const gate = new HashingQueue({ atOnce: 1, maxWait: 10, maxWaiting: 1 });
    const held = Promise.withResolvers<undefined>();
    const first = gate.pass(() => held.promise);
    await expect(gate.pass(() => held.promise)).rejects.toThrow();
    expect(gate.metrics).toEqual({ inside: 1, waiting: 0, refused: 1 });
    held.resolve(undefined);
    await first;
  });
});
