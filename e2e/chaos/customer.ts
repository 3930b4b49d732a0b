// What customers and the admin can do, over REST or through the gateway as chance has it.
import { ApiClient, type ApiOrigins, type GraphqlCall, type RestCall } from '@shop/testing/api-client';
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

const password = 'password123';
const requestTimeout = 10_000;

/** The shop as one scenario's customer sees it. What is acknowledged goes into the journal. */
export class Shop {
  readonly #options: ShopOptions;
  readonly #client: ApiClient;
  #requests = 0;

  constructor(options: ShopOptions) {
    this.#options = options;
    this.#client = new ApiClient(options.urls, { timeout: requestTimeout });
  }

  async register(): Promise<Account | undefined> {
    const email = `${this.#marker()}@example.com`;
    const body = { email, password, firstName: 'John', lastName: 'Doe' };
    const answer = await this.#insist('register', () => this.#rest({ method: 'POST', path: '/users/register', body }));
    // Taken: it was registered by a request that was not answered.
    const known = answer?.status === 409 ? await this.#login(email, password) : answer;
    if (known === undefined || known.status >= 300) return undefined;
    const { user, token } = known.data;
    this.#options.journal.acknowledge({ kind: 'user', id: user.id, email });
    return { id: user.id, token };
  }

  async login(email: string, secret: string): Promise<Account | undefined> {
    const answer = await this.#login(email, secret);
    return answer?.status === 200 ? { id: answer.data.user.id, token: answer.data.token } : undefined;
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
      rest: (key) => this.#rest({ method: 'POST', path: '/orders', token, key, body: input }),
      graphql: (key) =>
        this.#graphql({
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
    const path = `/payments/order/${order.id}` as const;
    const answer = await this.#insist('find payment', async () => {
      const found = await this.#rest({ method: 'GET', path, token });
      return found.status === 404 ? { ...found, status: 503 } : found; // not learned of yet
    });
    return answer?.data?.id;
  }

  async openPayment(order: Order, { token }: Account): Promise<string | undefined> {
    const { journal } = this.#options;
    const marker = this.#marker();
    const { id: orderId, amount, currency } = order;
    const input = { orderId, amount, currency, method: 'card', description: marker };
    const answer = await this.#change('open payment', {
      rest: (key) => this.#rest({ method: 'POST', path: '/payments', token, key, body: input }),
      graphql: (key) =>
        this.#graphql({
          query: 'mutation ($input: CreatePaymentInput!) { createPayment(input: $input) { id } }',
          variables: { input },
          token,
          key,
        }),
    });
    const id = answer?.data?.id as string | undefined;
    if (id !== undefined) journal.acknowledge({ kind: 'payment', id, orderId, marker });
    return id;
  }

  async pay(paymentId: string, { token }: Account, name: string): Promise<void> {
    const { journal, cardOf } = this.#options;
    const card = cardOf?.(name) ?? name;
    const answer = await this.#change(`pay with ${card}`, {
      rest: (key) =>
        this.#rest({ method: 'POST', path: `/payments/${paymentId}/process`, token, key, body: { token: card } }),
      graphql: (key) =>
        this.#graphql({
          query: 'mutation ($id: ID!, $card: String) { processPayment(id: $id, token: $card) { id status } }',
          variables: { id: paymentId, card },
          token,
          key,
        }),
    });
    if (answer?.status === 402) journal.acknowledge({ kind: 'declined', paymentId });
    const status = answer?.data?.status as string | undefined;
    if (status !== undefined) journal.acknowledge({ kind: status === 'processing' ? 'being paid' : 'paid', paymentId });
  }

  async refund(paymentId: string, admin: Account, amount?: number): Promise<void> {
    const { journal } = this.#options;
    const marker = this.#marker();
    // Over REST alone: there its status tells whether the refund is done.
    const answer = await this.#change('refund', {
      rest: (key) =>
        this.#rest({
          method: 'POST',
          path: `/payments/${paymentId}/refund`,
          token: admin.token,
          key,
          body: { amount, reason: marker },
        }),
    });
    if (answer?.status === 200) journal.acknowledge({ kind: 'refund', paymentId, marker, amount });
    if (answer?.status === 202) journal.acknowledge({ kind: 'refund under way', paymentId, marker, amount });
  }

  async cancel(order: Order, { token }: Account): Promise<void> {
    const { journal } = this.#options;
    const body = { status: 'cancelled', reason: this.#marker() };
    const answer = await this.#change('cancel order', {
      rest: () => this.#rest({ method: 'PATCH', path: `/orders/${order.id}/status`, token, body }),
      graphql: (key) =>
        this.#graphql({
          query:
            'mutation ($id: ID!, $reason: String) { updateOrderStatus(id: $id, status: cancelled, reason: $reason) { id status } }',
          variables: { id: order.id, reason: body.reason },
          token,
          key,
        }),
    });
    if (answer?.data !== undefined) journal.acknowledge({ kind: 'cancelled order', orderId: order.id });
  }

  #login(email: string, secret: string): Promise<Answer | undefined> {
    const body = { email, password: secret };
    return this.#insist('log in', () => this.#rest({ method: 'POST', path: '/users/login', body }));
  }

  async #rest(call: RestCall): Promise<Answer> {
    return fromRest(await this.#client.rest(call));
  }

  async #graphql(call: GraphqlCall): Promise<Answer> {
    return fromGraphql(await this.#client.graphql(call));
  }

  /** One change, asked for in one of its ways until it is answered, always under the same key. */
  async #change(
    operation: string,
    { rest, graphql }: { rest: (key: string) => Promise<Answer>; graphql?: (key: string) => Promise<Answer> },
  ): Promise<Answer | undefined> {
    const key = this.#marker();
    const viaGateway = graphql !== undefined && new Choices(key).chance(50);
    return this.#insist(operation, () => (viaGateway ? graphql(key) : rest(key)));
  }

  /** Requests of a scenario run side by side: each has chances of its own. */
  #insist(operation: string, call: () => Promise<Answer>): Promise<Answer | undefined> {
    const { journal, gaveUp } = this.#options;
    return insist(operation, call, { choices: new Choices(this.#marker()), journal, gaveUp });
  }

  #marker(): string {
    return `${this.#options.scenario}-${++this.#requests}`;
  }
}
