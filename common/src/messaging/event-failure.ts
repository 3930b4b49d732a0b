import { transientFailureOf } from '../database/index.js';
import { findAppError, type ErrorCode } from '../errors/index.js';
import { redact } from '../logger/index.js';
import { deadLetterHeaders } from './dead-letter-headers.js';

const OUTAGE_CODES: readonly (ErrorCode | undefined)[] = ['SERVICE_UNAVAILABLE', 'UPSTREAM_TIMEOUT'];
const MAX_STACK = 4_000;

/** What is logged of a failure. */
export interface FailureFacts {
  queue: string;
  messageId: string | undefined;
  type: string | undefined;
  attempt: number;
  err: unknown;
}

/** Whether a handler, or the database under it, says that something they depend on is down. */
export const isForeseenOutage = (error: unknown): boolean =>
  transientFailureOf(error) === 'outage' || OUTAGE_CODES.includes(findAppError(error)?.code);

/** What a dead letter says of the error that it failed with, secrets redacted. */
export const errorHeaders = (error: unknown): Record<string, string> => {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  return {
    [deadLetterHeaders.error]: String(redact(message)).slice(0, MAX_STACK),
    [deadLetterHeaders.stack]: String(redact(stack)).slice(0, MAX_STACK),
    [deadLetterHeaders.time]: new Date().toISOString(),
  };
};
