import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AllowedOrigins } from '../config/index.js';
import type { RequestScope } from '../logger/index.js';
import { beginAnswer, securityHeaders } from './answer-headers.js';
import { clientAddressReader } from './client-address.js';
import { allowOrigins } from './cors.js';
import { inRequestScope, type RequestScopeParts } from './request-scope.js';

export interface EntryParts extends Omit<RequestScopeParts, 'clientAddressOf'> {
  corsOrigins: AllowedOrigins;
  /** Addresses or networks whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[];
}

/** What every request passes first, and every answer has, whoever answers it: before Express, each of whose layers costs. */
export function withEntry(
  { corsOrigins, trustedProxies, ...observers }: EntryParts,
  answer: (request: IncomingMessage, response: ServerResponse, scope: RequestScope) => void,
): RequestListener {
  const headers = securityHeaders();
  const allowCors = allowOrigins(corsOrigins);
  const parts = { ...observers, clientAddressOf: clientAddressReader(trustedProxies) };
  return (request, response) => {
    beginAnswer(response, headers);
    inRequestScope(request, response, parts, (scope) => {
      allowCors(request, response, () => answer(request, response, scope));
    });
  };
}
