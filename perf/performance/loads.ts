// Many requests at a time, by as many accounts as it takes to stay below the limits of each.
import { failuresOf, generateLoad, isDataAlone } from '../generate-load.ts';
import { milliseconds } from '../statistics.ts';
import { originsOf, row, type Section } from './section.ts';
import type { Shopper } from './shoppers.ts';

const concurrencies = [100, 200, 500];

export const loads = (shoppers: Shopper[]): Section => ({
  title: `Loads of ${concurrencies.join(', ')} requests at a time`,
  async run({ settings, output }) {
    const { nginx, gateway, userService, orderService, paymentService } = originsOf(settings);
    const shopperOf = (connection: number) => shoppers[connection % shoppers.length];
    const bearer = (connection: number) => ({ authorization: `Bearer ${shopperOf(connection)?.token ?? ''}` });
    const json = (connection: number) => ({ ...bearer(connection), 'content-type': 'application/json' });
    const graphql = {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ query: '{ me { id email } }' }),
      accepts: isDataAlone,
    } as const;
    const targets = [
      { name: 'GET /users/me', url: `${userService}/api/v1/users/me`, headers: bearer, requests: 2_000 },
      {
        name: 'GET /orders/my-orders',
        url: `${orderService}/api/v1/orders/my-orders`,
        headers: bearer,
        requests: 2_000,
      },
      {
        name: 'GET /payments/my-payments',
        url: `${paymentService}/api/v1/payments/my-payments`,
        headers: bearer,
        requests: 2_000,
      },
      { name: 'GraphQL me (gateway)', url: `${gateway}/graphql`, ...graphql, requests: 1_000 },
      // nginx lets one client through with 1,000 requests at once, and 1,000 a minute then.
      { name: 'GraphiQL (nginx, cached)', url: `${nginx}/`, headers: () => ({ accept: 'text/html' }), requests: 250 },
    ];
    output.result(row(['', 'AT ONCE', 'REQUESTS', 'FAILED', 'A SECOND', '50 %', '90 %', '99 %']));
    let failures = 0;
    for (const { name, requests, ...target } of targets) {
      for (const connections of concurrencies) {
        output.activity(`${name}, ${connections} at once`);
        const result = await generateLoad({ ...target, connections, requests });
        output.activity(undefined);
        const { p50, p90, p99 } = result.times;
        failures += result.failures;
        const cells = [name, connections, requests, result.failures, Math.round(result.perSecond)].map(String);
        output.result(row([...cells, ...[p50, p90, p99].map(milliseconds)]));
        if (result.failures > 0) output.error(`  ${failuresOf(result)}`);
      }
    }
    return failures;
  },
});
