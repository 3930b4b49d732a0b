// What customers and the admin can do, over REST or through the gateway as chance has it.
import {
  createApiClient,
  sendGraphql,
  type ApiClient,
  type ApiOrigins,
  type GraphqlRequest,
  type UserComponents,
} from '@shop/testing/api-client';
import { z } from 'zod';
import { Choices } from './choices.ts';
import { fromGraphql, fromRest, insist, type Answer } from './insist.ts';
import type { Journal } from './journal.ts';
import { inMajorUnits } from './money.ts';

export interface Account {
  id: string;
  token: string;
}

export interface Order {
  id: string;
  amount: number;
  currency: string;
}

export interface ShopOptions {
  urls: ApiOrigins;
  journal: Journal;
  choices: Choices;
  /** Names everything that this scenario makes, so that its doubles can be found. */
  scenario: string;
  /** A card's name at the provider that takes new payments. */
  cardOf?: (card: string) => string;
  gaveUp: () => boolean;
}

type Session = UserComponents['schemas']['Session'];

const password = 'password123';
const requestTimeout = 10_000;

const placedOrder = z.object({ id: z.string(), totalAmount: z.number(), currency: z.string() });
const openedPayment = z.object({ id: z.string() });
const changed = z.object({ id: z.string(), status: z.string() });

const withKey = (key: string) => ({ header: { 'Idempotency-Key': key } });

/** The shop as one scenario's customer sees it. What is acknowledged goes into the journal. */
export class Shop {
  readonly #options: ShopOptions;
  #requests = 0;

  constructor(options: ShopOptions) {
    this.#options = options;
  }

  async register(): Promise<Account | undefined> {
    const email = `${this.#marker()}@example.com`;
    const body = { email, password, firstName: 'John', lastName: 'Doe' };
    const answer = await this.#insist('register', async () =>
      fromRest(await this.#as().users.POST('/api/v1/users/register', { body })),
    );
    // Taken: it was registered by a request that was not answered.
    const known = answer?.status === 409 ? await this.#login(email, password) : answer;
    if (known?.data === undefined) return undefined;
    const { user, token } = known.data;
    this.#options.journal.acknowledge({ kind: 'user', id: user.id, email });
    return { id: user.id, token };
  }

  async login(email: string, secret: string): Promise<Account | undefined> {
    const answer = await this.#login(email, secret);
    return answer?.data && { id: answer.data.user.id, token: answer.data.token };
  }

  async placeOrder({ id: userId, token }: Account): Promise<Order | undefined> {
    const { choices, journal } = this.#options;
    const currency = choices.pickWeighted({ USD: 6, JPY: 2, KWD: 2 });
    const items = Array.from({ length: choices.integer(1, 3) }, (_, index) => ({
      productId: `prod-${index}`,
      productName: 'Laptop',
      quantity: choices.integer(1, 5),
      unitPrice: inMajorUnits(choices.integer(1, 500_000), currency),
    }));
    const marker = this.#marker();
    const input = { currency, shippingAddress: '123 Main St', notes: marker, items };
    const answer = await this.#change('place order', {
      rest: async (key) =>
        fromRest(await this.#as(token).orders.POST('/api/v1/orders', { params: withKey(key), body: input })),
      graphql: (key) =>
        this.#graphql(placedOrder, {
          query: 'mutation ($input: CreateOrderInput!) { createOrder(input: $input) { id totalAmount currency } }',
          variables: { input },
          token,
          key,
        }),
    });
    if (answer?.data === undefined) return undefined;
    const { id, totalAmount: amount } = answer.data;
    journal.acknowledge({ kind: 'order', id, userId, marker });
    return { id, amount, currency };
  }

  /** The id of the order's latest payment, once there is one. */
  async findPayment(order: Order, { token }: Account): Promise<string | undefined> {
    const params = { path: { orderId: order.id } };
    const answer = await this.#insist('find payment', async () => {
      const found = fromRest(await this.#as(token).payments.GET('/api/v1/payments/order/{orderId}', { params }));
      return found.status === 404 ? { ...found, status: 503 } : found; // not learned of yet
    });
    return answer?.data?.id;
  }

  async openPayment(order: Order, { token }: Account): Promise<string | undefined> {
    const { journal } = this.#options;
    const marker = this.#marker();
    const { id: orderId, amount, currency } = order;
    const input = { orderId, amount, currency, method: 'card', description: marker } as const;
    const answer = await this.#change('open payment', {
      rest: async (key) =>
        fromRest(await this.#as(token).payments.POST('/api/v1/payments', { params: withKey(key), body: input })),
      graphql: (key) =>
        this.#graphql(openedPayment, {
          query: 'mutation ($input: CreatePaymentInput!) { createPayment(input: $input) { id } }',
          variables: { input },
          token,
          key,
        }),
    });
    const id = answer?.data?.id;
    if (id !== undefined) journal.acknowledge({ kind: 'payment', id, orderId, marker });
    return id;
  }

  async pay(paymentId: string, { token }: Account, name: string): Promise<void> {
    const { journal, cardOf } = this.#options;
    const card = cardOf?.(name) ?? name;
    const answer = await this.#change(`pay with ${card}`, {
      rest: async (key) => {
        const params = { path: { id: paymentId }, ...withKey(key) };
        const body = { token: card };
        return fromRest(await this.#as(token).payments.POST('/api/v1/payments/{id}/process', { params, body }));
      },
      graphql: (key) =>
        this.#graphql(changed, {
          query: 'mutation ($id: ID!, $card: String) { processPayment(id: $id, token: $card) { id status } }',
          variables: { id: paymentId, card },
          token,
          key,
        }),
    });
    if (answer?.status === 402) journal.acknowledge({ kind: 'declined', paymentId });
    const status = answer?.data?.status;
    if (status !== undefined) journal.acknowledge({ kind: status === 'processing' ? 'being paid' : 'paid', paymentId });
  }

  async refund(paymentId: string, admin: Account, amount?: number): Promise<void> {
    const { journal } = this.#options;
    const marker = this.#marker();
    // Over REST alone: there its status tells whether the refund is done.
    const answer = await this.#change('refund', {
      rest: async (key) => {
        const params = { path: { id: paymentId }, ...withKey(key) };
        const body = { amount, reason: marker };
        return fromRest(await this.#as(admin.token).payments.POST('/api/v1/payments/{id}/refund', { params, body }));
      },
    });
    if (answer?.status === 200) journal.acknowledge({ kind: 'refund', paymentId, marker, amount });
    if (answer?.status === 202) journal.acknowledge({ kind: 'refund under way', paymentId, marker, amount });
  }

  async cancel(order: Order, { token }: Account): Promise<void> {
    const { journal } = this.#options;
    const body = { status: 'cancelled', reason: this.#marker() } as const;
    const params = { path: { id: order.id } };
    const answer = await this.#change('cancel order', {
      rest: async () => fromRest(await this.#as(token).orders.PATCH('/api/v1/orders/{id}/status', { params, body })),
      graphql: (key) =>
        this.#graphql(changed, {
          query:
            'mutation ($id: ID!, $reason: String) { updateOrderStatus(id: $id, status: cancelled, reason: $reason) { id status } }',
          variables: { id: order.id, reason: body.reason },
          token,
          key,
        }),
    });
    if (answer?.data !== undefined) journal.acknowledge({ kind: 'cancelled order', orderId: order.id });
  }

  #login(email: string, secret: string): Promise<Answer<Session> | undefined> {
    const body = { email, password: secret };
    return this.#insist('log in', async () => fromRest(await this.#as().users.POST('/api/v1/users/login', { body })));
  }

  #as(token?: string): ApiClient {
    return createApiClient({ origins: this.#options.urls, token, timeout: requestTimeout });
  }

  async #graphql<T>(field: z.ZodType<T>, request: GraphqlRequest): Promise<Answer<T>> {
    const url = `${this.#options.urls.gateway}/graphql`;
    return fromGraphql(await sendGraphql(url, { timeout: requestTimeout, ...request }), field);
  }

  /** One change, asked for in one of its ways until it is answered, always under the same key. */
  async #change<T>(
    operation: string,
    { rest, graphql }: { rest: (key: string) => Promise<Answer<T>>; graphql?: (key: string) => Promise<Answer<T>> },
  ): Promise<Answer<T> | undefined> {
    const key = this.#marker();
    const viaGateway = graphql !== undefined && new Choices(key).chance(50);
    return this.#insist(operation, () => (viaGateway ? graphql(key) : rest(key)));
  }

  /** Requests of a scenario run side by side: each has chances of its own. */
  #insist<T>(operation: string, call: () => Promise<Answer<T>>): Promise<Answer<T> | undefined> {
    const { journal, gaveUp } = this.#options;
    return insist(operation, call, { choices: new Choices(this.#marker()), journal, gaveUp });
  }

  #marker(): string {
    return `${this.#options.scenario}-${++this.#requests}`;
  }
}
