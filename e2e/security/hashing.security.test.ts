import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { graphql, register, rest, type Account, type Answer } from '../support/system.js';
import { median, percentile, shown } from './support/measurements.js';

const LOGINS = 30;
const READS = 300;
const ROUNDS = 5;
/** Milliseconds between two reads, so that they are a load that the system bears easily. */
const PAUSE = 5;

const reads: [string, (user: Account) => Promise<Answer>][] = [
  ['of user-service', ({ token }) => rest('GET', '/users/me', { token })],
  ['through the gateway', ({ token }) => graphql('{ me { id } }', token)],
];

/** Milliseconds of each read, until `isEnough`. */
async function timesOf(read: () => Promise<Answer>, isEnough: (count: number) => boolean): Promise<number[]> {
  const times: number[] = [];
  while (!isEnough(times.length)) {
    const begin = performance.now();
    expect((await read()).status).toBe(200);
    times.push(performance.now() - begin);
    await delay(PAUSE);
  }
  return times;
}

describe('thirty logins at a time', () => {
  it.each(reads)('reads %s beside them -> their slowest hundredth at most twice as slow as alone', async (_, read) => {
    const user = await register();
    const statuses = new Set<number>();
    const logins = async (): Promise<void> => {
      const answers = await Promise.all(
        Array.from({ length: LOGINS }, () => rest('POST', '/users/login', { body: user })),
      );
      for (const { status, headers } of answers) {
        statuses.add(status);
        if (status === 503) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      }
    };
    await timesOf(
      () => read(user),
      (count) => count === READS,
    ); // warm

    const rounds: { alone: number; beside: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const alone = await timesOf(
        () => read(user),
        (count) => count >= READS,
      );
      const enough = new AbortController();
      const load = (async () => {
        while (!enough.signal.aborted) await logins();
      })();
      const beside = await timesOf(
        () => read(user),
        (count) => count >= READS,
      ).finally(() => enough.abort());
      await load;
      rounds.push({ alone: percentile(alone, 0.99), beside: percentile(beside, 0.99) });
    }
    shown('slowest hundredth of reads, ms', rounds);

    expect(statuses.has(200)).toBe(true);
    expect([...statuses].every((status) => status === 200 || status === 503)).toBe(true);
    expect(median(rounds.map(({ alone, beside }) => beside / alone))).toBeLessThanOrEqual(2);
  });
});
