// The accounts that make the load: limits are by account, so one alone would meet them.
import { laptop, mice, type Account, type Shop } from '../../stack/demo/shop.ts';
import type { Output } from '../../stack/output.ts';

/** An account with an order of its own. */
export interface Shopper extends Account {
  orderId: string;
}

const count = 40;
/** Passwords are hashed with all the processors there are: more logins at a time are refused. */
const atATime = 2;

/** Logs the accounts in; the first time they are registered, and their orders placed. */
export async function findShoppers(shop: Shop, output: Output): Promise<Shopper[]> {
  const shoppers: Shopper[] = [];
  let next = 1;
  const fill = async (): Promise<void> => {
    while (next <= count) {
      const number = next++;
      output.activity(`log in: account ${number} of ${count}`);
      const account = await shop.loginOrRegister(`performance-${number}@example.com`, [
        'Performance',
        `Test ${number}`,
      ]);
      const order = await shop.placeOrder(account, [laptop, mice], 'performance-order');
      shoppers.push({ ...account, orderId: order.id });
    }
  };
  await output.during('log in', () => Promise.all(Array.from({ length: atATime }, fill)));
  return shoppers;
}
