import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { PATIENCE } from '@shop/testing';

interface Urls {
  nginx: string;
  gateway: string;
  userService: string;
  orderService: string;
  paymentService: string;
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

const send = async (url: string, init: RequestInit): Promise<Answer> => {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(PATIENCE) });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
};

const bearer = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

/** Sends a GraphQL document to the gateway, as the reference's clients do; also by way of nginx. */
export const graphql = (
  query: string,
  token?: string,
  variables?: object,
  origin: string = urls.gateway,
): Promise<Answer> =>
  send(`${origin}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...bearer(token) },
    body: JSON.stringify({ query, variables }),
  });

/** Calls a service's REST API: 'users' is user-service, and so on. With `origin`, by way of nginx. */
export const rest = (
  method: string,
  path: `/${'users' | 'orders' | 'payments'}${string}`,
  { token, body, origin }: { token?: string | undefined; body?: unknown; origin?: string } = {},
): Promise<Answer> => {
  const feature = path.split(/[/?]/)[1];
  const services = { users: urls.userService, orders: urls.orderService, payments: urls.paymentService };
  return send(`${origin ?? services[feature as keyof typeof services]}/api/v1${path}`, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...bearer(token) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
};

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
export async function logInAsAdmin(): Promise<Account> {
  const [email = '', password = ''] = [settings.ADMIN_EMAIL, settings.ADMIN_PASSWORD];
  const { body } = await rest('POST', '/users/login', { body: { email, password } });
  return { id: body.data.user.id, email, password, token: body.data.token };
}

export const orderInput = {
  shippingAddress: '123 Main St, City, Country',
  notes: 'Please handle with care',
  items: [{ productId: 'prod-1', productName: 'Laptop', quantity: 1, unitPrice: 999.99 }],
};

/** Asks until the answer is as expected; after `patience` milliseconds the last disappointment is thrown. */
export async function eventually<T>(check: () => Promise<T>, patience = PATIENCE): Promise<T> {
  const deadline = Date.now() + patience;
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
