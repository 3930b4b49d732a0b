// The running shop, as its customers' programs see it.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ApiClient, type ApiOrigins, type RestAnswer, type RestCall } from '../../testing/src/api-client/api-client.ts';
import { StackError } from '../errors.ts';
import { reachableHost } from '../settings.ts';
import type { Settings } from '../settings.ts';

const requestTimeout = 15_000;
const TIMEOUT = 30_000;
const poll = 100;

const user = z.object({ id: z.string(), email: z.string() });
const order = z.object({ id: z.string(), status: z.string(), totalAmount: z.number(), currency: z.string() });
const payment = z.object({ id: z.string(), status: z.string(), amount: z.number(), refundedAmount: z.number() });

export type Order = z.infer<typeof order>;
export type Payment = z.infer<typeof payment>;
export type Account = z.infer<typeof user> & { token: string };

export interface Item {
  productId: string;
  productName: string;
  quantity: number;
  unitPrice: number;
}

export const laptop: Item = { productId: 'prod-1', productName: 'Laptop', quantity: 1, unitPrice: 999.99 };
export const mice: Item = { productId: 'prod-2', productName: 'Mouse', quantity: 2, unitPrice: 24.99 };

/** Where a shop is, and as whom its first admin logs in. */
export interface ShopAddress {
  origins: ApiOrigins;
  admin: { email: string; password: string };
}

/** Of the system that runs by these settings: each service by itself. */
export function addressOf({ host, ports, variables }: Settings): ShopAddress {
  const origin = (port: number) => `http://${reachableHost(host)}:${port}`;
  return {
    origins: {
      gateway: origin(ports.GATEWAY_PORT),
      userService: origin(ports.USER_SERVICE_PORT),
      orderService: origin(ports.ORDER_SERVICE_PORT),
      paymentService: origin(ports.PAYMENT_SERVICE_PORT),
    },
    admin: { email: variables.ADMIN_EMAIL ?? '', password: variables.ADMIN_PASSWORD ?? '' },
  };
}

export class Shop {
  readonly #client: ApiClient;
  readonly #gateway: string;
  readonly #admin: ShopAddress['admin'];

  constructor({ origins, admin }: ShopAddress) {
    this.#gateway = origins.gateway;
    this.#client = new ApiClient(origins, { timeout: requestTimeout });
    this.#admin = admin;
  }

  /** Whatever a service answers. Throws a StackError when nobody does. */
  rest(call: RestCall): Promise<RestAnswer> {
    return answerOf(this.#client.originOf(call.path), this.#client.rest(call));
  }

  /** What a GraphQL document comes to. */
  async graphql(query: string, { token, variables }: { token?: string; variables?: object } = {}): Promise<unknown> {
    const { data, errors } = await answerOf(this.#gateway, this.#client.graphql({ query, variables, token }));
    if (errors !== undefined) throw new StackError(`refused: ${errors.map(({ message }) => message).join('; ')}`);
    return data;
  }

  async register(email: string, [firstName, lastName]: [string, string]): Promise<Account> {
    const body = { email, password: examplePassword, firstName, lastName };
    return toAccount(dataOf(await this.rest({ method: 'POST', path: '/users/register', body })));
  }

  async login(email: string, password: string): Promise<Account> {
    return toAccount(dataOf(await this.rest({ method: 'POST', path: '/users/login', body: { email, password } })));
  }

  /** An account that may be there already. */
  async loginOrRegister(email: string, names: [string, string]): Promise<Account> {
    const body = { email, password: examplePassword };
    const answer = await this.rest({ method: 'POST', path: '/users/login', body });
    return answer.status === 401 ? this.register(email, names) : toAccount(dataOf(answer));
  }

  /** The first admin, whom the settings name. */
  async loginAsAdmin(): Promise<Account> {
    const { email, password } = this.#admin;
    if (email === '') throw new StackError('this needs the first admin: set ADMIN_EMAIL and ADMIN_PASSWORD in .env');
    return this.login(email, password);
  }

  async placeOrder({ token }: Account, items: Item[], key: string = randomUUID()): Promise<Order> {
    const body = { shippingAddress: '123 Main St, City, Country', items };
    return toOrder(await this.rest({ method: 'POST', path: '/orders', token, key, body }));
  }

  async getOrder({ token }: Account, id: string): Promise<Order> {
    return toOrder(await this.rest({ method: 'GET', path: `/orders/${id}`, token }));
  }

  async changeStatus({ token }: Account, id: string, status: string, reason?: string): Promise<Order> {
    return toOrder(await this.rest({ method: 'PATCH', path: `/orders/${id}/status`, token, body: { status, reason } }));
  }

  /** The payment that payment-service opens once it has learned of an order. */
  async paymentOf({ token }: Account, orderId: string): Promise<Payment> {
    const path = `/payments/order/${orderId}` as const;
    const opened = await this.until(
      'a payment of the order',
      () => this.rest({ method: 'GET', path, token }),
      ({ status }) => status !== 404,
    );
    return toPayment(opened);
  }

  /** Asks until the answer is as expected. Throws a StackError after half a minute. */
  async until<T>(what: string, ask: () => Promise<T>, isDone: (value: T) => boolean): Promise<T> {
    const deadline = Date.now() + TIMEOUT;
    for (;;) {
      const value = await ask();
      if (isDone(value)) return value;
      if (Date.now() > deadline) throw new StackError(`${what} did not come within ${TIMEOUT / 1_000} s`);
      await delay(poll);
    }
  }
}

/** Throws a StackError when nobody answers, or somebody else does: our API speaks JSON alone. */
async function answerOf<T extends { body: unknown }>(origin: string, answer: Promise<T>): Promise<T> {
  const hint = `${origin} does not answer: start the system with \`make up-d\``;
  const given = await answer.catch((error: unknown) => {
    throw new StackError(hint, { cause: error });
  });
  if (typeof given.body === 'string') throw new StackError(hint);
  return given;
}

/** Of every account that is made for show. */
export const examplePassword = 'password123';

/** Throws a StackError where the answer is a refusal. */
export function dataOf({ status, data, error }: RestAnswer): unknown {
  if (error !== undefined) throw new StackError(`refused: ${status} ${error.code}: ${error.message}`);
  return data;
}

export const toOrder = (answer: RestAnswer): Order => order.parse(dataOf(answer));
export const toPayment = (answer: RestAnswer): Payment => payment.parse(dataOf(answer));

function toAccount(data: unknown): Account {
  const login = z.object({ token: z.string(), user }).parse(data);
  return { ...login.user, token: login.token };
}
