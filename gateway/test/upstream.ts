import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { AppError } from '@shop/common/errors';
import { errorBody, statusOfCode } from '@shop/common/http';
import type { PageMeta } from '@shop/common/paging';

/** One request that the gateway made. */
export interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: NodeJS.Dict<string | string[]>;
  body: unknown;
}

interface Answer {
  data: unknown;
  meta?: PageMeta;
}

/** What a stand-in answers to a call; an AppError is answered as the services do. */
export type Respond = (call: Call) => Answer | Promise<Answer>;

export interface StandIn {
  url: string;
  calls: Call[];
  /** `route` is a method and a path, such as `GET /api/v1/users`. */
  on(route: string, respond: Respond): void;
  /** Forgets routes and calls. */
  reset(): void;
  stop(): Promise<void>;
}

/** An HTTP server that answers as a service does, and counts what it is asked. */
export async function startStandIn(): Promise<StandIn> {
  const routes = new Map<string, Respond>();
  const calls: Call[] = [];

  const answer = async (call: Call): Promise<{ status: number; headers?: Record<string, string>; body: unknown }> => {
    try {
      const respond = routes.get(`${call.method} ${call.path}`);
      if (respond === undefined) throw new AppError('NOT_FOUND', `no ${call.method} ${call.path}`);
      return { status: 200, body: { success: true, message: 'Done', ...(await respond(call)) } };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return {
        status: statusOfCode[error.code],
        ...(error.retryAfterSeconds && { headers: { 'retry-after': String(error.retryAfterSeconds) } }),
        body: { success: false, error: errorBody(error), requestId: 'stand-in' },
      };
    }
  };

  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '', 'http://stand-in');
      const body = await text(request);
      const call: Call = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: body === '' ? undefined : JSON.parse(body),
      };
      if (url.pathname !== '/ready') calls.push(call);
      const reply = await answer(call);
      response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
      response.end(JSON.stringify(reply.body));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    on: (route, respond) => void routes.set(route, respond),
    reset: () => {
      routes.clear();
      calls.length = 0;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
