import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as newId } from 'uuid';
import { AtomicStore, createDatabaseAdapter, type InboundEvent } from '@shop/common/database';
import { createTestDatabase, createTestPool } from '@shop/testing';
import { createDatabase } from '../database.js';
import { chargeSucceeded, orderObserved, type PaymentAggregate } from './payment-aggregate.js';
import { PaymentAggregateRepository } from './payment-aggregate.repository.js';
import type { PayableOrder } from './payable-order.js';

let shop: Awaited<ReturnType<typeof createTestDatabase>>;
let database: ReturnType<typeof createDatabase>;
let pool: ReturnType<typeof createTestPool>;
let aggregates: PaymentAggregateRepository;
/** Done by somebody else, after an aggregate was read and before what was decided about it is written. */
let meanwhile: () => Promise<unknown>;
let order: PayableOrder;
let paymentId: string;

const query = async <Row extends Record<string, unknown>>(text: string, values: unknown[]) =>
  (await pool.query<Row>(text, values)).rows;

beforeAll(async () => {
  shop = await createTestDatabase({ serviceDirectory: path.join(import.meta.dirname, '../..') });
  database = createDatabase(createDatabaseAdapter({ url: shop.url, poolSize: 3, applicationName: 'test' }));
  pool = createTestPool(shop.url);
  aggregates = new PaymentAggregateRepository({
    database: {
      $lookup: async (statement) => {
        const rows = await database.$lookup(statement);
        await meanwhile();
        return rows as never;
      },
    },
    store: new AtomicStore({ client: database, onCommit: () => undefined }),
    clock: () => Promise.resolve(new Date()),
  });
});
afterAll(async () => {
  await Promise.all([database.$disconnect(), pool.end()]);
  await shop.drop();
});

const causeOf = (sequence: number): InboundEvent => ({
  eventId: newId(),
  type: 'order.status_changed',
  aggregate: `order/${order.id}`,
  sequence,
});
const observe = (status: PayableOrder['status'], cause: InboundEvent) =>
  aggregates.follow(order, cause, (aggregate, now) => orderObserved(aggregate, status, { now, newId }));
const succeed = () =>
  aggregates.changePayment(order.id, (aggregate, now) =>
    chargeSucceeded(aggregate, paymentId, `ch_${paymentId}`, { now, newId }),
  );
const paymentRow = async () =>
  (
    await query<{ status: string; version: number; provider_reference: string | null }>(
      'SELECT status, version, provider_reference FROM payments WHERE id = $1',
      [paymentId],
    )
  )[0];
const eventsOf = (id: string) => query('SELECT type FROM outbox WHERE subject = $1 ORDER BY position', [id]);

beforeEach(async () => {
  meanwhile = () => Promise.resolve();
  order = {
    id: newId(),
    userId: newId(),
    amount: 4_498n,
    currency: 'USD',
    currencyDecimals: 2,
    status: 'pending',
    payableUntil: new Date(Date.now() + 60_000),
    expiredAt: null,
  };
  const decision = await observe('pending', causeOf(1));
  paymentId = decision?.openedPayment?.id ?? '';
  await query(`UPDATE payments SET status = 'processing', provider = 'simulated', version = 2 WHERE id = $1`, [
    paymentId,
  ]);
});

describe('a charge has succeeded', () => {
  it('nothing happens meanwhile -> paid, and reported once', async () => {
    const { payment } = await succeed();
    expect(payment).toMatchObject({ status: 'success', version: 3 });
    expect(await paymentRow()).toMatchObject({ status: 'success', version: 3 });
    expect(await eventsOf(paymentId)).toEqual([{ type: 'payment.created' }, { type: 'payment.success' }]);
  });

  it('its order expires meanwhile -> paid, and given back', async () => {
    meanwhile = () =>
      query('UPDATE payable_orders SET expired_at = payable_until, expires_at = NULL WHERE id = $1', [order.id]);
    const { openedRefund } = await succeed();
    expect(openedRefund?.amount).toBe(order.amount);
    expect(await query('SELECT status FROM refunds WHERE payment_id = $1', [paymentId])).toEqual([
      { status: 'pending' },
    ]);
  });

  it('its order is cancelled meanwhile -> paid, and given back', async () => {
    meanwhile = () => query(`UPDATE payable_orders SET status = 'cancelled' WHERE id = $1`, [order.id]);
    expect((await succeed()).openedRefund?.amount).toBe(order.amount);
  });

  it('somebody else settles it meanwhile -> counts once', async () => {
    meanwhile = async () => {
      meanwhile = () => Promise.resolve();
      await succeed();
    };
    expect(await succeed()).toEqual({});
    expect(await paymentRow()).toMatchObject({ status: 'success', version: 3 });
    expect(await eventsOf(paymentId)).toHaveLength(2);
  });

  it("the provider's name for it is stored meanwhile -> stays", async () => {
    meanwhile = () => query(`UPDATE payments SET provider_reference = 'ch_1' WHERE id = $1`, [paymentId]);
    await succeed();
    expect(await paymentRow()).toMatchObject({ status: 'success', provider_reference: 'ch_1' });
  });
});

describe('a charge has succeeded, of an aggregate that was read when it began', () => {
  let known: PaymentAggregate;
  const succeedKnown = () =>
    aggregates.changePayment(
      order.id,
      (aggregate, now) => chargeSucceeded(aggregate, paymentId, `ch_${paymentId}`, { now, newId }),
      { known },
    );

  beforeEach(async () => {
    await aggregates.changePayment(order.id, (aggregate) => {
      known = aggregate;
      return {};
    });
  });

  it('nothing has happened since -> paid, without being read again', async () => {
    meanwhile = () => Promise.reject(new Error('read'));
    expect((await succeedKnown()).payment).toMatchObject({ status: 'success', version: 3 });
    expect(await eventsOf(paymentId)).toEqual([{ type: 'payment.created' }, { type: 'payment.success' }]);
  });

  it('its order was cancelled since -> paid, and given back', async () => {
    await query(`UPDATE payable_orders SET status = 'cancelled' WHERE id = $1`, [order.id]);
    expect((await succeedKnown()).openedRefund?.amount).toBe(order.amount);
  });

  it('a webhook has settled it since -> counts once', async () => {
    await succeed();
    expect(await succeedKnown()).toEqual({});
    expect(await paymentRow()).toMatchObject({ status: 'success', version: 3 });
    expect(await eventsOf(paymentId)).toHaveLength(2);
  });
});

describe('an order is confirmed', () => {
  const statusOfOrder = () => query('SELECT status FROM payable_orders WHERE id = $1', [order.id]);

  it('the event comes twice -> one effect', async () => {
    const cause = causeOf(2);
    expect(await observe('confirmed', cause)).toBeDefined();
    expect(await observe('confirmed', cause)).toBeUndefined();
    expect(await statusOfOrder()).toEqual([{ status: 'confirmed' }]);
  });

  it('after a later event -> no effect', async () => {
    await observe('shipped', causeOf(3));
    expect(await observe('confirmed', causeOf(2))).toBeUndefined();
    expect(await statusOfOrder()).toEqual([{ status: 'shipped' }]);
  });

  it('its cancellation is handled meanwhile -> it stays cancelled', async () => {
    meanwhile = async () => {
      meanwhile = () => Promise.resolve();
      await observe('cancelled', causeOf(3));
    };
    await observe('confirmed', causeOf(2));
    expect(await statusOfOrder()).toEqual([{ status: 'cancelled' }]);
  });
});
