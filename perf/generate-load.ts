// Load from autocannon, with every answer's time and status. Percentiles are exact: autocannon's own are whole milliseconds.
import autocannon from 'autocannon';
import { timesOf, type Times } from './statistics.ts';

/** What differs from request to request. */
export interface OwnRequest {
  path?: string;
  body?: string;
  headers?: Record<string, string>;
}

export interface LoadOptions {
  url: string;
  /** Requests under way at a time; each waits for its answer. */
  connections: number;
  /** How many requests in all. */
  requests: number;
  method?: 'GET' | 'POST';
  body?: string;
  /** The paths that a connection asks for in turn; the URL's own otherwise. */
  paths?: (connection: number) => string[];
  /** Called for each request, in place of `paths`. */
  next?: (connection: number) => OwnRequest;
  /** Called with each answer, before the connection's next request is made. */
  onAnswer?: (connection: number, status: number, body: string) => void;
  /** Whether a successful answer is what was asked for: GraphQL answers 200 with errors, too. Each answer is by default. */
  accepts?: (body: string) => boolean;
  /** The headers of each connection's requests. */
  headers?: (connection: number) => Record<string, string>;
}

export interface LoadResult {
  /** Answers by status, and by what went wrong where none came. */
  answers: ReadonlyMap<string, number>;
  /** Requests without a successful answer. */
  failures: number;
  perSecond: number;
  /** Milliseconds, of successful requests alone. */
  times: Times;
  /** Microseconds of processor time that this process took for each request. */
  generator: number;
}

const answerTimeoutSeconds = 30;
/** Milliseconds between autocannon's samples, and so until it notices that all is done. */
const sampleInterval = 100;

/** Whether GraphQL answered with data, and without errors. */
export function isDataAlone(body: string): boolean {
  try {
    const answer: unknown = JSON.parse(body);
    return typeof answer === 'object' && answer !== null && 'data' in answer && !('errors' in answer);
  } catch {
    return false; // it is no GraphQL answer
  }
}

/** Sends the requests and resolves once each has its answer or has failed. `progress` is called for each. */
export async function generateLoad(options: LoadOptions, progress?: (done: number) => void): Promise<LoadResult> {
  const { url, connections, requests, method = 'GET', body, accepts } = options;
  const answers = new Map<string, number>();
  const times: number[] = [];
  let done = 0;
  let connection = 0;
  const spentBefore = process.cpuUsage();
  const startedAt = performance.now();
  let endedAt = startedAt; // autocannon itself ends at its next sample only
  let spent = spentBefore;
  const note = (answer: string): void => {
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
    done += 1;
    endedAt = performance.now();
    if (done === requests) spent = process.cpuUsage(spentBefore);
    progress?.(done);
  };
  const { mismatches } = await new Promise<autocannon.Result>((resolve, reject) => {
    const settings: autocannon.Options = {
      url,
      connections: Math.min(connections, requests),
      amount: requests,
      timeout: answerTimeoutSeconds,
      sampleInt: sampleInterval,
      bailout: Math.max(100, connections),
      method,
      ...(body !== undefined && { body }),
      ...(accepts && { verifyBody: (answer) => accepts(String(answer)) }),
      setupClient: (client) => setUp(client, connection++, options),
    };
    const load = autocannon(settings, (error: Error | null, result: autocannon.Result) =>
      error ? reject(error) : resolve(result),
    );
    load.on('response', (_client, status, _bytes, time) => {
      if (status >= 200 && status < 300) times.push(time);
      note(String(status));
    });
    load.on('reqError', (error: NodeJS.ErrnoException) => note(error.code ?? error.message));
  });
  const seconds = (endedAt - startedAt) / 1_000;
  if (mismatches > 0) answers.set('success with errors', mismatches);
  return {
    answers,
    failures: requests - times.length + mismatches,
    perSecond: times.length / seconds,
    times: timesOf(times),
    generator: (spent.user + spent.system) / requests,
  };
}

function setUp(client: autocannon.Client, connection: number, options: LoadOptions): void {
  const { method = 'GET', body, headers, paths, next, onAnswer } = options;
  const shared = { method, headers: headers?.(connection) ?? {}, ...(body !== undefined && { body }) };
  if (next) {
    client.setRequests([
      {
        ...shared,
        setupRequest: (request: autocannon.Request) => ({ ...request, ...next(connection) }),
        ...(onAnswer && {
          onResponse: (status: number, answer: string) => onAnswer(connection, status, answer),
        }),
      },
    ]);
  } else if (paths) client.setRequests(paths(connection).map((path) => ({ ...shared, path })));
  else client.setHeaders(shared.headers);
}

/** What went wrong, with its count, most frequent first; empty where nothing did. */
export const failuresOf = ({ answers }: Pick<LoadResult, 'answers'>): string =>
  [...answers]
    .filter(([answer]) => !/^2\d\d$/.test(answer))
    .toSorted(([, a], [, b]) => b - a)
    .map(([answer, count]) => `${count} x ${answer === '429' ? '429 (rate limit)' : answer}`)
    .join(', ');
