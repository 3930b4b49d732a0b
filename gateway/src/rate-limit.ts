import { RateLimited } from '@shop/common/errors';
import { MemoryStore, ipKeyGenerator, type Options } from 'express-rate-limit';
import type { Caller } from './context.js';

const WINDOW = 1_000;

/** Counts a client's request. Throws RateLimited. */
export type RateLimit = (client: { caller: Caller; address: string | undefined }) => Promise<void>;

/**
 * At most `perSecond` requests a second for each account, or for each address where no account is known. The counting is
 * express-rate-limit's; its middleware would need Express, which GraphQL requests don't go through.
 */
export function createRateLimit({ perSecond }: { perSecond: number }): RateLimit {
  const store = new MemoryStore();
  // The store reads nothing else of the middleware's options.
  store.init({ windowMs: WINDOW } as Options);
  return async ({ caller, address }) => {
    const key = caller.actor ? `account:${caller.actor.id}` : `address:${ipKeyGenerator(address ?? 'unknown')}`;
    const { totalHits, resetTime } = await store.increment(key);
    if (totalHits <= perSecond) return;
    const wait = (resetTime?.getTime() ?? Date.now() + WINDOW) - Date.now();
    throw new RateLimited(Math.max(1, Math.ceil(wait / 1_000)));
  };
}
