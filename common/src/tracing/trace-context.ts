import { randomFillSync } from 'node:crypto';
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

/** A later version may add fields behind; version ff, ids of zeros alone and fields behind version 00 are invalid. */
const TRACEPARENT = /^(?!ff)(?!00-.{52}-)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-([\da-f]{2})(?:-.*)?$/;

/**
 * The W3C trace context of a new step: in the trace of `traceparent` where that is valid, else in a new trace.
 * https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function continueTrace(traceparent: string | undefined): string {
  // Not by OpenTelemetry's parser: with it every process would load 130 modules, also where no traces are sent.
  const [, traceId = randomHex(16), flags = '00'] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  return `00-${traceId}-${randomHex(8)}-${flags}`;
}

/** The trace context of the request or message that is being handled, to be passed on with calls and messages; none in a probe. */
export const currentTraceparent = (): string | undefined => {
  const scope = currentScope();
  return scope?.isUntraced === true ? undefined : scope?.traceparent;
};
