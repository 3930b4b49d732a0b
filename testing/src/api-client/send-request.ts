// Requests as they are written, for GraphQL and for tests that ask what no typed client lets them ask. It imports nothing of ours,
// because `make demo` runs it as it is, without a build.
import { z } from 'zod';

const defaultTimeout = 60_000;

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

export interface GraphqlRequest extends Omit<ApiRequest, 'method' | 'body'> {
  query: string;
  variables?: object | undefined;
}

const graphqlBody = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z
    .array(z.object({ message: z.string(), extensions: z.object({ code: z.string().optional() }).optional() }))
    .optional(),
});

/** What of the body is GraphQL's own envelope; nothing where somebody else has answered. */
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

/** Sends a document of GraphQL; see sendRequest. */
export async function sendGraphql(
  url: string,
  { query, variables, ...request }: GraphqlRequest,
): Promise<GraphqlAnswer> {
  const answer = await sendRequest(url, { ...request, body: { query, variables } });
  return { ...answer, ...graphqlBody.safeParse(answer.body).data };
}
