import { describe, expect, it } from '@jest/globals';
import { goalsText, outcomesOf } from './goals.ts';
import { aRun, measuredOf, offeredOf, sizes } from './sample-run.ts';

type Changes = NonNullable<Parameters<typeof aRun>[0]>;

const costing = (goal: { ratio: number } | { microseconds: number }): Changes => ({
  measured: [measuredOf('GET an order', { 'order-service': 300 }, { floor: 200, goal })],
});
const { load } = aRun();
const keeping = (succeeded: number): Changes => ({
  load: { ...load, overload: { ...load.overload, ...offeredOf({ succeeded }) } },
});
const refusing = (refusal: number): Changes => ({ load: { ...load, costs: { refusal, health: 100 } } });
const slowest = (p99: number): Changes => {
  const result = offeredOf({ times: { p50: 2, p90: 3, p99, max: p99 } });
  return { halves: [{ name: 'a page', warmUp: offeredOf(), result }] };
};
const resting = (megabytes: number): Changes => ({ memory: { before: { gateway: sizes(megabytes) }, after: {} } });
const starting = (milliseconds: number): Changes => ({ starts: [{ name: 'gateway', milliseconds, processor: 700 }] });

const outcome = (what: string, changes: Changes) => outcomesOf(aRun(changes)).find((one) => one.what === what);

describe('a goal', () => {
  it.each<[what: string, met: Changes, missed: Changes, measured: string, goal: string]>([
    ['GET an order, over its floor', costing({ ratio: 1.5 }), costing({ ratio: 1.4 }), '1.50', '<= 1.40'],
    ['GET an order', costing({ microseconds: 300 }), costing({ microseconds: 299 }), '300 us', '<= 299 us'],
    ['GET an order, three times the peak: of the peak', keeping(1_600), keeping(1_580), '79 %', '>= 80 %'],
    ['a refusal, over /health', refusing(150), refusing(151), '1.51', '<= 1.50'],
    ['a page, at half the peak: 99 % over 50 %', slowest(20), slowest(21), '10.5', '<= 10.0'],
    ['gateway, memory at rest', resting(130), resting(131), '131 MB', '<= 130 MB'],
    ['gateway, until ready', starting(1_000), starting(1_001), '1001 ms', '<= 1000 ms'],
  ])('%s: exactly it -> met, beyond it -> missed', (what, met, missed, measured, goal) => {
    expect(outcome(what, met)).toMatchObject({ isMet: true });
    expect(outcome(what, missed)).toEqual({ what, measured, goal, isMet: false });
  });

  it('of a workload that has none -> not counted', () => {
    expect(outcome('login, beside its hash', {})).toBeUndefined();
  });
});

describe('the goals of a report', () => {
  it('all met -> their number alone', () => {
    expect(goalsText(aRun(keeping(2_000)))).toBe('7 of 7 are met.');
  });

  it('one missed -> a row for it', () => {
    const text = goalsText(aRun({ ...keeping(2_000), ...starting(1_100) }));
    expect(text).toContain('6 of 7 are met. Missed:');
    expect(text).toContain('| gateway, until ready | 1100 ms | <= 1000 ms |');
  });
});
