import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';
import type { AllowedOrigins } from '../config/index.js';
import { addHeader } from './answer-headers.js';

/** What a browser's script may send and read beyond the plain headers. nginx answers preflights with the same. */
export const corsPolicy = {
  methods: ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE'],
  allowedHeaders: [
    ...['Authorization', 'Content-Type', 'Idempotency-Key', 'If-Match', 'If-None-Match', 'X-Request-Id'],
    ...['traceparent', 'tracestate', 'baggage'],
    // What clients of GraphQL, of event streams and of HTTP add by themselves.
    ...[
      'Apollo-Require-Preflight',
      'GraphQL-Require-Preflight',
      'X-Apollo-Operation-Name',
      'Apollographql-Client-Name',
    ],
    ...['Apollographql-Client-Version', 'Last-Event-ID', 'Cache-Control', 'X-Requested-With'],
  ],
  exposedHeaders: [
    ...['X-Request-Id', 'traceparent', 'Location', 'Allow', 'WWW-Authenticate', 'Retry-After', 'RateLimit'],
    ...['RateLimit-Policy', 'Idempotent-Replayed', 'ETag', 'Deprecation', 'Sunset', 'Link', 'Content-Disposition'],
  ],
  /** Seconds that a browser remembers a preflight's answer: the most that Chromium does. */
  maxAge: 7_200,
};

/**
 * Lets browsers call from the given origins (CORS); with none, only from the app's own. Whoever else asks gets no word of
 * it. An OPTIONS that is no preflight is a method like any other.
 */
export function allowOrigins(
  origins: AllowedOrigins,
): (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void {
  const exact = new Set(origins.filter((origin) => typeof origin === 'string'));
  const patterns = origins.filter((origin) => origin instanceof RegExp);
  const answerPreflight = cors({ origin: [...origins], ...corsPolicy });
  const allow = cors({ origin: [...origins], ...corsPolicy, preflightContinue: true });
  return (request, response, next) => {
    const { origin } = request.headers;
    if (origin !== undefined && (exact.has(origin) || patterns.some((pattern) => pattern.test(origin)))) {
      const isPreflight = request.method === 'OPTIONS' && 'access-control-request-method' in request.headers;
      (isPreflight ? answerPreflight : allow)(request, response, next);
      return;
    }
    // A cache must not give one origin the answer for another.
    if (origins.length > 0) addHeader(response, 'Vary', 'Origin');
    next();
  };
}
