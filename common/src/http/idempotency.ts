import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { configure } from 'safe-stable-stringify';
import {
  AppError,
  findAppError,
  IdempotencyKeyReused,
  InvalidInput,
  RequestStillRunning,
  TooManyIdempotencyKeys,
} from '../errors/index.js';
import type { Answer, IdempotencyLease, LeasedKey, IdempotencyStore, KeyedRequest } from '../idempotency/index.js';
import type { Logger } from '../logger/index.js';
import { errorAnswer, statusOfCode } from './error-handler.js';
import { replyAnswer, type Reply } from './reply.js';

/** Carries a request out, or answers what was answered to it before. */
export type WithIdempotency = (
  request: KeyedRequest,
  work: (leasedKey: LeasedKey) => Promise<Reply>,
) => Promise<Answer>;

const KEY = /^[\x20-\x7e]{1,255}$/;
/** Nothing that a route reads lies deeper. */
const MAX_DEPTH = 20;
const stringify = configure({ deterministic: true, maximumDepth: MAX_DEPTH });

/** The key of a request, if it has one. Throws InvalidInput. */
export function idempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw new InvalidInput([{ field: 'Idempotency-Key', message: 'must have 1 to 255 printable ASCII characters' }]);
}

/** The same text for the same JSON value, however it was written. */
export const canonicalJson = (value: unknown): string => stringify(value) ?? '';

/** Names what is asked for. `body` in canonical JSON. */
export const fingerprintOf = (request: { method: string; route: string; params: unknown; body: string }): string =>
  createHash('sha256').update(canonicalJson(request)).digest('hex');

const ACCEPTED = 202;
/** What is asked again gets another answer: who asks may mend the request, or the trouble may pass. */
const PASSING: readonly number[] = [400, 401, 403, 404, 413, 415, 429];
const isPassing = ({ code }: AppError): boolean => statusOfCode[code] >= 500 || PASSING.includes(statusOfCode[code]);

/** The attempt that holds a key, whose use case comes to a value that is answered as `toReply` says. */
export function leaseOf<Value>(
  leasedKey: LeasedKey | undefined,
  toReply: (value: Value) => Reply,
): IdempotencyLease<Value> | undefined {
  if (leasedKey === undefined) return undefined;
  const answerTo = (result: Value | AppError): Answer | undefined => {
    if (!(result instanceof AppError)) return replyAnswer(toReply(result));
    return isPassing(result) ? undefined : errorAnswer(result);
  };
  return {
    begun: leasedKey.begun,
    complete: (value) => ({ leasedKey, answer: answerTo(value), begun: undefined, isFenced: true }),
    start: (id) => ({ leasedKey, answer: undefined, begun: id, isFenced: true }),
    settle: (result) => {
      const answer = answerTo(result);
      // An outcome is true whoever writes it down. To begin again is for the attempt that holds the key.
      return { leasedKey, answer, begun: undefined, isFenced: answer === undefined };
    },
  };
}

/**
 * Answers the repetition of a request with the first answer. Only what was decided is kept: not what is wrong with the
 * request itself, no trouble of ours, not that something is still being done, and not that there is nothing, which would let
 * anybody fill the store with keys for what he makes up. Throws RequestStillRunning, IdempotencyKeyReused and
 * TooManyIdempotencyKeys.
 */
export const withIdempotency =
  ({ store, logger }: { store: IdempotencyStore; logger: Logger }): WithIdempotency =>
  async (request, work) => {
    const claim = await store.claim(request);
    if (claim.outcome === 'answered') return { ...claim.answer, isReplayed: true };
    if (claim.outcome === 'running') throw new RequestStillRunning();
    if (claim.outcome === 'reused') throw new IdempotencyKeyReused();
    if (claim.outcome === 'full') throw new TooManyIdempotencyKeys(claim.retryAfterSeconds);
    const { leasedKey } = claim;
    const conclude = async (answer: Answer | undefined): Promise<void> => {
      try {
        await (answer === undefined ? store.release(leasedKey) : store.keep(leasedKey, answer));
      } catch (err) {
        // What was done stands, so the caller learns of it; a repetition finds it once this attempt's time is over.
        logger.warn('answer of an idempotency key not kept', { err });
      }
    };
    let answer: Answer;
    try {
      answer = replyAnswer(await work(leasedKey));
    } catch (error) {
      const refusal = findAppError(error);
      await conclude(refusal === undefined || isPassing(refusal) ? undefined : errorAnswer(refusal));
      throw error;
    }
    // What is accepted is not decided: the next one under this key carries it on, and learns what has become of it.
    await conclude(answer.status === ACCEPTED ? undefined : answer);
    return answer;
  };
