import { expect, it } from '@jest/globals';
import { Bulkhead, type Place } from './bulkhead.js';

const bulkhead = (changes: Partial<ConstructorParameters<typeof Bulkhead>[0]> = {}) =>
  new Bulkhead({ total: 100, perAccount: 40, maxWaiting: { total: 3, perAccount: 2 }, maxWait: 5_000, ...changes });

/** How each attempt has ended so far. */
const watch = (entering: Promise<Place>) => {
  const seen = { outcome: 'waiting' };
  entering.then(
    () => (seen.outcome = 'inside'),
    (error: unknown) => (seen.outcome = (error as { code: string }).code),
  );
  return seen;
};
const settled = () => new Promise((resolve) => setImmediate(resolve));

it('an account that has its share -> its next ones wait in order, others come in', async () => {
  const all = bulkhead();
  const first = await all.enter('a', 30);
  const next = ['a', 'a', 'b'].map((account) => watch(all.enter(account, 20)));
  await settled();
  expect(next.map(({ outcome }) => outcome)).toEqual(['waiting', 'waiting', 'inside']);

  first.leave();
  first.leave(); // once is enough
  await settled();
  expect(next.map(({ outcome }) => outcome)).toEqual(['inside', 'inside', 'inside']);
  expect(watch(all.enter('a', 1)).outcome).toBe('waiting');
});

it('the line of an account is full -> 429 at once; the line of all is -> 503', async () => {
  const all = bulkhead();
  await all.enter('a', 40);
  await all.enter('b', 40);
  const waiting = ['a', 'a', 'a', 'b', 'b', 'c'].map((account) => watch(all.enter(account, 30)));
  await settled();
  expect(waiting.map(({ outcome }) => outcome)).toEqual([
    'waiting',
    'waiting',
    'RATE_LIMITED',
    'waiting',
    'SERVICE_UNAVAILABLE',
    'SERVICE_UNAVAILABLE',
  ]);
});

it('no room within the time -> 429 for whose account has its share, 503 for others; both say when to come again', async () => {
  const all = bulkhead({ total: 50, maxWait: 1 });
  await all.enter('a', 40);
  await expect(all.enter('a', 5)).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterSeconds: 1 });
  await expect(all.enter('b', 20)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 });
  await expect(all.enter('b', 10)).resolves.toBeDefined();
});

it('one that has shrunk -> makes room for others, and none for its own account', async () => {
  const all = bulkhead({ total: 50 });
  const place = await all.enter('a', 40);
  const [own, other] = [watch(all.enter('a', 20)), watch(all.enter('b', 20))];
  place.shrinkTo(1 / 4);
  await settled();
  expect([own.outcome, other.outcome]).toEqual(['waiting', 'inside']);
  place.leave();
  await settled();
  expect(own.outcome).toBe('inside');
});

it('what is larger than everything -> comes in alone', async () => {
  const all = bulkhead();
  const place = await all.enter('a', 1_000);
  const next = watch(all.enter('a', 1));
  await settled();
  expect(next.outcome).toBe('waiting');
  place.leave();
  await settled();
  expect(next.outcome).toBe('inside');
});
