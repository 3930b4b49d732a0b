import { AsyncLocalStorage } from 'node:async_hooks';
import { findDatabaseFailure, transientFailureOf } from './database-errors.js';

export interface GroupedWritesOptions<Item, Result> {
  /** Writes all of them in one statement, or none, and answers what came of each, in their order. */
  write: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** What two writes can't both touch in one statement: of those with the same key each has a group of its own. */
  keyOf: (item: Item) => string;
}

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
  /** In the scope of whoever asked. */
  run: (write: () => Promise<void>) => Promise<void>;
}

/** A statement has no more than these. */
const MOST = 32;

/**
 * Writes what is asked for at the same time in one statement and one commit, which cost a database hardly more than those of
 * one write: while a group is being written, the next one gathers; alone, a write waits for nobody. Whoever asked gets what
 * came of its own write. What the database refuses a group for is the fault of one of them: then each is written by itself.
 */
export class GroupedWrites<Item, Result> {
  readonly #write: GroupedWritesOptions<Item, Result>['write'];
  readonly #keyOf: GroupedWritesOptions<Item, Result>['keyOf'];
  #waiting: Waiting<Item, Result>[] = [];
  #isBusy = false;

  constructor({ write, keyOf }: GroupedWritesOptions<Item, Result>) {
    this.#write = write;
    this.#keyOf = keyOf;
  }

  /** Rejects with what its own write failed with, or with why the database couldn't be asked. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject, run: AsyncLocalStorage.snapshot() });
      if (this.#isBusy) return;
      this.#isBusy = true;
      // Those that came with it, in the same turn of the event loop, are in its group.
      setImmediate(() => this.#writeNext());
    });
  }

  #writeNext(): void {
    const group = this.#takeGroup();
    const [first] = group;
    if (first === undefined) this.#isBusy = false;
    else void first.run(() => this.#writeGroup(group)).then(() => this.#writeNext());
  }

  /** The oldest, as far as they have different keys. */
  #takeGroup(): Waiting<Item, Result>[] {
    const group = new Map<string, Waiting<Item, Result>>();
    const later: Waiting<Item, Result>[] = [];
    for (const one of this.#waiting) {
      const key = this.#keyOf(one.item);
      if (group.size < MOST && !group.has(key)) group.set(key, one);
      else later.push(one);
    }
    this.#waiting = later;
    return [...group.values()];
  }

  async #writeGroup(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#write(group.map(({ item }) => item));
      if (results.length !== group.length) throw new Error(`${results.length} results of ${group.length} writes`);
      for (const [index, result] of results.entries()) group[index]?.resolve(result);
    } catch (error) {
      if (group.length > 1 && isUndone(error)) {
        await Promise.all(group.map((one) => one.run(() => this.#writeGroup([one]))));
      } else for (const { reject } of group) reject(error);
    }
  }
}

/** Whether nothing was written for certain, and another try may have another end. */
const isUndone = (error: unknown): boolean =>
  findDatabaseFailure(error) !== undefined && transientFailureOf(error) !== 'outage';
