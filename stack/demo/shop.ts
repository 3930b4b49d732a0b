// The running shop, as its customers' programs see it.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createApiClient,
  type ApiClient,
  type ApiOrigins,
  type ApiReply,
  type OrderComponents,
  type PaymentComponents,
  type UserComponents,
} from '../../testing/src/api-client/api-client.ts';
import { sendGraphql } from '../../testing/src/api-client/send-request.ts';
import { StackError } from '../errors.ts';
import { reachableHost } from '../settings.ts';
import type { Settings } from '../settings.ts';

const requestTimeout = 15_000;
const TIMEOUT = 30_000;
const poll = 100;

export type Order = OrderComponents['schemas']['Order'];
export type Payment = PaymentComponents['schemas']['Payment'];
export type Account = UserComponents['schemas']['User'] & { token: string };
export type Item = OrderComponents['schemas']['PlaceOrderRequest']['items'][number];
export type Status = OrderComponents['schemas']['ChangeOrderStatusRequest']['status'];

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

const unanswered = (url: string, cause: unknown): StackError =>
  new StackError(`${new URL(url).origin} does not answer: start the system with \`make up-d\``, { cause });

/** Every request throws a StackError where nobody answers, or somebody else does. */
export class Shop {
  readonly #address: ShopAddress;

  constructor(address: ShopAddress) {
    this.#address = address;
  }

  /** The services' REST APIs, as they answer this account, or whoever is not logged in. */
  as({ token }: { token?: string } = {}): ApiClient {
    return createApiClient({
      origins: this.#address.origins,
      token,
      timeout: requestTimeout,
      middleware: [{ onError: ({ request, error }) => unanswered(request.url, error) }],
    });
  }

  /** What a GraphQL document comes to. */
  async graphql(query: string, { token, variables }: { token?: string; variables?: object } = {}): Promise<unknown> {
    const url = `${this.#address.origins.gateway}/graphql`;
    const answer = await sendGraphql(url, { query, variables, token, timeout: requestTimeout }).catch(
      (error: unknown) => {
        throw unanswered(url, error);
      },
    );
    if (typeof answer.body === 'string') throw unanswered(url, answer.body);
    const { data, errors } = answer;
    if (errors !== undefined) throw new StackError(`refused: ${errors.map(({ message }) => message).join('; ')}`);
    return data;
  }

  async register(email: string, [firstName, lastName]: [string, string]): Promise<Account> {
    const body = { email, password: examplePassword, firstName, lastName };
    return toAccount(await this.as().users.POST('/api/v1/users/register', { body }));
  }

  async login(email: string, password: string): Promise<Account> {
    return toAccount(await this.as().users.POST('/api/v1/users/login', { body: { email, password } }));
  }

  /** An account that may be there already. */
  async loginOrRegister(email: string, names: [string, string]): Promise<Account> {
    const body = { email, password: examplePassword };
    const answer = await this.as().users.POST('/api/v1/users/login', { body });
    return answer.response.status === 401 ? this.register(email, names) : toAccount(answer);
  }

  /** The first admin, whom the settings name. */
  async loginAsAdmin(): Promise<Account> {
    const { email, password } = this.#address.admin;
    if (email === '') throw new StackError('this needs the first admin: set ADMIN_EMAIL and ADMIN_PASSWORD in .env');
    return this.login(email, password);
  }

  async placeOrder(account: Account, items: Item[], key: string = randomUUID()): Promise<Order> {
    const body = { shippingAddress: '123 Main St, City, Country', items };
    return dataOf(await this.as(account).orders.POST('/api/v1/orders', { params: withKey(key), body }));
  }

  async getOrder(account: Account, id: string): Promise<Order> {
    return dataOf(await this.as(account).orders.GET('/api/v1/orders/{id}', { params: { path: { id } } }));
  }

  async changeStatus(account: Account, id: string, status: Status, reason?: string): Promise<Order> {
    const params = { path: { id } };
    const body = { status, reason };
    return dataOf(await this.as(account).orders.PATCH('/api/v1/orders/{id}/status', { params, body }));
  }

  /** Waits for what another service does to an order. */
  untilOrderIs(status: Order['status'], account: Account, id: string): Promise<Order> {
    const isSo = (order: Order) => order.status === status;
    return this.until(`the order's status ${status}`, () => this.getOrder(account, id), isSo);
  }

  /** The payment that payment-service opens once it has learned of an order. */
  async paymentOf(account: Account, orderId: string): Promise<Payment> {
    const params = { path: { orderId } };
    const opened = await this.until(
      'a payment of the order',
      () => this.as(account).payments.GET('/api/v1/payments/order/{orderId}', { params }),
      ({ response }) => response.status !== 404,
    );
    return dataOf(opened);
  }

  /** Charges a card; a declined one is an answer, too. */
  pay(account: Account, id: string, card: string, key: string = randomUUID()) {
    const params = { path: { id }, ...withKey(key) };
    return this.as(account).payments.POST('/api/v1/payments/{id}/process', { params, body: { token: card } });
  }

  async refund(admin: Account, id: string, body: { amount: number; reason: string }, key: string): Promise<Payment> {
    const params = { path: { id }, ...withKey(key) };
    return dataOf(await this.as(admin).payments.POST('/api/v1/payments/{id}/refund', { params, body }));
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

/** Of every account that is made for show. */
export const examplePassword = 'password123';

/** What a request needs that may be sent again. */
export const withKey = (key: string) => ({ header: { 'Idempotency-Key': key } });

/** Throws a StackError where the answer is a refusal. */
export function dataOf<T>({ data, error, response }: ApiReply<T>): T {
  if (data !== undefined) return data.data;
  throw new StackError(`refused: ${response.status} ${error?.error.code}: ${error?.error.message}`);
}

function toAccount(reply: ApiReply<UserComponents['schemas']['Session']>): Account {
  const { user, token } = dataOf(reply);
  return { ...user, token };
}
