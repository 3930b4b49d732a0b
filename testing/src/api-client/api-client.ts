// The one client of the services' REST APIs, for tests and tools: openapi-fetch, typed by what the services say of themselves.
// It imports nothing of ours but types, because `make demo` runs it as it is, without a build.
import createClient, { type Client, type Middleware } from 'openapi-fetch';
import type { paths as OrderPaths } from '../generated/order-service.js';
import type { paths as PaymentPaths } from '../generated/payment-service.js';
import type { paths as UserPaths } from '../generated/user-service.js';

export type { components as OrderComponents } from '../generated/order-service.js';
export type { components as PaymentComponents } from '../generated/payment-service.js';
export type { components as UserComponents } from '../generated/user-service.js';

const TIMEOUT = 60_000;

/** Where the programs answer. */
export interface ApiOrigins {
  gateway: string;
  userService: string;
  orderService: string;
  paymentService: string;
}

export interface ApiClientOptions {
  origins: Omit<ApiOrigins, 'gateway'>;
  /** Sent with every request. */
  token?: string | undefined;
  /** Milliseconds until the whole answer has to be there. */
  timeout?: number;
  middleware?: readonly Middleware[];
}

export interface ApiClient {
  users: Client<UserPaths>;
  orders: Client<OrderPaths>;
  payments: Client<PaymentPaths>;
}

/** An answer that shows something, or a refusal. */
export interface ApiReply<T> {
  data?: { data: T };
  error?: { error: { code: string; message: string } };
  response: Response;
}

/**
 * Calls each service at its origin. Refusals are answers; it rejects as `fetch` does where nobody answers in time, and where
 * somebody else does: every service speaks JSON alone.
 */
export function createApiClient({ origins, token, timeout = TIMEOUT, middleware = [] }: ApiClientOptions): ApiClient {
  const options = {
    headers: { authorization: token === undefined ? undefined : `Bearer ${token}` },
    fetch: async (request: Request) => {
      const response = await fetch(request, { signal: AbortSignal.timeout(timeout) });
      if (response.headers.get('content-type')?.includes('json') === true) return response;
      await response.body?.cancel();
      throw new Error(`${response.status} from ${request.url}, and no answer of the API`);
    },
  };
  const client: ApiClient = {
    users: createClient({ ...options, baseUrl: origins.userService }),
    orders: createClient({ ...options, baseUrl: origins.orderService }),
    payments: createClient({ ...options, baseUrl: origins.paymentService }),
  };
  for (const service of [client.users, client.orders, client.payments]) service.use(...middleware);
  return client;
}
