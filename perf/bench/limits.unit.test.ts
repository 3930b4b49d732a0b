import { describe, expect, it } from '@jest/globals';
import { busiestNodeProcess, limitOf, limitsText } from './limits.ts';
import { loadOf, measuredOf } from './sample-run.ts';

describe('what limits a workload next', () => {
  it('a service that keeps its core busy -> its one thread, and its part of the time', () => {
    const reads = measuredOf('GET an order', { 'order-service': 400, 'postgres-order': 100 }, { perSecond: 2_300 });
    const limit = limitOf(reads, 8);
    expect(limit).toMatchObject({ process: 'order-service', part: 0.8 });
    expect(limit.cores).toBeCloseTo(0.92);
    expect(limit.next).toContain('the one thread of order-service');
  });

  it('many processes that fill the machine together with the load -> its cores', () => {
    const times = { gateway: 3_000, 'order-service': 1_500, 'user-service': 1_500, 'payment-service': 1_500 };
    const page = measuredOf('a page', times, { perSecond: 240, load: loadOf({ generator: 200 }) });
    expect(limitOf(page, 2).machine).toBeCloseTo(1.85);
    expect(limitOf(page, 2).next).toBe("the machine's 2 cores, of which the load itself takes 0.0");
  });

  it('a database that takes most and is not full -> nothing is', () => {
    const order = measuredOf('POST an order', { 'postgres-order': 1_800, 'order-service': 800 }, { perSecond: 100 });
    expect(limitOf(order, 2)).toMatchObject({ process: 'postgres-order', next: expect.stringContaining('nothing') });
  });

  it('work in the background after the last answer -> counted over all the time that it took', () => {
    const order = measuredOf(
      'POST an order',
      { 'order-service': 1_000 },
      { perSecond: 900, seconds: 10, requests: 900 },
    );
    expect(limitOf(order, 2).cores).toBeCloseTo(0.09);
  });
});

describe('the process to profile', () => {
  it('of those that take part, the one that takes most', () => {
    const times = { gateway: 500, 'user-service': 300, 'payment-service': 900 };
    expect(busiestNodeProcess(measuredOf('me', times, { of: ['gateway', 'user-service'] }))).toBe('gateway');
  });

  it('nginx alone -> none', () => {
    expect(busiestNodeProcess(measuredOf('a hit', { nginx: 38, gateway: 2 }, { of: ['nginx'] }))).toBeUndefined();
  });
});

describe('the table of limits', () => {
  it('a workload with a profile -> its most expensive layers; one without -> none', () => {
    const measured = [
      measuredOf('GET an order', { 'order-service': 400 }, {}),
      measuredOf('a hit', { nginx: 38 }, { of: ['nginx'] }),
    ];
    const layers: [string, number][] = [
      ['kernel', 50],
      ['pg', 30],
      ['express', 15],
      ['zod', 5],
    ];
    const lines = limitsText(measured, [{ name: 'GET an order', layers }], 2).split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[2]).toContain('| order-service, 100 % | 0.40 | 0.50 | kernel 50 %, pg 30 %, express 15 % |');
    expect(lines[3]).toContain('| a hit | nginx, 100 % | 0.04 | 0.14 |  |');
  });
});
