import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { runInScope, type RequestScope } from '../logger/index.js';
import { continueTrace } from '../tracing/index.js';

const REQUEST_ID = /^[\w.-]{1,128}$/;

/** The scope of a request, from its headers: its id and trace are kept where they are well-formed. */
export function scopeOf(headers: IncomingHttpHeaders, clientAddress: string | undefined): RequestScope {
  const given = headers['x-request-id'];
  const requestId = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
  const traceparent = headers.traceparent;
  return {
    requestId,
    traceparent: continueTrace(typeof traceparent === 'string' ? traceparent : undefined),
    clientAddress,
  };
}

/** Runs the rest of a request in its scope, and tells the client its ids. */
export const requestScope =
  (clientAddressOf: (request: IncomingMessage) => string | undefined): RequestHandler =>
  (request, response, next) => {
    const scope = scopeOf(request.headers, clientAddressOf(request));
    response.set('X-Request-Id', scope.requestId);
    response.set('traceparent', scope.traceparent);
    runInScope(scope, next);
  };
