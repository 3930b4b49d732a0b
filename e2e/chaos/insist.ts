// A customer's program: it repeats what was not answered, under the same idempotency key, or gives up.
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiReply, GraphqlAnswer } from '@shop/testing/api-client';
import type { z } from 'zod';
import type { Choices } from './choices.ts';
import type { Journal } from './journal.ts';

export interface Answer<T> {
  status: number;
  /** The error's code; absent in a success. */
  code?: string;
  message?: string;
  /** Absent in a refusal. */
  data?: T;
}

const TIMEOUT = 60_000;

export function fromRest<T>({ data, error, response }: ApiReply<T>): Answer<T> {
  const { status } = response;
  if (data !== undefined) return { status, data: data.data };
  return { status, code: error?.error.code, message: error?.error.message };
}

/** Of a mutation's one field. An error keeps its REST code, which stands for the status here. */
export function fromGraphql<T>({ status, data, errors, body }: GraphqlAnswer, field: z.ZodType<T>): Answer<T> {
  if (typeof body === 'string') throw new Error(`${status}, and no answer of the API`);
  const error = errors?.[0];
  if (!error) return { status, data: field.parse(Object.values(data ?? {})[0]) };
  const code = error.extensions?.code ?? 'UNKNOWN';
  return { status: statusOfCode[code] ?? 500, code, message: error.message };
}

const statusOfCode: Record<string, number> = {
  INVALID_INPUT: 400,
  UNAUTHORIZED: 401,
  PAYMENT_DECLINED: 402,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  IDEMPOTENCY_KEY_REUSED: 422,
  RATE_LIMITED: 429,
  SERVICE_UNAVAILABLE: 503,
  UPSTREAM_TIMEOUT: 504,
};

const isStillRunning = ({ status, message }: Answer<unknown>): boolean =>
  status === 409 && message?.includes('Idempotency-Key is still running') === true;

const isAnswered = (answer: Answer<unknown>): boolean =>
  answer.status < 500 && answer.status !== 429 && !isStillRunning(answer);

/**
 * Asks until there is an answer that says something; undefined when the customer gave up before. Nobody knows then what
 * became of the request.
 */
export async function insist<T>(
  operation: string,
  call: () => Promise<Answer<T>>,
  { choices, journal, gaveUp }: { choices: Choices; journal: Journal; gaveUp: () => boolean },
): Promise<Answer<T> | undefined> {
  const tries = choices.chance(20) ? 1 : Infinity;
  const deadline = Date.now() + TIMEOUT;
  for (let tried = 1; ; tried++) {
    const answer = await call().catch((error: unknown): Answer<T> => ({ status: 599, code: nameOf(error) }));
    journal.answered(operation, answer.code === undefined ? String(answer.status) : `${answer.status} ${answer.code}`);
    if (isAnswered(answer)) return answer;
    if (tried >= tries || Date.now() > deadline || gaveUp()) return undefined;
    await delay(choices.integer(100, 800));
  }
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
}
