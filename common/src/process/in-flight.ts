interface Entry<T> {
  readonly item: T;
  place: number;
}

/**
 * What is in hand for a moment, one after another. In a list, since V8 frees what was in a Set or a Map by full collections
 * alone: each table that one outgrows refers to the next, so the first that has become old keeps what was in all later ones.
 */
export class InFlight<T> implements Iterable<T> {
  readonly #entries: Entry<T>[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** Returns what removes it again, at once and without a search; to call it twice does no harm. */
  add(item: T): () => void {
    const entry: Entry<T> = { item, place: this.#entries.length };
    this.#entries.push(entry);
    return () => this.#remove(entry);
  }

  *[Symbol.iterator](): Generator<T> {
    for (const { item } of [...this.#entries]) yield item;
  }

  #remove(entry: Entry<T>): void {
    if (this.#entries[entry.place] !== entry) return;
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    this.#entries[entry.place] = last;
    last.place = entry.place;
  }
}
