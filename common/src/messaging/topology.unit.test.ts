import { describe, expect, it } from '@jest/globals';
import { createTopology } from './topology.js';

describe('the table of queues', () => {
  it('a handler fails -> the pauses before its event comes again are 1, 5, 15 and 60 s, for every service', () => {
    const { orderService, paymentService } = createTopology({ accessTokenLifetime: 3_600_000 });
    for (const queue of [orderService, paymentService])
      expect(queue.retryPauses).toEqual([1_000, 5_000, 15_000, 60_000]);
  });

  it.each([
    [3_600_000, 7_200],
    [10_000, 70],
  ])('tokens live for %d ms -> their revocations can be read for %d s', (accessTokenLifetime, seconds) => {
    expect(createTopology({ accessTokenLifetime }).revocations.maxAgeSeconds).toBe(seconds);
  });
});
