import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, jest } from '@jest/globals';
import { ServiceUnavailable } from '@shop/common/errors';
import { eventually } from '@shop/testing';
import bcrypt from 'bcrypt';
import { HashingQueue } from './hashing-queue.js';
import { HashThreads } from './hash-threads.js';
import { PasswordHasher } from './password-hasher.js';

const run = promisify(execFile);

/** Work that ends when it is asked to. */
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

describe('HashingQueue', () => {
  it('more than may be inside -> the others wait in line, and enter in their order', async () => {
    const gate = new HashingQueue({ atOnce: 2, maxWait: 60_000, maxWaiting: 10 });
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
    const gate = new HashingQueue({ atOnce: 1, maxWait: 1_500, maxWaiting: 1 });
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
    const gate = new HashingQueue({ atOnce: 1, maxWait: 20, maxWaiting: 1 });
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
    const gate = new HashingQueue({ atOnce: 1, maxWait: 60_000, maxWaiting: 1 });
    const failing = gate.pass(() => Promise.reject(new Error('broken')));
    const next = gate.pass(async () => 'fine');
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('fine');
  });
});

describe('HashThreads', () => {
  it('several tasks at once -> each its own result', async () => {
    const threads = new HashThreads({ count: 2, priority: 0 });
    const hashes = await Promise.all(['one', 'two', 'three'].map((password) => threads.hash(password, 4)));
    expect(await Promise.all(hashes.map((hash) => threads.compare('two', hash)))).toEqual([false, true, false]);
    await threads.close();
  });

  it('closed while a task runs -> it fails, or has just been done; nobody waits indefinitely', async () => {
    const threads = new HashThreads({ count: 2, priority: 0 });
    await threads.hash('correct horse', 4);
    const running = threads.hash('correct horse', 14).then(
      () => 'done',
      (error: unknown) => (error instanceof Error ? error.message : error),
    );
    await threads.close();
    expect(['done', 'the hashing thread has ended']).toContain(await running);
  });

  it('closed -> what waits for a thread fails, and what comes later', async () => {
    const threads = new HashThreads({ count: 1, priority: 0 });
    const results = Promise.allSettled([threads.hash('correct horse', 12), threads.hash('correct horse', 4)]);
    await threads.close();
    expect((await results)[1]).toMatchObject({ status: 'rejected' });
    await expect(threads.hash('correct horse', 4)).rejects.toThrow('closed');
  });

  it('a thread that ended -> its task fails, another thread takes the next', async () => {
    const threads = new HashThreads({ count: 1, priority: 0 });
    const terminate = jest.spyOn(Worker.prototype, 'postMessage').mockImplementationOnce(function (this: Worker) {
      void this.terminate();
    });
    const [lost, next] = await Promise.allSettled([threads.hash('correct horse', 4), threads.hash('correct horse', 4)]);
    terminate.mockRestore();
    expect(lost).toMatchObject({ status: 'rejected' });
    expect(next).toMatchObject({ status: 'fulfilled' });
    await threads.close();
  });

  it('made -> started already, and so at their priority before the first task', async () => {
    const threads = new HashThreads({ count: 2, priority: 8 });
    await eventually(() => {
      const low = readdirSync('/proc/self/task').filter((thread) => os.getPriority(Number(thread)) === 8);
      expect(low).toHaveLength(os.platform() === 'linux' ? 2 : 0);
    });
    await threads.close();
  });

  it('on Linux -> they have their priority, and no other thread has it', async () => {
    const prioritiesOfThreads = () => readdirSync('/proc/self/task').map((thread) => os.getPriority(Number(thread)));
    const before = prioritiesOfThreads();
    const threads = new HashThreads({ count: 1, priority: 7 });
    await threads.hash('correct horse', 4);
    const during = prioritiesOfThreads();
    await threads.close();
    expect(before).not.toContain(7);
    expect(during.filter((priority) => priority === 7)).toHaveLength(1);
  });

  it('in a process of a lower priority -> they keep that', async () => {
    const program = `(async () => {
      const { HashThreads } = await import(${JSON.stringify(path.join(import.meta.dirname, 'hash-threads.ts'))});
      const threads = new HashThreads({ count: 1, priority: 7 });
      await threads.hash('correct horse', 4);
      const ids = require('node:fs').readdirSync('/proc/self/task');
      console.log(ids.map((id) => require('node:os').getPriority(Number(id))).join(' '));
      await threads.close();
    })()`;
    const { stdout } = await run('nice', ['-n', '15', process.execPath, '-e', program]);
    expect(new Set(stdout.trim().split(' '))).toEqual(new Set(['15']));
  });
});

describe('PasswordHasher', () => {
  it('more work than can be hashed -> one more than that is begun, before its first query; the rest in line, and reported', async () => {
    const passwords = new PasswordHasher({ cost: 4, atOnce: 2 });
    const held = heldWork();
    const all = Promise.all(Array.from({ length: 5 }, () => passwords.inTurn(held.work)));
    await settled();
    expect(held.running()).toBe(3);
    expect(passwords.metrics).toEqual({ inside: 0, waiting: 2, refused: 0 });
    for (let n = 0; n < 5; n++) {
      held.endNext();
      await settled();
    }
    await all;
    expect(held.most()).toBe(3);
    await passwords.close();
  });

  it('more hashes than may run at once -> so many run, one after another', async () => {
    const passwords = new PasswordHasher({ cost: 8, atOnce: 1 });
    const order: number[] = [];
    const all = Promise.all([0, 1, 2].map((n) => passwords.hash('correct horse').then(() => order.push(n))));
    expect(passwords.metrics.inside).toBe(1);
    await all;
    expect(order).toEqual([0, 1, 2]);
    expect(passwords.metrics.inside).toBe(0);
    await passwords.close();
  });

  it('a password -> matches its own hash alone', async () => {
    const passwords = new PasswordHasher({ cost: 4 });
    const hash = await passwords.hash('correct horse');
    expect(hash).toMatch(/^\$2b\$04\$/);
    expect(await passwords.matches('correct horse', hash)).toBe(true);
    expect(await passwords.matches('wrong horse', hash)).toBe(false);
    expect(await passwords.findMatch(['wrong horse', 'correct horse'], hash)).toBe('correct horse');
    expect(await passwords.findMatch(['wrong horse', 'another'], hash)).toBeUndefined();
    expect(await passwords.findMatch(['correct horse'], undefined)).toBeUndefined();
    expect(await passwords.hash('correct horse')).not.toBe(hash);
  });

  it.each([
    ['no hash', undefined],
    ['a hash of this cost', 9],
    ['a hash of a lower cost', 6],
  ])('%s -> as much work', async (_case, cost) => {
    const passwords = new PasswordHasher({ cost: 9 });
    const hash = cost === undefined ? undefined : await bcrypt.hash('correct horse', cost);
    const compare = jest.spyOn(HashThreads.prototype, 'compare');

    expect(await passwords.matches('wrong horse', hash)).toBe(false);

    const rounds = compare.mock.calls.map(([, against]) => 2 ** bcrypt.getRounds(against));
    compare.mockRestore();
    expect(rounds.reduce((sum, each) => sum + each)).toBe(2 ** 9);
    expect(await passwords.matches('correct horse', hash)).toBe(hash !== undefined);
  });

  it('a made-up hash -> really costs what its cost says', async () => {
    const passwords = new PasswordHasher({ cost: 9 });
    const hash = await passwords.hash('correct horse');
    const medianOf = async (against: string | undefined): Promise<number> => {
      const times: number[] = [];
      for (let n = 0; n < 5; n++) {
        const start = performance.now();
        await passwords.matches('wrong horse', against);
        times.push(performance.now() - start);
      }
      return times.sort((a, b) => a - b)[2]!;
    };
    // bcrypt refuses malformed hashes without any work: a hundredth of the time.
    expect(await medianOf(undefined)).toBeGreaterThan((await medianOf(hash)) / 10);
  });
});
