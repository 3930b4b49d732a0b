import type { Request, RequestHandler } from 'express';
import type { Logger } from '../logger/index.js';
import type { Metrics } from '../metrics/index.js';

/** The route's pattern, never the path: ids in labels would grow without end. */
const routeOf = (request: Request): string => {
  const route = request.route as { path?: unknown } | undefined;
  return typeof route?.path === 'string' ? `${request.baseUrl}${route.path}` : 'unmatched';
};

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
