import { describe, expect, it } from '@jest/globals';
import { eventually } from '@shop/testing';
import type { LogFacts, Logger } from '../logger/index.js';
import { BackgroundWorker } from './background-worker.js';

const HOUR = 3_600_000;

function start(work: () => Promise<boolean>, poll = HOUR) {
  const errors: (LogFacts | undefined)[] = [];
  const reported: string[] = [];
  const logger: Logger = {
    error: (_message, facts) => errors.push(facts),
    warn: (message) => reported.push(`warn: ${message}`),
    info: (message) => reported.push(`info: ${message}`),
    debug: () => undefined,
  };
  const worker = new BackgroundWorker({ name: 'test', work, poll, logger });
  worker.start();
  return { worker, errors, reported };
}

const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
const locked = Object.assign(new Error('lock'), { code: '55P03', severity: 'ERROR' });

describe('a background worker', () => {
  it('as long as there is more to do -> goes on at once; then it rests', async () => {
    let rounds = 0;
    const { worker } = start(async () => ++rounds < 5);
    await eventually(() => expect(rounds).toBe(5));
    await worker.stop();
    expect(rounds).toBe(5);
  });

  it('woken -> works again, also when it was woken while it worked', async () => {
    let rounds = 0;
    const { worker } = start(async () => {
      await Promise.resolve();
      rounds += 1;
      if (rounds === 1) worker.wake();
      return false;
    });
    await eventually(() => expect(rounds).toBe(2));
    worker.wake();
    await eventually(() => expect(rounds).toBe(3));
    await worker.stop();
  });

  it('after each poll -> works again', async () => {
    let rounds = 0;
    const { worker } = start(async () => ++rounds < 0, 10);
    await eventually(() => expect(rounds).toBeGreaterThan(3));
    await worker.stop();
  });

  it('a failure -> is logged with the name of the work, and it goes on', async () => {
    let rounds = 0;
    const { worker, errors } = start(async () => {
      rounds += 1;
      if (rounds === 1) throw new Error('a bug');
      return false;
    });
    await eventually(() => expect(errors).toEqual([{ worker: 'test', err: new Error('a bug') }]));
    worker.wake();
    await eventually(() => expect(rounds).toBe(2));
    await worker.stop();
  });

  it.each([
    ['the database can not be reached', refused],
    ['it is read-only', Object.assign(new Error('read-only'), { code: '25006', severity: 'ERROR' })],
    ['several parts of the work meet that', new AggregateError([refused, locked])],
    ['rows are locked', locked],
  ])('%s for three rounds -> reported once, as no error, and again when it is over', async (_outage, failure) => {
    let rounds = 0;
    const { worker, errors, reported } = start(async () => {
      rounds += 1;
      if (rounds <= 3 || rounds === 5) throw failure;
      return false;
    });
    for (let round = 1; round < 5; round++) {
      await eventually(() => expect(rounds).toBe(round));
      worker.wake();
    }
    await eventually(() => expect(rounds).toBe(5));
    await worker.stop();
    const [waits, goesOn] = ['warn: background work waits for its database', 'info: background work goes on'];
    expect(reported).toEqual([waits, goesOn, waits]);
    expect(errors).toEqual([]);
  });

  it('of several parts of the work one fails for another reason -> an error', async () => {
    const failure = new AggregateError([refused, new Error('a bug')]);
    const { worker, errors, reported } = start(() => Promise.reject(failure));
    await eventually(() => expect(errors).toEqual([{ worker: 'test', err: failure }]));
    await worker.stop();
    expect(reported).toEqual([]);
  });

  it('stopped -> finishes the part in hand, and begins no other', async () => {
    let finish: (() => void) | undefined;
    let rounds = 0;
    const { worker } = start(async () => {
      rounds += 1;
      await new Promise<void>((resolve) => (finish = resolve));
      return true;
    });
    await eventually(() => expect(finish).toBeDefined());
    let isStopped = false;
    const stopped = worker.stop().then(() => (isStopped = true));
    await new Promise(setImmediate);
    expect(isStopped).toBe(false);
    finish?.();
    await stopped;
    expect(rounds).toBe(1);
  });
});
