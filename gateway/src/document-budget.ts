import type { Rate } from '@shop/common/config';
import { CapacityExceeded, RateLimited } from '@shop/common/errors';
import type { Metrics } from '@shop/common/metrics';
import { LRUCache } from 'lru-cache';
import type { Counter } from 'prom-client';

/** Clients whose use is remembered; of those that are forgotten nothing is left but what they took from all. */
const MAX_CLIENTS = 10_000;

/** Milliseconds of this process's one thread, in a length of time; as many at once. */
export interface DocumentLimits {
  readonly perClient: Rate;
  readonly inAll: Rate;
}

/** Fills up steadily, and may be overdrawn once: what something costs is known when it is done. */
class Bucket {
  readonly #rate: Rate;
  #left: number;
  #at = performance.now();

  constructor(rate: Rate) {
    this.#rate = rate;
    this.#left = rate.quota;
  }

  take(amount: number): void {
    this.#fill();
    this.#left -= amount;
  }

  /** Seconds until there is something in it; 0 where there is. */
  wait(): number {
    this.#fill();
    const { quota, window } = this.#rate;
    return this.#left > 0 ? 0 : Math.ceil(((1 - this.#left) * window) / quota / 1_000);
  }

  #fill(): void {
    const now = performance.now();
    const { quota, window } = this.#rate;
    this.#left = Math.min(quota, this.#left + ((now - this.#at) * quota) / window);
    this.#at = now;
  }
}

/**
 * The time that goes into documents which were not seen before: parsed, compared with the schema, begun. Whatever somebody
 * finds that takes long, and no limit knows of, takes no more than that from everybody else.
 */
export class DocumentBudget {
  readonly #limits: DocumentLimits;
  readonly #all: Bucket;
  readonly #clients = new LRUCache<string, Bucket>({ max: MAX_CLIENTS });
  readonly #seconds: Counter;
  readonly #refused: Counter<'limit'>;

  constructor({ limits, metrics }: { limits: DocumentLimits; metrics: Metrics }) {
    this.#limits = limits;
    this.#all = new Bucket(limits.inAll);
    this.#seconds = metrics.counter(
      'graphql_new_documents_seconds_total',
      'Time that went into queries which were not seen before',
    );
    this.#refused = metrics.counter(
      'graphql_new_documents_refused_total',
      'Queries that were not seen before and came when their client, or all, had used up the time for them',
      ['limit'],
    );
  }

  /** Throws RateLimited where the client has used up its time, and CapacityExceeded where all have. */
  admit(client: string): void {
    const wait = this.#clients.get(client)?.wait() ?? 0;
    if (wait > 0) {
      this.#refused.inc({ limit: 'client' });
      throw new RateLimited(wait);
    }
    const waitOfAll = this.#all.wait();
    if (waitOfAll === 0) return;
    this.#refused.inc({ limit: 'all' });
    throw new CapacityExceeded('Too many new queries at the moment', { retryAfterSeconds: waitOfAll });
  }

  /** Does the work, and takes the time until it returns from the client's and from that of all. */
  charge<T>(client: string, work: () => T): T {
    const start = performance.now();
    try {
      return work();
    } finally {
      const took = performance.now() - start;
      const bucket = this.#clients.get(client) ?? new Bucket(this.#limits.perClient);
      this.#clients.set(client, bucket);
      bucket.take(took);
      this.#all.take(took);
      this.#seconds.inc(took / 1_000);
    }
  }
}
