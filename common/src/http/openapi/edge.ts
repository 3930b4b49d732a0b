import type { ErrorCode } from '../../errors/index.js';
import { errorReference, errorResponses, errorSchemas } from './errors.js';
import { headers } from './headers.js';

/** The statuses that nginx answers itself, whatever is asked for, with the code that it gives each. */
const edgeCodes: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_INPUT',
  413: 'PAYLOAD_TOO_LARGE',
  421: 'INVALID_INPUT',
  429: 'RATE_LIMITED',
  431: 'INVALID_INPUT',
  503: 'SERVICE_UNAVAILABLE',
  504: 'UPSTREAM_TIMEOUT',
};

/** References to what nginx may answer instead of a service, by status. */
export const edgeResponses: Readonly<Record<string, object>> = Object.fromEntries(
  Object.entries(edgeCodes).map(([status, code]) => [status, errorReference(code)]),
);

/** What `edgeResponses` refer to. */
export const edgeComponents = () => ({ schemas: errorSchemas(), responses: errorResponses(), headers });
