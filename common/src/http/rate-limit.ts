import type { RequestHandler } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { RateLimited } from '../errors/index.js';
import { callerOf } from './authenticate.js';

const WINDOW = 1_000;

/**
 * At most `perSecond` requests a second for each account, or for each address where no account is known. Answers carry
 * the RateLimit headers of draft-ietf-httpapi-ratelimit-headers-08.
 */
export const limitRate = ({ perSecond }: { perSecond: number }): RequestHandler =>
  rateLimit({
    windowMs: WINDOW,
    limit: perSecond,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: (request) => {
      const account = callerOf(request)?.actor.id;
      return account === undefined ? `address:${ipKeyGenerator(request.ip ?? 'unknown')}` : `account:${account}`;
    },
    handler: (_request, _response, next) => {
      next(new RateLimited(Math.ceil(WINDOW / 1_000)));
    },
  });
