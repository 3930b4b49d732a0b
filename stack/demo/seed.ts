// `make seed`: customers with orders in every state, to look at. Safe to repeat: what is there is left as it is.
import type { Context } from '../context.ts';
import { loadSettings } from '../settings.ts';
import {
  addressOf,
  dataOf,
  examplePassword,
  laptop,
  mice,
  Shop,
  type Account,
  type Item,
  type Order,
  type Status,
} from './shop.ts';

const customers: [string, string][] = [
  ['Ada', 'Lovelace'],
  ['Grace', 'Hopper'],
  ['Alan', 'Turing'],
  ['Edsger', 'Dijkstra'],
  ['Barbara', 'Liskov'],
];
const keyboard: Item = { productId: 'prod-3', productName: 'Keyboard', quantity: 1, unitPrice: 79.5 };
const baskets = [[laptop], [mice], [laptop, mice], [keyboard], [keyboard, mice]];

/** What has become of an order that was paid, step by step. */
const waysOfPaidOrders = {
  confirmed: [],
  shipped: ['processing', 'shipped'],
  delivered: ['processing', 'shipped', 'delivered'],
  'cancelled and refunded': ['cancelled'],
} satisfies Record<string, Status[]>;

interface Scene {
  shop: Shop;
  customer: Account;
  admin: Account;
  order: Order;
}

async function pay({ shop, customer, order }: Scene, card = 'tok_visa'): Promise<string> {
  const { id } = await shop.paymentOf(customer, order.id);
  const answer = await shop.pay(customer, id, card, `seed-pay-${id}`);
  if (answer.response.status !== 402) dataOf(answer);
  return id;
}

/** One order of each is made for every customer. */
const outcomes: Record<string, (scene: Scene) => Promise<void>> = {
  'waiting to be paid': () => Promise.resolve(),
  declined: async (scene) => {
    await pay(scene, 'tok_chargeDeclined');
  },
  'cancelled unpaid': async ({ shop, customer, order }) => {
    await shop.changeStatus(customer, order.id, 'cancelled', 'found it cheaper');
  },
  ...Object.fromEntries(Object.entries(waysOfPaidOrders).map(([name, steps]) => [name, paidThen(steps)])),
  'partly refunded': async (scene) => {
    const { shop, admin } = scene;
    const id = await pay(scene);
    await shop.refund(admin, id, { amount: 5, reason: 'a scratch' }, `seed-refund-${id}`);
  },
};

function paidThen(steps: readonly Status[]): (scene: Scene) => Promise<void> {
  return async (scene) => {
    const { shop, admin, order } = scene;
    await pay(scene);
    await shop.untilOrderIs('confirmed', admin, order.id);
    for (const status of steps) await shop.changeStatus(admin, order.id, status);
  };
}

/** Fills the running system with demo data. */
export async function seed({ output }: Context): Promise<number> {
  const shop = new Shop(addressOf(loadSettings()));
  const admin = await shop.loginAsAdmin();
  let made = 0;
  for (const names of customers) {
    const name = names.join(' ');
    const customer = await shop.loginOrRegister(`${names[0].toLowerCase()}@example.com`, names);
    const known = await orderCount(shop, customer);
    const missing = Object.entries(outcomes).slice(known);
    await output.during(`orders of ${name}`, async () => {
      for (const [index, [, play]] of missing.entries()) {
        const number = known + index;
        const items = baskets[(number + customers.indexOf(names)) % baskets.length] ?? [laptop];
        const order = await shop.placeOrder(customer, items, `seed-order-${number}`);
        await play({ shop, customer, admin, order });
        made++;
      }
    });
    output.result(`${customer.email} / ${examplePassword}: ${name}, ${Object.keys(outcomes).length} orders`);
  }
  output.result(made === 0 ? 'nothing was missing' : `${made} orders made: ${Object.keys(outcomes).join(', ')}`);
  return 0;
}

async function orderCount(shop: Shop, account: Account): Promise<number> {
  const params = { query: { limit: 1 } };
  const { data } = await shop.as(account).orders.GET('/api/v1/orders/my-orders', { params });
  return data?.meta.total ?? 0;
}
