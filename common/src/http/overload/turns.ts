import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Queue } from './queue-wait.js';

interface Begun {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly begin: (request: IncomingMessage, response: ServerResponse) => void;
}

/**
 * The line of requests that came while the event loop had no time left. In each of its turns only a few are begun, so that
 * turns stay short: in each one Node.js accepts a single connection, and takes a single result from each of the database's. A
 * request that waits here has cost nothing yet.
 */
export class Turns implements Queue {
  /** What was begun is gone from it: else the line, which has become old, would keep it through each scavenge. */
  readonly #line: (Begun | undefined)[] = [];
  readonly #share: number;
  #first = 0;
  served = 0;

  /** `share`: milliseconds of each turn of the event loop that requests are begun in. */
  constructor({ share }: { share: number }) {
    this.#share = share;
  }

  get waiting(): number {
    return this.#line.length - this.#first;
  }

  take(begun: Begun): void {
    if (this.waiting === 0) setImmediate(() => this.#turn());
    this.#line.push(begun);
  }

  #turn(): void {
    const end = performance.now() + this.#share;
    do {
      const next = this.#line[this.#first];
      if (next === undefined) break;
      this.#line[this.#first++] = undefined;
      this.served += 1;
      // Whoever has gone meanwhile needs no answer.
      if (!next.response.destroyed) next.begin(next.request, next.response);
    } while (performance.now() < end);
    if (this.waiting > 0) setImmediate(() => this.#turn());
    if (this.#first < this.#line.length / 2) return;
    this.#line.splice(0, this.#first);
    this.#first = 0;
  }
}
