import type { Request, RequestHandler } from 'express';
import type { Logger } from '../logger/index.js';
import type { Metrics } from '../metrics/index.js';

const patterns = new WeakMap<Request, string>();

/** Notes the pattern that a request matched: figures go by it, never by the path, whose ids would grow without end. */
export const markRoute =
  (pattern: string): RequestHandler =>
  (request, _response, next) => {
    patterns.set(request, pattern);
    next();
  };

const routeOf = (request: Request): string => patterns.get(request) ?? 'other';

/** Counts, times and logs every request once it is answered. */
export const observeRequest =
  ({ logger, metrics }: { logger: Logger; metrics: Metrics }): RequestHandler =>
  (request, response, next) => {
    const start = process.hrtime.bigint();
    response.once('close', () => {
      const seconds = Number(process.hrtime.bigint() - start) / 1e9;
      const route = routeOf(request);
      metrics.httpServerRequestDuration.observe(
        {
          http_request_method: request.method,
          http_route: route,
          http_response_status_code: response.statusCode.toString(),
        },
        seconds,
      );
      logger.info('request', {
        method: request.method,
        route,
        status: response.statusCode,
        seconds,
        aborted: response.writableFinished ? undefined : true,
      });
    });
    next();
  };
