// A customer's program: it repeats what was not answered, under the same idempotency key, or gives up.
import { setTimeout as delay } from 'node:timers/promises';
import type { Choices } from './choices.ts';
import type { Journal } from './journal.ts';

export interface Answer {
  status: number;
  /** The error's code; absent in a success. */
  code?: string;
  message?: string;
  // What an answer holds is for its reader to find out.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data?: any;
}

export interface RestCall {
  method: 'GET' | 'POST' | 'PATCH';
  url: string;
  token?: string;
  key?: string;
  body?: unknown;
}

const requestTimeout = 10_000;
const patience = 60_000;

async function send(url: string, init: RequestInit): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(requestTimeout) });
  return { status: response.status, body: await response.json() };
}

const headers = ({ token, key }: { token?: string | undefined; key?: string | undefined }) => ({
  'content-type': 'application/json',
  ...(token !== undefined && { authorization: `Bearer ${token}` }),
  ...(key !== undefined && { 'idempotency-key': key }),
});

export async function callRest({ method, url, body, ...caller }: RestCall): Promise<Answer> {
  const answer = await send(url, {
    method,
    headers: headers(caller),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const { data, error } = answer.body as { data?: unknown; error?: { code: string; message: string } }; // our own API
  return { status: answer.status, ...(error ?? {}), data };
}

/** One field of a mutation. An error keeps its REST code, which is told as the status here. */
export async function callGraphql(
  url: string,
  { query, variables, ...caller }: { query: string; variables: unknown; token: string; key: string },
): Promise<Answer> {
  const answer = await send(url, {
    method: 'POST',
    headers: headers(caller),
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = answer.body as {
    data?: Record<string, unknown>;
    errors?: { message: string; extensions?: { code?: string } }[];
  }; // our own API
  const error = errors?.[0];
  if (!error) return { status: answer.status, data: Object.values(data ?? {})[0] };
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

const isStillRunning = ({ status, message }: Answer): boolean =>
  status === 409 && message?.includes('Idempotency-Key is still running') === true;

const isAnswered = (answer: Answer): boolean => answer.status < 500 && answer.status !== 429 && !isStillRunning(answer);

/**
 * Asks until there is an answer that says something; undefined when the customer gave up before. Nobody knows then what
 * became of the request.
 */
export async function insist(
  operation: string,
  call: () => Promise<Answer>,
  { choices, journal, gaveUp }: { choices: Choices; journal: Journal; gaveUp: () => boolean },
): Promise<Answer | undefined> {
  const tries = choices.chance(20) ? 1 : Infinity;
  const deadline = Date.now() + patience;
  for (let tried = 1; ; tried++) {
    const answer = await call().catch((error: unknown): Answer => ({ status: 599, code: nameOf(error) }));
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
