import { describe, expect, it } from '@jest/globals';
import { ServiceUnavailable } from '@shop/common/errors';
import { Gate } from './gate.js';
import { PasswordHasher } from './password-hasher.js';

/** Work that ends when it is told to. */
function heldWork() {
  const ends: (() => void)[] = [];
  let running = 0;
  let most = 0;
  return {
    work: async () => {
      running++;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => ends.push(resolve));
      running--;
    },
    endNext: () => ends.shift()?.(),
    running: () => running,
    most: () => most,
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('Gate', () => {
  it('more than may be inside -> the others wait in line, and enter in their order', async () => {
    const gate = new Gate({ atOnce: 2, maxWait: 60_000, maxWaiting: 10 });
    const held = heldWork();
    const order: number[] = [];
    const all = Promise.all([0, 1, 2, 3, 4].map((n) => gate.pass(held.work).then(() => order.push(n))));
    for (let n = 0; n < 5; n++) {
      await settled();
      expect(held.running()).toBe(Math.min(2, 5 - n));
      held.endNext();
    }
    await all;
    expect(order).toEqual([0, 1, 2, 3, 4]);
    expect(held.most()).toBe(2);
  });

  it('the line is full -> ServiceUnavailable at once, with a time to come back', async () => {
    const gate = new Gate({ atOnce: 1, maxWait: 1_500, maxWaiting: 1 });
    const held = heldWork();
    const inside = [gate.pass(held.work), gate.pass(held.work)];
    const refusal = await gate.pass(held.work).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ServiceUnavailable);
    expect(refusal).toMatchObject({ retryAfterSeconds: 2 });
    held.endNext();
    await settled();
    held.endNext();
    await Promise.all(inside);
  });

  it('waited too long -> ServiceUnavailable, and its place in line is free again', async () => {
    const gate = new Gate({ atOnce: 1, maxWait: 20, maxWaiting: 1 });
    const held = heldWork();
    const inside = gate.pass(held.work);
    await expect(gate.pass(held.work)).rejects.toBeInstanceOf(ServiceUnavailable);
    await expect(gate.pass(held.work)).rejects.toBeInstanceOf(ServiceUnavailable);
    held.endNext();
    await inside;
    await gate.pass(async () => undefined);
    expect(held.most()).toBe(1);
  });

  it('work that fails -> its error, and the next one enters', async () => {
    const gate = new Gate({ atOnce: 1, maxWait: 60_000, maxWaiting: 1 });
    const failing = gate.pass(() => Promise.reject(new Error('broken')));
    const next = gate.pass(async () => 'fine');
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('fine');
  });
});

describe('PasswordHasher', () => {
  it('a password -> matches its own hash alone', async () => {
    const passwords = await PasswordHasher.create({ cost: 4 });
    const hash = await passwords.hash('correct horse');
    expect(hash).toMatch(/^\$2b\$04\$/);
    expect(await passwords.matches('correct horse', hash)).toBe(true);
    expect(await passwords.matches('wrong horse', hash)).toBe(false);
    expect(await passwords.hash('correct horse')).not.toBe(hash);
  });

  it('no hash -> no, after as much work as with one', async () => {
    const passwords = await PasswordHasher.create({ cost: 10 });
    const hash = await passwords.hash('correct horse');
    const medianOf = async (against: string | undefined): Promise<number> => {
      const times: number[] = [];
      for (let n = 0; n < 5; n++) {
        const start = performance.now();
        expect(await passwords.matches('wrong horse', against)).toBe(false);
        times.push(performance.now() - start);
      }
      return times.sort((a, b) => a - b)[2]!;
    };
    const ratio = (await medianOf(undefined)) / (await medianOf(hash));
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  });
});
