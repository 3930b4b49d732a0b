import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { Counter } from 'prom-client';
import type { AllowedOrigins } from '../../config/index.js';
import { CapacityExceeded } from '../../errors/index.js';
import type { Logger } from '../../logger/index.js';
import type { Metrics } from '../../metrics/index.js';
import { continueTrace } from '../../tracing/index.js';
import { allowOrigins } from '../cors.js';
import { errorAnswer } from '../error-handler.js';
import { isProbe, requestIdOf } from '../request-scope.js';
import { Overload } from './overload.js';
import type { Queue } from './queue-wait.js';
import { Turns } from './turns.js';

/** Milliseconds between two looks at the event loop and the queues. */
const PERIOD = 20;
/** Looks without a request in between after which nobody looks any more: a process without work does not wake up. */
const QUIET = 50;
/** Milliseconds that refusals are counted for until a line of the log, and the metrics, report them. */
const REPORT_PERIOD = 1_000;
/** Milliseconds of each turn of the event loop, while requests wait for one, that they are begun in. */
const BEGINNING = 1;
/** And in which others are refused: who waits for a refusal over a connection asks nothing else over it meanwhile. */
const REFUSING = 0.1;
/** So many wait for their refusal at most: each keeps memory. More are refused at once, whatever that takes. */
const MOST_TO_REFUSE = 10_000;
/** Clients are given one of these numbers of seconds in turn, so that they don't all come back at once. */
const RETRY_AFTER = ['1', '2', '3'];

/** What stands for them among all answers: no route was looked for. */
const LABELS = { http_request_method: '_OTHER', http_route: 'other', http_response_status_code: '503' };

const error = new CapacityExceeded('Too busy, try again shortly');
/** Up to the id of the request, whose characters need no escaping. */
const bodyBeforeId = `${JSON.stringify(errorAnswer(error).body).slice(0, -1)},"requestId":"`;

export interface OverloadGuardOptions {
  /** Milliseconds that a request may have to wait for its turns, all in all. */
  target: number;
  queues: readonly Queue[];
  corsOrigins: AllowedOrigins;
  /** Paths that are never refused begin with one of these: what is behind them is paid for elsewhere. */
  exempt?: readonly string[] | undefined;
  /** What a request is answered where that isn't REST's form. */
  bodyOf?: ((request: IncomingMessage, error: CapacityExceeded) => string | undefined) | undefined;
  logger: Logger;
  metrics: Metrics;
}

/**
 * Refuses requests while this process has more to do than it can, before anything else is done for them: a refusal has to be
 * cheap, or refusing is all that is left to do. Probes are always answered, and so are preflights: a browser hides what came
 * of a request that has none.
 */
export class OverloadGuard {
  readonly #overload: Overload;
  readonly #options: OverloadGuardOptions;
  readonly #allowOrigin: ReturnType<typeof allowOrigins>;
  readonly #total: Counter;
  readonly #turns = new Turns({ share: BEGINNING });
  readonly #refusals = new Turns({ share: REFUSING });
  #looking: NodeJS.Timeout | undefined;
  #quietLooks = 0;
  #reporting: NodeJS.Timeout | undefined;
  #refused = 0;
  #turn = 0;

  constructor(options: OverloadGuardOptions) {
    this.#options = options;
    this.#overload = new Overload({ target: options.target, queues: [...options.queues, this.#turns] });
    this.#allowOrigin = allowOrigins(options.corsOrigins);
    this.#total = new Counter({
      name: 'http_server_refused_requests_total',
      help: 'Requests that were refused at once because the process had too much to do',
      registers: [options.metrics.registry],
    });
  }

  /** Has a request begun, now or in its turn, or answers one that is too many. */
  admit(request: IncomingMessage, response: ServerResponse, begin: RequestListener): void {
    this.#quietLooks = 0;
    if (this.#looking === undefined) this.#look();
    const { isTooMuch, isBusy } = this.#overload;
    const isFree = !isTooMuch && !isBusy && this.#turns.waiting === 0;
    if (isFree || isProbe(request)) begin(request, response);
    else if (isTooMuch && !this.#isExempt(request)) this.#refuseInTurn(request, response);
    else this.#turns.take({ request, response, begin });
  }

  /** Answers a request that is one too many, after those before it: to refuse must never be all that is done. */
  #refuseInTurn(request: IncomingMessage, response: ServerResponse): void {
    this.#overload.noteRefusal();
    if (this.#refusals.waiting < MOST_TO_REFUSE) this.#refusals.take({ request, response, begin: this.#refuse });
    else this.#refuse(request, response);
  }

  readonly #refuse: RequestListener = (request, response) => {
    if (request.headers.origin === undefined) this.#answer(request, response);
    else this.#allowOrigin(request, response, () => this.#answer(request, response));
  };

  stop(): void {
    clearInterval(this.#looking);
    this.#looking = undefined;
    if (this.#reporting !== undefined) this.#report();
  }

  #look(): void {
    this.#overload.restart();
    let last = performance.now();
    let loop = performance.eventLoopUtilization();
    this.#looking = setInterval(() => {
      const now = performance.now();
      const loopNow = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(loopNow, loop);
      this.#overload.observe({ now, lag: Math.max(0, now - last - PERIOD), utilization });
      last = now;
      loop = loopNow;
      this.#quietLooks = this.#overload.isIdle ? this.#quietLooks + 1 : 0;
      if (this.#quietLooks <= QUIET) return;
      clearInterval(this.#looking);
      this.#looking = undefined;
    }, PERIOD).unref();
  }

  #isExempt(request: IncomingMessage): boolean {
    return this.#options.exempt?.some((path) => request.url?.startsWith(path)) ?? false;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#refused += 1;
    this.#reporting ??= setTimeout(() => this.#report(), REPORT_PERIOD).unref();
    const requestId = requestIdOf(request);
    const { traceparent } = request.headers;
    const body = this.#options.bodyOf?.(request, error) ?? `${bodyBeforeId}${requestId}"}`;
    this.#turn = (this.#turn + 1) % RETRY_AFTER.length;
    response.writeHead(503, [
      ...['Content-Type', 'application/json; charset=utf-8', 'Content-Length', String(Buffer.byteLength(body))],
      ...['Cache-Control', 'no-store', 'Retry-After', RETRY_AFTER[this.#turn] ?? '1', 'X-Request-Id', requestId],
      ...['traceparent', continueTrace(typeof traceparent === 'string' ? traceparent : undefined)],
    ]);
    response.end(body);
  }

  #report(): void {
    clearTimeout(this.#reporting);
    this.#reporting = undefined;
    this.#total.inc(this.#refused);
    this.#options.metrics.httpServerResponses.inc(LABELS, this.#refused);
    this.#options.logger.warn('requests refused: this process has more to do than it can', {
      count: this.#refused,
      expectedWait: Math.min(Number.MAX_SAFE_INTEGER, Math.round(this.#overload.wait)),
    });
    this.#refused = 0;
  }
}
