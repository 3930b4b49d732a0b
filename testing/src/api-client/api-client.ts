// The one client of the shop's APIs, for all tests and tools. It imports nothing of ours, because `make demo` runs it as it is,
// without a build.
import { z } from 'zod';

const defaultTimeout = 60_000;

/** Where the programs answer. */
export interface ApiOrigins {
  gateway: string;
  userService: string;
  orderService: string;
  paymentService: string;
}

export interface ApiRequest {
  /** GET without a body, POST with one, unless it says otherwise. */
  method?: string;
  token?: string | undefined;
  /** The header Idempotency-Key. */
  key?: string | undefined;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  /** Milliseconds until the whole answer has to be there. */
  timeout?: number;
}

export interface ApiAnswer {
  status: number;
  headers: Headers;
  /** Parsed where it is JSON, a text otherwise. */
  body: unknown;
}

export interface RestCall extends ApiRequest {
  /** Behind /api/v1: its first part says which service it is for. */
  path: `/${'users' | 'orders' | 'payments'}${string}`;
  /** Who is asked instead of the service itself: nginx. */
  origin?: string | undefined;
}

export interface GraphqlCall extends Omit<ApiRequest, 'method' | 'body'> {
  query: string;
  variables?: object | undefined;
  /** Who is asked instead of the gateway itself: nginx. */
  origin?: string | undefined;
  endpoint?: '/graphql' | '/query';
}

const restBody = z.object({
  data: z.unknown().optional(),
  meta: z.object({ total: z.int().nullish() }).optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});

const graphqlBody = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z
    .array(z.object({ message: z.string(), extensions: z.object({ code: z.string().optional() }).optional() }))
    .optional(),
});

/** What of the body is the API's own envelope; nothing where somebody else has answered. */
export interface RestAnswer extends ApiAnswer, z.infer<typeof restBody> {}
export interface GraphqlAnswer extends ApiAnswer, z.infer<typeof graphqlBody> {}

/** Whatever is answered, refusals too. Rejects as `fetch` does where nobody answers in time. */
export async function sendRequest(
  url: string,
  { method, token, key, headers, body, timeout = defaultTimeout }: ApiRequest = {},
): Promise<ApiAnswer> {
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(key !== undefined && { 'idempotency-key': key }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(timeout),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

export class ApiClient {
  readonly #origins: ApiOrigins;
  readonly #timeout: number;

  /** `timeout`: milliseconds, for each request that names none. */
  constructor(origins: ApiOrigins, { timeout = defaultTimeout }: { timeout?: number } = {}) {
    this.#origins = origins;
    this.#timeout = timeout;
  }

  /** Calls a service's REST API; see sendRequest. */
  async rest({ path, origin = this.originOf(path), ...request }: RestCall): Promise<RestAnswer> {
    const answer = await sendRequest(`${origin}/api/v1${path}`, { timeout: this.#timeout, ...request });
    return { ...answer, ...restBody.safeParse(answer.body).data };
  }

  /** Sends a document to the gateway; see sendRequest. */
  async graphql({
    query,
    variables,
    origin = this.#origins.gateway,
    endpoint = '/graphql',
    ...request
  }: GraphqlCall): Promise<GraphqlAnswer> {
    const body = { query, variables };
    const answer = await sendRequest(`${origin}${endpoint}`, { timeout: this.#timeout, ...request, body });
    return { ...answer, ...graphqlBody.safeParse(answer.body).data };
  }

  /** The service that a path of REST belongs to. */
  originOf(path: RestCall['path']): string {
    if (path.startsWith('/users')) return this.#origins.userService;
    return path.startsWith('/orders') ? this.#origins.orderService : this.#origins.paymentService;
  }
}
