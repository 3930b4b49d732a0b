import { createHash } from 'node:crypto';

/** A number below `limit` that looks drawn by chance, and is the same for the same words. */
const chance = (words: string, limit: number): number =>
  createHash('sha1').update(words).digest().readUInt32BE() % limit;

/** Each of them one to `times` times, in an order that nobody would expect; the same for the same seed. */
export function repeatAndShuffle<T>(items: readonly T[], { times, seed }: { times: number; seed: number }): T[] {
  return items
    .flatMap((item, index) => Array.from({ length: 1 + chance(`${seed} times ${index}`, times) }, () => item))
    .map((item, index) => ({ item, place: chance(`${seed} place ${index}`, 2 ** 32) }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ item }) => item);
}
