import { randomFillSync } from 'node:crypto';
import { parseTraceParent } from '@opentelemetry/core';
import { currentScope } from '../logger/index.js';

/** Each request for random bytes costs the same, however few they are: those of many ids are fetched together. */
const entropy = Buffer.alloc(4_096);
let used = entropy.length;

function randomHex(bytes: number): string {
  if (used + bytes > entropy.length) {
    randomFillSync(entropy);
    used = 0;
  }
  used += bytes;
  return entropy.toString('hex', used - bytes, used);
}

/**
 * The W3C trace context of a new step: in the trace of `traceparent` where that is valid, else in a new trace.
 * https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function continueTrace(traceparent: string | undefined): string {
  const parent = traceparent === undefined ? null : parseTraceParent(traceparent);
  const traceId = parent?.traceId ?? randomHex(16);
  const flags = (parent?.traceFlags ?? 0).toString(16).padStart(2, '0');
  return `00-${traceId}-${randomHex(8)}-${flags}`;
}

/** The trace context of the request or message that is being handled, to be passed on with calls and messages; none in a probe. */
export const currentTraceparent = (): string | undefined => {
  const scope = currentScope();
  return scope?.isUntraced === true ? undefined : scope?.traceparent;
};
