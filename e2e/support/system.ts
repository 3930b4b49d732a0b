import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, TIMEOUT } from '@shop/testing';
import {
  createApiClient,
  sendGraphql,
  sendRequest,
  type ApiOrigins,
  type ApiReply,
  type OrderComponents,
} from '@shop/testing/api-client';

export { eventually };

interface Urls extends ApiOrigins {
  nginx: string;
  rabbitmqManagement: string;
  prometheus: string;
}

/** Where the running system answers, and the settings that it runs with. */
export const urls = JSON.parse(process.env.E2E_URLS ?? '{}') as Urls;
export const settings = JSON.parse(process.env.E2E_ENVIRONMENT ?? '{}') as Record<string, string>;

export interface Answer {
  status: number;
  headers: Headers;
  // What an answer holds is what the tests are there to find out.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

/** The system as its customers' programs see it: `token` is an account's. */
const api = (token?: string) => createApiClient({ origins: urls, token, timeout: TIMEOUT });

/** Sends a GraphQL document to the gateway, as the reference's clients do; also by way of nginx. */
export const graphql = (
  query: string,
  token?: string,
  variables?: object,
  origin: string = urls.gateway,
): Promise<Answer> => sendGraphql(`${origin}/query`, { query, variables, token, timeout: TIMEOUT });

/**
 * Calls a service's REST API with whatever a test sends, right or wrong, which a typed client would not: 'users' is user-service,
 * and so on. With `origin`, by way of nginx.
 */
export const rest = (
  method: string,
  path: `/${'users' | 'orders' | 'payments'}${string}`,
  { origin = originOf(path), ...options }: { token?: string | undefined; body?: unknown; origin?: string } = {},
): Promise<Answer> => sendRequest(`${origin}/api/v1${path}`, { method, timeout: TIMEOUT, ...options });

function originOf(path: string): string {
  if (path.startsWith('/users')) return urls.userService;
  return path.startsWith('/orders') ? urls.orderService : urls.paymentService;
}

/** What an answer shows; asked for again while there is too much to do, as clients do. Throws where it is a refusal. */
async function dataOf<T>(ask: () => Promise<ApiReply<T>>): Promise<T> {
  for (const deadline = Date.now() + TIMEOUT; ;) {
    const { data, error, response } = await ask();
    if (data !== undefined) return data.data;
    const { status, headers } = response;
    if (status !== 503 || Date.now() > deadline)
      throw new Error(`${status} ${error?.error.code}: ${error?.error.message}`);
    await delay(1_000 * Number(headers.get('retry-after') ?? 1));
  }
}

export interface Account {
  id: string;
  email: string;
  password: string;
  token: string;
}

/** A new user, registered over REST. */
export async function register(): Promise<Account> {
  const password = 'password123';
  const { user, token } = await dataOf(() => {
    const body = { email: `${randomUUID()}@example.com`, password, firstName: 'John', lastName: 'Doe' };
    return api().users.POST('/api/v1/users/register', { body });
  });
  return { id: user.id, email: user.email, password, token };
}

/** The first admin, from the settings. */
export async function loginAsAdmin(): Promise<Account> {
  const [email = '', password = ''] = [settings.ADMIN_EMAIL, settings.ADMIN_PASSWORD];
  const { user, token } = await dataOf(() => api().users.POST('/api/v1/users/login', { body: { email, password } }));
  return { id: user.id, email, password, token };
}

type PlaceOrderRequest = OrderComponents['schemas']['PlaceOrderRequest'];

export const orderInput: PlaceOrderRequest = {
  shippingAddress: '123 Main St, City, Country',
  notes: 'Please handle with care',
  items: [{ productId: 'prod-1', productName: 'Laptop', quantity: 1, unitPrice: 999.99 }],
};

/** A new order of somebody's, and the payment that the system opens for it. */
export async function placeOrder(
  token: string,
  body: PlaceOrderRequest = orderInput,
): Promise<{ orderId: string; paymentId: string }> {
  const { orders, payments } = api(token);
  const { id: orderId } = await dataOf(() => orders.POST('/api/v1/orders', { body }));
  const params = { path: { orderId } };
  const { id: paymentId } = await eventually(async () =>
    dataOf(() => payments.GET('/api/v1/payments/order/{orderId}', { params })),
  );
  return { orderId, paymentId };
}
