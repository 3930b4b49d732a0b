import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { runInScope, type RequestScope } from '../logger/index.js';
import { continueTrace, type Tracing } from '../tracing/index.js';
import { addHeader } from './answer-headers.js';
import { observe, type Observers } from './observe-request.js';

const REQUEST_ID = /^[\w.-]{1,128}$/;
/** The request's own id where it is well-formed, else a new one. */
export function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** What is asked every few seconds, by machines: a trace of it, or a line in the log, would only hide the others. */
const PROBE = /^\/(?:health|ready|metrics)(?:\?|$)/;

export const isProbe = ({ url = '' }: IncomingMessage): boolean => PROBE.test(url);

export interface RequestScopeParts extends Observers {
  clientAddressOf: (request: IncomingMessage) => string | undefined;
  tracing?: Tracing | undefined;
}

/**
 * Handles a request in its scope: its id and trace are kept where they are well-formed, the client is given both, and it
 * is counted, timed and logged once it is answered.
 */
export function inRequestScope(
  request: IncomingMessage,
  response: ServerResponse,
  { clientAddressOf, tracing, ...observers }: RequestScopeParts,
  handle: (scope: RequestScope) => void,
): void {
  const { traceparent } = request.headers;
  const requestId = requestIdOf(request);
  const parent = typeof traceparent === 'string' ? traceparent : undefined;
  const isOfProbe = isProbe(request);
  const span = isOfProbe
    ? undefined
    : tracing?.open({ name: 'HTTP', kind: 'server', parent, attributes: { 'request.id': requestId } });
  const scope: RequestScope = {
    requestId,
    traceparent: span?.traceparent ?? continueTrace(parent),
    clientAddress: clientAddressOf(request),
    ...(isOfProbe && { isUntraced: true }),
  };
  addHeader(response, 'X-Request-Id', scope.requestId);
  addHeader(response, 'traceparent', scope.traceparent);
  runInScope(scope, () => {
    observe(request, response, observers, { span, level: isOfProbe ? 'debug' : 'info' });
    handle(scope);
  });
}
