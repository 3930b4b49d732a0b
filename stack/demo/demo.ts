// `make demo`: a whole scenario, shown in the terminal while it happens.
import { randomUUID } from 'node:crypto';
import type { Context } from '../context.ts';
import { StackError } from '../errors.ts';
import type { Output } from '../output.ts';
import { loadSettings } from '../settings.ts';
import { addressOf, dataOf, laptop, mice, Shop, withKey, type Account, type Payment } from './shop.ts';

/** Plays a scene of this title, which says what comes of it. */
type PlayScene = <T>(title: string, play: (print: (line: string) => void) => Promise<T>) => Promise<T>;

const money = (amount: number): string => `${amount.toFixed(2)} USD`;
const short = (id: string): string => `...${id.slice(-6)}`;

/** Plays the scenario against the running system. Throws a StackError where it goes another way. */
export async function demo({ output }: Context): Promise<number> {
  const settings = loadSettings();
  await playScenario(new Shop(addressOf(settings)), output);
  const { GATEWAY_PORT, RABBITMQ_MANAGEMENT_PORT, ADMINER_PORT } = settings.ports;
  output.result('');
  output.result(`See for yourself: GraphiQL at http://localhost:${GATEWAY_PORT},`);
  output.result(
    `the queues at http://localhost:${RABBITMQ_MANAGEMENT_PORT}, the tables at http://localhost:${ADMINER_PORT}`,
  );
  return 0;
}

/** Plays the scenario in a shop, wherever it is. Throws a StackError where it goes another way. */
export async function playScenario(shop: Shop, output: Output): Promise<void> {
  let count = 0;
  await scenario(shop, async (title, play) => {
    const number = ++count;
    output.result(output.style('bold', `${number}. ${title}`, process.stdout));
    return output.during(`   scene ${number}`, () => play((line) => output.result(`   ${line}`)));
  });
}

async function scenario(shop: Shop, scene: PlayScene): Promise<void> {
  const suffix = randomUUID().slice(0, 8);

  const alice = await scene('Alice opens an account', async (print) => {
    const account = await shop.register(`alice-${suffix}@example.com`, ['Alice', 'Miller']);
    print(`${account.email}, logged in`);
    return account;
  });

  const key = randomUUID();
  const order = await scene('She orders a laptop and two mice', async (print) => {
    const placed = await shop.placeOrder(alice, [laptop, mice], key);
    print(`order ${short(placed.id)}: ${placed.status}, ${money(placed.totalAmount)}`);
    return placed;
  });

  await scene('The answer gets lost, so she asks again under the same Idempotency-Key', async (print) => {
    const again = await shop.placeOrder(alice, [laptop, mice], key);
    expect(again.id === order.id, 'the same order');
    print(`the same order ${short(again.id)}, not a second one`);
  });

  await scene('payment-service learns of the order through RabbitMQ and opens its payment', async (print) => {
    const { id, status, amount } = await shop.paymentOf(alice, order.id);
    print(`payment ${short(id)}: ${status}, ${money(amount)}`);
    const { response, error } = await shop.pay(alice, id, 'tok_insufficientFunds');
    expect(response.status === 402, 'a decline');
    print(`her card: ${response.status} ${error?.error.code}: ${error?.error.message}`);
  });

  const payment = await scene('With another card the provider takes the money, but never answers', async (print) => {
    const { id: orderId, totalAmount: amount, currency } = order;
    const body = { orderId, amount, currency, method: 'card' } as const;
    const params = withKey(randomUUID());
    const { id } = dataOf(await shop.as(alice).payments.POST('/api/v1/payments', { params, body }));
    const unknown = await shop.pay(alice, id, 'tok_timeout');
    expect(unknown.response.status === 202, 'an unknown outcome');
    print(`202: outcome unknown, payment ${short(id)} processing`);
    const settled = await settle(shop, alice, id);
    expect(settled.status === 'success', 'a paid payment');
    print(`the reconciler has asked the provider: ${settled.status}, charged once`);
    return settled;
  });

  await scene('order-service learns of it and confirms the order', async (print) => {
    print(`order ${short(order.id)}: ${(await shop.untilOrderIs('confirmed', alice, order.id)).status}`);
  });

  await scene('Bob looks for her order', async (print) => {
    const bob = await shop.register(`bob-${suffix}@example.com`, ['Bob', 'Jones']);
    const params = { path: { id: order.id } };
    const { response, error } = await shop.as(bob).orders.GET('/api/v1/orders/{id}', { params });
    expect(response.status === 404, 'nothing to be found');
    print(`${response.status} ${error?.error.code}: as if it did not exist`);
  });

  await scene('The admin sends it off and gives back the price of one mouse', async (print) => {
    const admin = await shop.loginAsAdmin();
    for (const status of ['processing', 'shipped'] as const) await shop.changeStatus(admin, order.id, status);
    const body = { amount: mice.unitPrice, reason: 'one mouse was missing' };
    const { status, refundedAmount } = await shop.refund(admin, payment.id, body, randomUUID());
    print(`order shipped; payment ${status}: ${money(refundedAmount)} given back`);
  });

  await scene('Alice sees all of it with one GraphQL query', async (print) => {
    const query = `query ($id: ID!) {
      order(id: $id) { status totalAmount user { fullName } payment { status refunds { amount status reason } } }
    }`;
    const data = await shop.graphql(query, { token: alice.token, variables: { id: order.id } });
    JSON.stringify(data, null, 2).split('\n').forEach(print);
  });

  await scene('She orders once more, pays, and changes her mind', async (print) => {
    const { id } = await shop.placeOrder(alice, [laptop]);
    const opened = await shop.paymentOf(alice, id);
    dataOf(await shop.pay(alice, opened.id, 'tok_visa'));
    await shop.untilOrderIs('confirmed', alice, id);
    print(`order ${(await shop.changeStatus(alice, id, 'cancelled', 'changed my mind')).status}`);
    const isRefunded = ({ status }: Payment) => status === 'refunded';
    const refunded = await shop.until('the refund', () => shop.paymentOf(alice, id), isRefunded);
    print(`payment ${refunded.status} by itself: ${money(refunded.refundedAmount)}`);
  });

  await scene('She logs out, and every service refuses her token', async (print) => {
    const api = shop.as(alice);
    const { error: refusal } = await api.users.POST('/api/v1/users/logout');
    expect(refusal === undefined, 'the end of her login');
    const ask = () => api.orders.GET('/api/v1/orders');
    const { response, error } = await shop.until('the refusal', ask, (answer) => answer.response.status === 401);
    print(`order-service: ${response.status} ${error?.error.code}`);
  });
}

const settle = (shop: Shop, account: Account, id: string): Promise<Payment> =>
  shop.until(
    'the outcome of the payment',
    async () => dataOf(await shop.as(account).payments.GET('/api/v1/payments/{id}', { params: { path: { id } } })),
    ({ status }) => status !== 'processing',
  );

function expect(isSo: boolean, what: string): void {
  if (!isSo) throw new StackError(`the scenario went another way: ${what} was expected`);
}
