import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { TIMEOUT } from '@shop/testing';
import { ApiClient, type ApiOrigins, type RestCall } from '@shop/testing/api-client';

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

const client = new ApiClient(urls, { timeout: TIMEOUT });

/** Sends a GraphQL document to the gateway, as the reference's clients do; also by way of nginx. */
export const graphql = (query: string, token?: string, variables?: object, origin?: string): Promise<Answer> =>
  client.graphql({ query, variables, token, origin, endpoint: '/query' });

/** Calls a service's REST API: 'users' is user-service, and so on. With `origin`, by way of nginx. */
export const rest = (
  method: string,
  path: RestCall['path'],
  options: { token?: string | undefined; body?: unknown; origin?: string } = {},
): Promise<Answer> => client.rest({ method, path, ...options });

export interface Account {
  id: string;
  email: string;
  password: string;
  token: string;
}

/** A new user, registered over REST. */
export async function register(): Promise<Account> {
  const [email, password] = [`${randomUUID()}@example.com`, 'password123'];
  const { body } = await rest('POST', '/users/register', {
    body: { email, password, firstName: 'John', lastName: 'Doe' },
  });
  return { id: body.data.user.id, email, password, token: body.data.token };
}

/** The first admin, from the settings. */
export async function loginAsAdmin(): Promise<Account> {
  const [email = '', password = ''] = [settings.ADMIN_EMAIL, settings.ADMIN_PASSWORD];
  const { body } = await rest('POST', '/users/login', { body: { email, password } });
  return { id: body.data.user.id, email, password, token: body.data.token };
}

export const orderInput = {
  shippingAddress: '123 Main St, City, Country',
  notes: 'Please handle with care',
  items: [{ productId: 'prod-1', productName: 'Laptop', quantity: 1, unitPrice: 999.99 }],
};

/** Asks until the answer is as expected; after `timeout` milliseconds the last disappointment is thrown. */
export async function eventually<T>(check: () => Promise<T>, timeout = TIMEOUT): Promise<T> {
  const deadline = Date.now() + timeout;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(50);
    }
  }
}

/** A new order of somebody's, and the payment that the system opens for it. */
export async function placeOrder(
  token: string,
  input: object = orderInput,
): Promise<{ orderId: string; paymentId: string }> {
  const { body } = await rest('POST', '/orders', { token, body: input });
  const orderId = body.data.id as string;
  const paymentId = await eventually(async () => {
    const payment = await rest('GET', `/payments/order/${orderId}`, { token });
    if (payment.status !== 200) throw new Error(`no payment yet: ${payment.status}`);
    return payment.body.data.id as string;
  });
  return { orderId, paymentId };
}
