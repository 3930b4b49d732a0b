import { describe, expect, it } from '@jest/globals';
import type { LogFacts, Logger } from '../logger/index.js';
import { eventually } from '../testing/index.js';
import { BackgroundWorker } from './background-worker.js';

const HOUR = 3_600_000;

function start(work: () => Promise<boolean>, poll = HOUR) {
  const errors: (LogFacts | undefined)[] = [];
  const ignore = () => undefined;
  const logger: Logger = {
    error: (_message, facts) => errors.push(facts),
    warn: ignore,
    info: ignore,
    debug: ignore,
  };
  const worker = new BackgroundWorker({ name: 'test', work, poll, logger });
  worker.start();
  return { worker, errors };
}

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
      if (rounds === 1) throw new Error('no database');
      return false;
    });
    await eventually(() => expect(errors).toEqual([{ worker: 'test', err: new Error('no database') }]));
    worker.wake();
    await eventually(() => expect(rounds).toBe(2));
    await worker.stop();
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
