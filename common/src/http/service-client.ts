import { createRequire } from 'node:module';
import type { Pool } from 'undici';
import { z } from 'zod';
import { AppError, InvalidInput, ServiceUnavailable, UpstreamTimeout, type ErrorCode } from '../errors/index.js';
import { currentScope } from '../logger/index.js';
import { sharedMetrics, type Metrics } from '../metrics/index.js';
import { currentTraceparent, type Tracing } from '../tracing/index.js';
import { AnswerTimeout, collectAnswer } from './collect-answer.js';
import { statusOfCode } from './error-handler.js';
import type { Queue } from './overload/queue-wait.js';
import type { Method } from './route.js';

/** Loaded for the first client: it takes a tenth of a second, and not every service calls another one. */
const loadUndici = () =>
  z
    .object({ Pool: z.custom<typeof Pool>((value) => typeof value === 'function') })
    .parse(createRequire(import.meta.url)('undici'));

export interface ServiceCall {
  method: Method;
  /** From the root, with its ids encoded. */
  path: string;
  query?: Readonly<Record<string, string | number | boolean | undefined | null>>;
  body?: unknown;
  /** The caller's access token, passed on as it is. */
  token?: string | undefined;
  /** Under which the service carries the call out once. */
  idempotencyKey?: string | undefined;
  /** Milliseconds that the call may take, where that is less than the client's own timeout. */
  timeLeft?: number | undefined;
}

export interface ServiceAnswer<T> {
  data: T;
  meta: z.infer<typeof pageMeta> | undefined;
  /** Characters of the answer. */
  size: number;
}

const pageMeta = z.object({
  total: z.int().nullable(),
  limit: z.int(),
  offset: z.int().nullable(),
  hasMore: z.boolean(),
  nextCursor: z.string().nullable(),
});

/** Its data is parsed apart: zod compiles each schema, which takes a hundred times as long as to use it. */
const envelope = z.object({ data: z.unknown(), meta: pageMeta.optional() });

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(statusOfCode, code);

const refusal = z.object({
  error: z
    .looseObject({
      code: z.string(),
      message: z.string(),
      details: z.string().optional(),
      fields: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
    })
    .readonly(),
});

/** A code of a later version reads as the first one that has its status. */
function codeOf(code: string, status: number): ErrorCode | undefined {
  if (isErrorCode(code)) return code;
  return Object.keys(statusOfCode)
    .filter(isErrorCode)
    .find((candidate) => statusOfCode[candidate] === status);
}

/** The error that a service answered, as if it had been thrown here. */
function toError(status: number, body: unknown, retryAfter: string | undefined): AppError {
  const parsed = refusal.safeParse(body);
  if (!parsed.success) return new ServiceUnavailable('A service gave an answer that could not be read');
  const { code: given, message, details: _details, fields, ...rest } = parsed.data.error;
  const code = codeOf(given, status) ?? 'SERVICE_UNAVAILABLE';
  if (code === 'INVALID_INPUT' && fields !== undefined) return new InvalidInput(fields);
  const facts = Object.fromEntries(
    Object.entries(rest).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
  return new AppError(code, message, { facts, ...(retryAfter && { retryAfterSeconds: Number(retryAfter) }) });
}

const toQueryString = (query: ServiceCall['query']): string => {
  if (query === undefined) return '';
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) parameters.set(name, String(value));
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
};

/** `error_type` is empty where the service answered below 500, which it counts by status itself. */
const clientMetrics = sharedMetrics((metrics) =>
  metrics.durations(
    'http_client_request_duration_seconds',
    'Duration of calls of a service, up to the end of its answer',
    ['server_address', 'error_type'],
  ),
);

/**
 * Calls one service's REST API over kept-alive connections, passing on request id, trace and client address. Answers the
 * parsed `data`; throws the service's own error, UpstreamTimeout after `timeout` milliseconds, and ServiceUnavailable when
 * the service can't be reached.
 */
export class ServiceClient {
  readonly #name: string;
  readonly #timeout: number;
  readonly #pool: Pool;
  readonly #connections: number;
  #underWay = 0;
  #answered = 0;
  readonly #duration: ReturnType<typeof clientMetrics>;
  readonly #tracing: Tracing | undefined;

  constructor({
    name,
    url,
    timeout,
    connections = 32,
    metrics,
    tracing,
  }: {
    name: string;
    url: string;
    timeout: number;
    connections?: number;
    metrics: Metrics;
    tracing?: Tracing | undefined;
  }) {
    this.#name = name;
    this.#timeout = timeout;
    this.#connections = connections;
    this.#duration = clientMetrics(metrics);
    this.#tracing = tracing;
    // Each call has a time limit for all of it.
    const undici = loadUndici();
    this.#pool = new undici.Pool(url, { connections, connectTimeout: timeout, headersTimeout: 0, bodyTimeout: 0 });
  }

  async call<T>(
    schema: z.ZodType<T>,
    { method, path, query, body, token, idempotencyKey, timeLeft }: ServiceCall,
  ): Promise<ServiceAnswer<T>> {
    const scope = currentScope();
    const headers: Record<string, string> = { accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
    if (scope !== undefined) headers['x-request-id'] = scope.requestId;
    if (scope?.clientAddress) headers['x-forwarded-for'] = scope.clientAddress;
    const response = await this.#send({
      method,
      path: path + toQueryString(query),
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      timeout: Math.min(this.#timeout, timeLeft ?? this.#timeout),
    });
    if (response.status >= 400) throw toError(response.status, response.body, response.retryAfter);
    const answer = this.#parse(envelope, response.body);
    return { data: this.#parse(schema, answer.data), meta: answer.meta, size: response.size };
  }

  /** What the service shows everybody without the envelope, such as its /openapi.json. Throws as `call` does. */
  async document<T>(schema: z.ZodType<T>, path: string): Promise<T> {
    const { status, body, retryAfter } = await this.#send({
      method: 'GET',
      path,
      headers: { accept: 'application/json' },
      body: null,
      timeout: this.#timeout,
    });
    if (status >= 400) throw toError(status, body, retryAfter);
    return this.#parse(schema, body);
  }

  /** Calls that wait for a connection. */
  get queue(): Queue {
    const waiting = () => Math.max(0, this.#underWay - this.#connections);
    const served = () => this.#answered;
    return {
      get waiting() {
        return waiting();
      },
      get served() {
        return served();
      },
      needsBusyLoop: true,
    };
  }

  /** Whether the service says that it is ready for work. */
  async isReady(): Promise<boolean> {
    const { status } = await collectAnswer(this.#pool, { method: 'GET', path: '/ready' }, this.#timeout);
    return status === 200;
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  #parse<T>(schema: z.ZodType<T>, value: unknown): T {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new ServiceUnavailable(`${this.#name} gave an answer that could not be read`, { cause: parsed.error });
  }

  async #send({
    timeout,
    ...request
  }: {
    method: Method;
    path: string;
    headers: Record<string, string>;
    body: string | null;
    timeout: number;
  }) {
    if (timeout <= 0) throw new UpstreamTimeout(`No time was left to ask ${this.#name}`);
    const parent = currentTraceparent();
    const span = this.#tracing?.open({
      name: `${request.method} ${this.#name}`,
      kind: 'client',
      parent,
      attributes: { 'http.request.method': request.method, 'server.address': this.#name },
    });
    const traceparent = span?.traceparent ?? parent;
    if (traceparent !== undefined) request.headers.traceparent = traceparent;
    const start = performance.now();
    this.#underWay += 1;
    try {
      const { status, headers, text } = await collectAnswer(this.#pool, request, Math.ceil(timeout));
      const retryAfter = headers['retry-after'];
      const answer = {
        status,
        retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
        size: text.length,
        body: JSON.parse(text) as unknown,
      };
      this.#observe(start, status >= 500 ? status.toString() : '');
      span?.end({
        attributes: { 'http.response.status_code': status },
        errorType: status >= 400 ? status.toString() : undefined,
      });
      return answer;
    } catch (error) {
      const appError = this.#toAppError(error);
      this.#observe(start, appError.code);
      span?.end({ errorType: appError.code });
      throw appError;
    } finally {
      this.#underWay -= 1;
      this.#answered += 1;
    }
  }

  #observe(start: number, error_type: string): void {
    this.#duration.observe({ server_address: this.#name, error_type }, (performance.now() - start) / 1_000);
  }

  #toAppError(error: unknown): AppError {
    if (error instanceof AnswerTimeout)
      return new UpstreamTimeout(`${this.#name} did not answer in time`, { cause: error });
    return new ServiceUnavailable(`${this.#name} is unavailable`, { cause: error });
  }
}
