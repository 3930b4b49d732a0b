import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import type { Logger } from '../logger/index.js';
import type { Metrics } from '../metrics/index.js';
import type { OpenSpan } from '../tracing/index.js';

declare module 'node:http' {
  interface IncomingMessage {
    /** The pattern that it matched. */
    routePattern?: string;
  }
}

/** Notes the pattern that a request matched: metrics go by it, never by the path, whose ids would grow without end. */
export function noteRoute(request: IncomingMessage, pattern: string): void {
  request.routePattern = pattern;
}

export const markRoute =
  (pattern: string): RequestHandler =>
  (request, _response, next) => {
    noteRoute(request, pattern);
    next();
  };

const knownMethods: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const CLIENT_CLOSED_REQUEST = 499;

/** A method that its route doesn't know says nothing but that: OpenTelemetry's `_OTHER`. What answers GET answers HEAD. */
const methodOf = ({ method = '' }: IncomingMessage, { statusCode }: ServerResponse): string => {
  const known = method === 'HEAD' ? 'GET' : method;
  return knownMethods.has(known) && statusCode !== 405 ? known : '_OTHER';
};

/** Of a client that went away before its answer began there is no status; nginx's 499 stands for that. */
const statusOf = ({ statusCode, headersSent }: ServerResponse): string =>
  (headersSent ? statusCode : CLIENT_CLOSED_REQUEST).toString();

const NO_ROUTE = 'other';

/** The pattern that a request matched. */
export const routeOf = (request: IncomingMessage): string => request.routePattern ?? NO_ROUTE;

export interface Observers {
  logger: Logger;
  metrics: Metrics;
}

/** Counts, times and logs a request once it is answered, and ends its span. */
export function observe(
  request: IncomingMessage,
  response: ServerResponse,
  { logger, metrics }: Observers,
  { span, level }: { span: OpenSpan | undefined; level: 'info' | 'debug' },
): void {
  const start = performance.now();
  response.on('close', () => {
    const seconds = (performance.now() - start) / 1_000;
    const route = routeOf(request);
    const method = methodOf(request, response);
    const status = statusOf(response);
    // What a route doesn't do itself would only multiply its series.
    const isOfRoute = method !== '_OTHER' && method !== 'OPTIONS';
    const labels = { http_request_method: method, http_route: isOfRoute ? route : NO_ROUTE };
    metrics.httpServerRequestDuration.observe(labels, seconds);
    metrics.httpServerResponses.inc({ ...labels, http_response_status_code: status });
    span?.end({
      name: `${method} ${route}`,
      attributes: { 'http.request.method': method, 'http.route': route, 'http.response.status_code': Number(status) },
      errorType: response.statusCode >= 500 ? status : undefined,
    });
    logger[level]('request', {
      method: request.method,
      route,
      status: response.statusCode,
      seconds,
      aborted: response.writableFinished ? undefined : true,
    });
  });
}
