import type { ServerResponse } from 'node:http';
import type { RateLimitPolicy } from '../errors/index.js';
import { addHeader } from './answer-headers.js';

/** Adds a limit to the RateLimit headers of draft-ietf-httpapi-ratelimit-headers-10. */
export function setRateLimitHeaders(
  response: ServerResponse,
  { name, quota, windowSeconds }: RateLimitPolicy,
  { remaining, resetSeconds }: { remaining: number; resetSeconds: number },
): void {
  addHeader(response, 'RateLimit-Policy', `"${name}";q=${quota};w=${windowSeconds}`);
  addHeader(response, 'RateLimit', `"${name}";r=${remaining};t=${resetSeconds}`);
}
