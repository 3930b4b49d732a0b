import type { ServerResponse } from 'node:http';
import type { Request } from 'express';
import { RateLimited } from '../errors/index.js';
import { currentScope } from '../logger/index.js';
import { COUNT_WINDOW, WindowCounts, type Count, type Counts } from '../process/index.js';
import { callerOf } from './authenticate.js';
import { addressBlock } from './client-address.js';
import { setRateLimitHeaders } from './rate-limit-headers.js';

/** Whose requests are counted together. */
export interface Client {
  accountId: string | undefined;
  address: string | undefined;
}

/** Counts a request, as so many as it costs, and tells the client what it has left. Throws RateLimited. */
export type RateLimit = (response: ServerResponse, client: Client, cost?: number) => Promise<void> | undefined;

export const clientKey = ({ accountId, address }: Client): string =>
  accountId === undefined ? `address:${addressBlock(address)}` : `account:${accountId}`;

export interface RateCounterOptions {
  perSecond: number;
  counts?: Counts | undefined;
}

/**
 * At most `perSecond` requests a second for each account, or for each address where no account is known. Not by
 * express-rate-limit: its middleware needs Express, which GraphQL requests don't go through, and can't describe several
 * limits.
 */
export class RateCounter {
  readonly #perSecond: number;
  readonly #counts: Counts;

  /** `counts`: those that several processes share; absent: those of this one. */
  constructor({ perSecond, counts = new WindowCounts() }: RateCounterOptions) {
    this.#perSecond = perSecond;
    this.#counts = counts;
  }

  readonly count: RateLimit = (response, client, cost = 1) => {
    const units = this.#unitsOf(cost);
    const counted = this.#counts.add(clientKey(client), units);
    // Nobody waits for what this process knows by itself.
    if (counted instanceof Promise) return counted.then((count) => this.#enforce(response, count, units));
    this.#enforce(response, counted, units);
    return undefined;
  };

  /** What a request that is counted already turns out to cost. Throws RateLimited where others have used up what there was. */
  async countMore(client: Client, cost: number): Promise<void> {
    const units = this.#unitsOf(cost);
    const count = await this.#counts.add(clientKey(client), units);
    if (count.total - units > this.#perSecond) throw new RateLimited(secondsUntilReset(count));
  }

  #enforce(response: ServerResponse, count: Count, units: number): void {
    const resetSeconds = secondsUntilReset(count);
    const policy = { name: 'requests', quota: this.#perSecond, windowSeconds: COUNT_WINDOW / 1_000 };
    setRateLimitHeaders(response, policy, { remaining: Math.max(0, this.#perSecond - count.total), resetSeconds });
    if (count.total - units >= this.#perSecond) throw new RateLimited(resetSeconds);
  }

  /** Nothing costs more than there is in a second, so everything can be asked for. */
  #unitsOf(cost: number): number {
    return Math.max(1, Math.min(cost, this.#perSecond));
  }
}

const secondsUntilReset = ({ endsAt }: Count): number => Math.max(1, Math.ceil((endsAt - Date.now()) / 1_000));

export const createRateLimit = (options: RateCounterOptions): RateLimit => new RateCounter(options).count;

/** Who a request of an Express app is counted for. */
export const clientOf = (request: Request): Client => ({
  accountId: callerOf(request)?.actor.id,
  address: currentScope()?.clientAddress,
});
