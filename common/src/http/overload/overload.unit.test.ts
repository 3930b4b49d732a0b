import { describe, expect, it } from '@jest/globals';
import { Overload } from './overload.js';
import type { Queue } from './queue-wait.js';

const target = 1_000;
const period = 20;

/** A process whose loop and queue are as the test says, looked at every 20 ms. */
class Process {
  readonly queue = { waiting: 0, served: 0, needsBusyLoop: false };
  readonly overload: Overload;
  utilization = 1;
  #now = 0;

  constructor(queue: Partial<Queue> = {}) {
    Object.assign(this.queue, queue);
    this.overload = new Overload({ target, queues: [this.queue] });
  }

  /** Each look comes this much too late, and finds that so many a second have left the queue. */
  run(milliseconds: number, { lag = 0, perSecond = 0 } = {}): this {
    for (const end = this.#now + milliseconds; this.#now < end;) {
      this.#now += period + lag;
      this.queue.served += ((period + lag) * perSecond) / 1_000;
      this.overload.observe({ now: this.#now, lag, utilization: this.utilization });
    }
    return this;
  }

  get refuses(): boolean {
    const { isTooMuch } = this.overload;
    if (isTooMuch) this.overload.noteRefusal();
    return isTooMuch;
  }
}

describe('a queue that moves', () => {
  it('one that takes longer than the target, for a while -> refused', () => {
    const busy = new Process({ waiting: 900 }).run(100, { perSecond: 600 });
    expect(busy.refuses).toBe(false);
    expect(busy.run(200, { perSecond: 600 }).refuses).toBe(true);
  });

  it('a long one that moves fast enough -> not refused', () => {
    expect(new Process({ waiting: 900 }).run(5_000, { perSecond: 1_000 }).refuses).toBe(false);
  });

  it('in overload -> it is let drain, and kept at a tenth of the target', () => {
    const busy = new Process({ waiting: 1_500 }).run(2_000, { perSecond: 1_000 });
    busy.queue.waiting = 990;
    expect(busy.refuses).toBe(true);
    busy.queue.waiting = 90;
    expect(busy.refuses).toBe(false);
    busy.queue.waiting = 110;
    expect(busy.refuses).toBe(true);
  });

  it('in overload, one that moves fast -> kept short, too, as each that waits takes memory', () => {
    const busy = new Process({ waiting: 15_000 }).run(2_000, { perSecond: 10_000 });
    busy.queue.waiting = 210;
    expect(busy.refuses).toBe(true);
    busy.queue.waiting = 190;
    expect(busy.refuses).toBe(false);
  });

  it('in overload, short, and requests are refused again and again -> it stays overload', () => {
    const busy = new Process({ waiting: 1_500 }).run(2_000, { perSecond: 1_000 });
    busy.queue.waiting = 200;
    for (let i = 0; i < 20; i++) {
      expect(busy.run(200, { perSecond: 1_000 }).refuses).toBe(true);
    }
  });

  it('one that is full -> refused at once, and until it is short again', () => {
    const busy = new Process({ waiting: 900 }).run(2_000, { perSecond: 2_000 });
    expect(busy.refuses).toBe(false);
    busy.queue.waiting = 1_000;
    expect(busy.refuses).toBe(true);
    busy.queue.waiting = 900;
    expect(busy.refuses).toBe(true);
    busy.queue.waiting = 150;
    expect(busy.refuses).toBe(false);
  });

  it('a burst after idleness, gone within the target -> not refused, though nothing was served before', () => {
    const idle = new Process().run(5_000, { perSecond: 5 });
    idle.queue.waiting = 900;
    expect(idle.run(700, { perSecond: 1_000 }).refuses).toBe(false);
  });

  it('one that does not move at all -> refused, and no more once those in it have given up', () => {
    const stuck = new Process({ waiting: 10 }).run(200, { perSecond: 100 }).run(3_000);
    expect(stuck.refuses).toBe(true);
    stuck.queue.waiting = 0;
    expect(stuck.refuses).toBe(false);
  });

  it('the load is over -> a new burst is given its time again', () => {
    const busy = new Process({ waiting: 1_500 }).run(2_000, { perSecond: 1_000 });
    busy.queue.waiting = 0;
    busy.run(1_200);
    busy.queue.waiting = 900;
    expect(busy.run(100, { perSecond: 600 }).refuses).toBe(false);
  });

  it('one that others may be to blame for -> refused only while the event loop has no time left', () => {
    const upstream = new Process({ waiting: 1_500, needsBusyLoop: true });
    upstream.utilization = 0.5;
    expect(upstream.run(3_000, { perSecond: 1_000 }).refuses).toBe(false);
    upstream.utilization = 1;
    expect(upstream.run(300, { perSecond: 1_000 }).refuses).toBe(true);
  });
});

describe('an event loop that is late', () => {
  it('each time -> refused', () => {
    expect(new Process().run(2_000, { lag: 400 }).refuses).toBe(true);
  });

  it.each([
    ['one long job', 5_000],
    ['frozen for an hour', 3_600_000],
  ])('%s -> not refused', (_case, lag) => {
    const spike = new Process().run(1_000).run(1, { lag });
    expect(spike.refuses).toBe(false);
    expect(spike.run(1_000).refuses).toBe(false);
  });

  it('long jobs with air between them -> not refused', () => {
    const busy = new Process();
    for (let i = 0; i < 20; i++) busy.run(1, { lag: 900 }).run(1);
    expect(busy.refuses).toBe(false);
  });

  it('a bit each time, as on a machine with much else to do -> not refused', () => {
    expect(new Process().run(10_000, { lag: 100 }).refuses).toBe(false);
  });

  it('frozen while some waited -> the speed from before counts, as nothing could move', () => {
    const frozen = new Process({ waiting: 500 }).run(1_000, { perSecond: 1_000 }).run(1, { lag: 60_000 });
    expect(frozen.run(1_000, { perSecond: 1_000 }).refuses).toBe(false);
  });
});
