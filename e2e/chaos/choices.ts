// Everything that is left to chance, from a seed: the same seed makes the same choices.
import { createHash } from 'node:crypto';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export class Choices {
  readonly #generator;

  /** `path` tells one source of chance from another, so that none depends on how often another is asked. */
  constructor(...path: (string | number)[]) {
    this.#generator = xoroshiro128plus(createHash('sha256').update(path.join('/')).digest().readInt32BE());
  }

  /** From `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return uniformInt(this.#generator, least, most);
  }

  chance(percent: number): boolean {
    return this.integer(1, 100) <= percent;
  }

  pick<T>(options: readonly [T, ...T[]]): T {
    return options[this.integer(0, options.length - 1)] ?? options[0];
  }

  /** One of the names, each as often as its weight says. */
  pickWeighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const entries = Object.entries<number>(weights) as [Name, number][]; // Object.entries forgets the names
    let left = this.integer(
      1,
      entries.reduce((sum, [, weight]) => sum + weight, 0),
    );
    for (const [name, weight] of entries) {
      left -= weight;
      if (left <= 0) return name;
    }
    throw new Error('there is nothing to pick from');
  }

  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.integer(0, last);
      [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T]; // both are in range
    }
    return shuffled;
  }
}
