import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '@shop/testing';
import { RevocationList } from './revocation-list.js';

const LIFETIME = 3_600_000;
const MINUTE = 60_000;

afterEach(() => {
  jest.restoreAllMocks();
});

describe('the list of revocations', () => {
  it('while there are none -> takes next to no memory', () => {
    const before = process.memoryUsage().arrayBuffers;
    const list = new RevocationList({ lifetime: LIFETIME });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
    expect(list.isRevoked({ userId: randomUUID(), version: 1, sid: 'a-login' })).toBe(false);
  });
});

describe('a revocation', () => {
  it('-> is kept for a token’s lifetime and a minute: it concerns tokens that are issued a little later, too', async () => {
    let passed = 0;
    const start = performance.now();
    jest.spyOn(performance, 'now').mockImplementation(() => start + passed);
    const list = new RevocationList({ lifetime: LIFETIME });
    const userId = randomUUID();
    list.add({ userId, minimumVersion: 2, sid: 'login' });
    const isRevoked = () => ({
      byVersion: list.isRevoked({ userId, version: 1, sid: 'another' }),
      byLogin: list.isRevoked({ userId, version: 2, sid: 'login' }),
    });

    passed = LIFETIME + MINUTE - 1_000;
    await expect(
      eventually(() => expect(isRevoked()).not.toEqual({ byVersion: true, byLogin: true }), { timeout: 100 }),
    ).rejects.toThrow();
    passed = LIFETIME + MINUTE + 1_000;
    await eventually(() => expect(isRevoked()).toEqual({ byVersion: false, byLogin: false }));
  });
});
