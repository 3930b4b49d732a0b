// What an operation costs in a shop that has grown, over its cost in a small one: `npm run bench:growth [-- --rows 5000000]`.
// Both shops run side by side on the same servers and are asked in turns. Ends with 1 where a ratio is above the limit.
import { randomInt, randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { Pool } from 'undici';
import { AtomicStore, createDatabaseAdapter } from '@shop/common/database';
import { createTestDatabase } from '@shop/testing';
import { startTestService } from '../order-service/test/test-service.js';
import { createDatabase } from '../payment-service/src/database.js';
import { ChargeRepository } from '../payment-service/src/payments/charge.repository.js';
import { OrderExpiryRepository } from '../payment-service/src/payments/order-expiry.repository.js';
import { OrderExpiryService } from '../payment-service/src/payments/order-expiry.service.js';
import { PaymentRepository } from '../payment-service/src/payments/payment.repository.js';
import { startTestInfrastructure } from '../stack/test-infrastructure.ts';
import { fastAndForgetful } from '../stack/test-directories.ts';
import { fill, idOfNumber, ORDERS_OF_A_USER } from './growth-rows.js';
import { median } from './statistics.ts';

/** The promise: times what it costs in the small shop. */
const LIMIT = 1.5;
/** A total is counted up to 10,000: the small shop has as many to count as the large one. */
const SMALL = 20_000;
const ROUNDS = 9;
const WARM_UP = 3;
const READS = 100;
const WRITES = 50;
const EVENTS = 2_000;
const EXPIRIES = 250;
const WAIT = 60_000;
const { values } = parseArgs({ options: { rows: { type: 'string', default: '5000000' } } });
const rows = Number(values.rows);
if (!Number.isInteger(rows) || rows < SMALL) throw new Error(`--rows must be a whole number from ${SMALL} on`);
const print = (line: string): boolean => process.stdout.write(`${line}\n`);

interface Shop {
  /** Milliseconds that one operation of each kind takes. */
  measures: Record<string, () => Promise<number>>;
  stop(): Promise<void>;
}

const order = {
  shippingAddress: '1 Main Street',
  items: [{ productId: 'p1', productName: 'A book', quantity: 1, unitPrice: 9.99 }],
};
/** Grows with time, as ids of events do. */
const NEW_ID = `(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || right(md5(random()::text), 20))::uuid`;
const silent = { error: console.error, warn: console.error, info: () => undefined, debug: () => undefined };

/** A shop with so many orders in its past: order-service over HTTP, and of payment-service what looks for due work. */
async function startShop(history: number): Promise<Shop> {
  const paymentDirectory = path.join(import.meta.dirname, '../payment-service');
  const [orders, payments] = await Promise.all([
    startTestService(),
    createTestDatabase({ serviceDirectory: paymentDirectory }),
  ]);
  let shown = 0;
  await fill({
    orderDatabaseUrl: orders.config.databaseUrl,
    paymentDatabaseUrl: payments.url,
    rows: history,
    onProgress: (done) => {
      if (history === SMALL || done - shown < 0.1) return;
      shown = done;
      print(`  ${Math.round(100 * done)} % of ${history} orders, payments and past events written`);
    },
  });
  const orderPool = new pg.Pool({ connectionString: orders.config.databaseUrl, max: 2 });
  const paymentPool = new pg.Pool({ connectionString: payments.url, max: 2 });
  const client = new Pool(orders.url, { connections: 4 });
  const database = createDatabase(createDatabaseAdapter({ url: payments.url, poolSize: 4, applicationName: 'bench' }));
  const store = new AtomicStore({ client: database, onCommit: () => undefined });
  const expiry = new OrderExpiryService({ expiries: new OrderExpiryRepository({ store }), logger: silent });
  const charges = new ChargeRepository({ database });
  const paymentReads = new PaymentRepository({ database, store });

  const owner = idOfNumber('user', Math.floor(history / ORDERS_OF_A_USER / 2));
  const tokenOf = (id: string, role: 'user' | 'admin') => `Bearer ${orders.tokens.tokenFor({ id, role })}`;
  const [asOwner, asAdmin] = [tokenOf(owner, 'user'), tokenOf(owner, 'admin')];
  const anyOrder = () => idOfNumber('order', randomInt(1, history + 1));

  const ask = async (to: string, authorization: string, body?: object): Promise<void> => {
    const answer = await client.request({
      method: body === undefined ? 'GET' : 'POST',
      path: `/api/v1/orders${to}`,
      headers: {
        authorization,
        'content-type': 'application/json',
        ...(body !== undefined && { 'idempotency-key': randomUUID() }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${to}: ${answer.statusCode} ${text}`);
  };
  const timed = async (count: number, work: () => Promise<void>): Promise<number> => {
    const start = performance.now();
    await work();
    return (performance.now() - start) / count;
  };
  const each = (count: number, one: () => Promise<unknown>) =>
    timed(count, async () => {
      for (let index = 0; index < count; index++) await one();
    });
  const place = () => ask('', asOwner, order);
  const published = async (): Promise<void> => {
    const deadline = Date.now() + WAIT;
    while ((await orderPool.query('SELECT FROM outbox WHERE published_at IS NULL LIMIT 1')).rowCount !== 0) {
      if (Date.now() > deadline) throw new Error(`events still wait after ${WAIT / 1_000} s`);
      await delay(2);
    }
  };

  return {
    measures: {
      'read one order': () => each(READS, () => ask(`/${anyOrder()}`, asAdmin)),
      "list of 20, a user's, with total": () => each(READS, () => ask('?limit=20', asOwner)),
      'list of 20, all, with total': () => each(WRITES, () => ask('?limit=20', asAdmin)),
      'place an order, with a key': () => each(WRITES, place),
      'publish an event': async () => {
        await published();
        await orderPool.query(
          `INSERT INTO outbox (id, type, subject, sequence, time, data)
           SELECT ${NEW_ID}, 'user.updated', gen_random_uuid(), 1, now(), '{}' FROM generate_series(1, $1)`,
          [EVENTS],
        );
        return timed(EVENTS, async () => {
          await place(); // wakes the relay
          await published();
        });
      },
      'read the payment of an order': () =>
        each(READS, () => paymentReads.findLatestViewOfOrder(anyOrder(), undefined)),
      'expire an order': async () => {
        await paymentPool.query(
          `WITH due AS (
             INSERT INTO payable_orders (id, user_id, amount, currency, currency_decimals, status, payable_until)
             SELECT gen_random_uuid(), gen_random_uuid(), 999, 'USD', 2, 'pending', now() FROM generate_series(1, $1)
             RETURNING id, user_id
           )
           INSERT INTO payments (id, order_id, user_id, amount, currency, currency_decimals, status, method, created_at, updated_at)
           SELECT gen_random_uuid(), id, user_id, 999, 'USD', 2, 'pending', 'card', now(), now() FROM due`,
          [EXPIRIES],
        );
        return timed(EXPIRIES, async () => {
          if (!(await expiry.expireDue())) throw new Error('not all of them were due');
        });
      },
      'look for due expiries and charges': () =>
        each(WRITES, async () => {
          const now = new Date();
          await Promise.all([
            expiry.expireDue(),
            charges.takeDue({ now, sentBefore: now, leaseUntil: now, limit: 10 }),
          ]);
        }),
    },
    stop: async () => {
      await client.close();
      await Promise.all([orderPool.end(), paymentPool.end(), database.$disconnect()]);
      await orders.stop();
      await payments.drop();
    },
  };
}

/** The largest ratio. */
async function compare(small: Shop, grown: Shop): Promise<number> {
  let worst = 0;
  print(`${''.padEnd(36)}${`${SMALL} orders`.padStart(16)}${`${rows} orders`.padStart(16)}   ratio`);
  for (const [name, inSmall] of Object.entries(small.measures)) {
    const spent = { small: [] as number[], grown: [] as number[] };
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      const [one, other] = [await inSmall(), (await grown.measures[name]?.()) ?? NaN];
      if (round < 0) continue;
      spent.small.push(one);
      spent.grown.push(other);
    }
    const ratio = median(spent.grown) / median(spent.small);
    worst = Math.max(worst, ratio);
    const [before = '', after = ''] = [spent.small, spent.grown].map((times) => `${median(times).toFixed(3)} ms`);
    print(`${name.padEnd(36)}${before.padStart(16)}${after.padStart(16)}   ${ratio.toFixed(2)}`);
  }
  return worst;
}

const infrastructure = await startTestInfrastructure({
  // Rows are filled in without a log; and the data is gone afterwards.
  postgresSettings: { ...fastAndForgetful, wal_level: 'minimal', max_wal_senders: '0', max_wal_size: '2GB' },
});
const shops: Shop[] = [];
try {
  process.env.TEST_POSTGRES_URL = infrastructure.postgresUrl;
  process.env.TEST_RABBITMQ_URL = infrastructure.rabbitmqUrl;
  process.env.TEST_RABBITMQ_MANAGEMENT_URL = infrastructure.rabbitmqManagementUrl;
  const start = performance.now();
  const small = await startShop(SMALL);
  shops.push(small);
  const grown = await startShop(rows);
  shops.push(grown);
  print(`filled in ${Math.round((performance.now() - start) / 1_000)} s; medians of ${ROUNDS} rounds in turns`);
  const worst = await compare(small, grown);
  if (!(worst <= LIMIT)) {
    print(`above the promise of ${LIMIT} times`);
    process.exitCode = 1;
  }
} finally {
  for (const shop of shops) await shop.stop();
  await infrastructure.stop();
}
