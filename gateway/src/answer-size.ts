import { QueryTooComplex } from './query-complexity.js';

/** Characters that one request may read from services: the heaviest page there is, and as much besides. */
const MAX_READ = 16_000_000;
/** Values in lists: a hundred orders with a hundred items each, all that is known of them. */
const MAX_VALUES = 80_000;
/** What was asked for is more than an answer holds; how much it is can be known only now. */
export class TooLargeAnswer extends QueryTooComplex {
  constructor() {
    super('answer');
  }
}

/** How much one request has read, and how much of it its answer is made of. */
export class AnswerSize {
  #read = 0;
  #values = 0;

  /** Throws TooLargeAnswer where enough was read. */
  refuseMore(): void {
    if (this.#read > MAX_READ) throw new TooLargeAnswer();
  }

  addRead(characters: number): void {
    this.#read += characters;
  }

  /** Throws TooLargeAnswer. */
  addValues(count: number): void {
    this.#values += count;
    if (this.#values > MAX_VALUES) throw new TooLargeAnswer();
  }

  startAgain(): void {
    this.#read = 0;
    this.#values = 0;
  }
}
