// Customers at a time, each waiting for one answer before the next request.
import { dataOf, laptop, type Shop } from '../../stack/demo/shop.ts';
import { messageOf } from '../../stack/errors.ts';
import { milliseconds, timesOf } from '../statistics.ts';
import { row, type Section } from './section.ts';
import type { Shopper } from './shoppers.ts';

const usersAtATime = [10, 50, 100];

/** Customers who order, pay and look at what they have, each waiting for one answer before the next request. */
export const customers = (shoppers: Shopper[]): Section => ({
  title: `${usersAtATime.join(', ')} users at a time, each step with its time`,
  async run({ shop, output }) {
    let failures = 0;
    output.result(row(['', 'USERS', 'FAILED', '50 %', '90 %', '99 %']));
    for (const users of usersAtATime) {
      const steps = new Map<string, { times: number[]; failures: unknown[] }>();
      const step: Step = async (name, work) => {
        const { times, failures: failed } = steps.get(name) ?? { times: [], failures: [] };
        steps.set(name, { times, failures: failed });
        const startedAt = performance.now();
        try {
          const value = await work();
          times.push(performance.now() - startedAt);
          return value;
        } catch (error) {
          failed.push(error);
          throw error;
        }
      };
      output.activity(`${users} users at a time`);
      await Promise.allSettled(
        Array.from({ length: users }, (_, i) => visit(shop, shoppers[i % shoppers.length], step)),
      );
      output.activity(undefined);
      for (const [name, { times, failures: failed }] of steps) {
        failures += failed.length;
        const { p50, p90, p99 } = timesOf(times);
        output.result(row([name, `${users}`, `${failed.length}`, ...[p50, p90, p99].map(milliseconds)]));
        if (failed.length > 0) output.error(`  ${messageOf(failed[0])}`);
      }
    }
    return failures;
  },
});

type Step = <T>(name: string, work: () => Promise<T>) => Promise<T>;

async function visit(shop: Shop, shopper: Shopper | undefined, step: Step): Promise<void> {
  if (shopper === undefined) return;
  const order = await step('place an order', () => shop.placeOrder(shopper, [laptop]));
  const payment = await step('its payment is open', () => shop.paymentOf(shopper, order.id));
  const params = { path: { id: payment.id } };
  await step('pay it', async () =>
    dataOf(await shop.as(shopper).payments.POST('/api/v1/payments/{id}/process', { params, body: {} })),
  );
  await step('it is confirmed', () => shop.untilOrderIs('confirmed', shopper, order.id));
  await step('look at it (GraphQL)', () =>
    shop.graphql('query ($id: ID!) { order(id: $id) { id status user { email } payment { status } } }', {
      token: shopper.token,
      variables: { id: order.id },
    }),
  );
}
