import type { ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import { MemoryStore, type Options } from 'express-rate-limit';
import { RateLimited } from '../errors/index.js';
import { currentScope } from '../logger/index.js';
import { callerOf } from './authenticate.js';
import { addressBlock } from './client-address.js';
import { tellRateLimit } from './rate-limit-headers.js';

const WINDOW = 1_000;

export interface Client {
  accountId: string | undefined;
  address: string | undefined;
}

/** What limits of one client go by: the account, or the address where no account is known. */
export const clientKey = ({ accountId, address }: Client): string =>
  accountId === undefined ? `address:${addressBlock(address)}` : `account:${accountId}`;

/** Counts a request, and tells the client what it has left. Throws RateLimited. */
export type RateLimit = (response: ServerResponse, client: Client) => Promise<void>;

/**
 * At most `perSecond` requests a second for each account, or for each address where no account is known. The counting is
 * express-rate-limit's; its middleware needs Express, which GraphQL requests don't go through, and can't tell of several
 * limits.
 */
export function createRateLimit({ perSecond }: { perSecond: number }): RateLimit {
  const policy = { name: 'requests', quota: perSecond, windowSeconds: WINDOW / 1_000 };
  const store = new MemoryStore();
  // The store reads nothing else of the middleware's options.
  store.init({ windowMs: WINDOW } as Options);
  return async (response, client) => {
    const { totalHits, resetTime } = await store.increment(clientKey(client));
    const wait = (resetTime?.getTime() ?? Date.now() + WINDOW) - Date.now();
    const resetSeconds = Math.max(1, Math.ceil(wait / 1_000));
    tellRateLimit(response, policy, { remaining: Math.max(0, perSecond - totalHits), resetSeconds });
    if (totalHits > perSecond) throw new RateLimited(resetSeconds);
  };
}

/** As createRateLimit, for requests whose caller is identified. */
export function limitRate({ perSecond }: { perSecond: number }): RequestHandler {
  const limit = createRateLimit({ perSecond });
  return async (request, response, next) => {
    const accountId = callerOf(request)?.actor.id;
    await limit(response, { accountId, address: currentScope()?.clientAddress });
    next();
  };
}
