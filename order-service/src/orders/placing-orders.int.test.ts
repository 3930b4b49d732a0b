import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as newId } from 'uuid';
import { MAX_ORDER_BYTES } from '@shop/common/contracts';
import { orderBody } from '../../test/order-builder.js';
import { startTestService, type TestService } from '../../test/test-service.js';
import type { CreateOrderBody } from './order.validator.js';

let test: TestService;

beforeAll(async () => {
  test = await startTestService();
});
afterAll(() => test.stop());

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const item = { productId: 'book', productName: 'A book', quantity: 1, unitPrice: 1 };

interface OutboxRow {
  type: string;
  subject: string;
  sequence: number;
  data: unknown;
  traceparent: string;
}
const eventsOf = (orderId: string) =>
  test.query<OutboxRow>(
    'SELECT type, subject, sequence, data, traceparent FROM outbox WHERE subject = $1 ORDER BY position',
    [orderId],
  );

describe('the largest order', () => {
  const largest = (character: string) => ({
    shippingAddress: character.repeat(500),
    notes: character.repeat(1_000),
    items: Array.from({ length: 100 }, () => ({
      productId: character.repeat(255),
      productName: character.repeat(255),
      quantity: 1,
      unitPrice: 1_234.56,
    })),
  });
  const escaped = (body: object) =>
    JSON.stringify(body).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

  it.each([
    ['letters of three bytes', JSON.stringify(largest('한'))],
    ['letters of four bytes', JSON.stringify(largest('𝒳'))],
    ['letters that are escaped', escaped(largest('한'))],
    ['letters that take two escapes', escaped(largest('𝒳'))],
  ])('every field at its limit, in %s -> 201, and it can be read', async (_case, json) => {
    const alice = test.caller();
    const { body } = await alice.post(json).expect(201);
    expect(json.length).toBeLessThan(MAX_ORDER_BYTES);
    expect((await alice.get(`/${body.data.id}`).expect(200)).body.data.items).toEqual(body.data.items);
    expect(body.data.items).toHaveLength(100);
  });

  it('more than that, or another request of that size -> 413', async () => {
    const alice = test.caller();
    await alice.post({ ...orderBody(), more: 'x'.repeat(MAX_ORDER_BYTES) }).expect(413);
    await alice.patch(`/${newId()}/status`, { status: 'cancelled', more: 'x'.repeat(100_000) }).expect(413);
  });
});

describe('placing an order', () => {
  it('every field of the body -> stored, shown by itself and in lists, and in the event', async () => {
    const alice = test.caller();
    const whole: Required<CreateOrderBody> = {
      currency: 'EUR',
      shippingAddress: '1 Main Street, Springfield',
      notes: 'Ring twice',
      items: [item],
    };
    const { id } = (await alice.post(whole).expect(201)).body.data;
    expect((await alice.get(`/${id}`).expect(200)).body.data).toMatchObject(whole);
    expect((await alice.get('').expect(200)).body.data).toMatchObject([whole]);
    expect((await eventsOf(id))[0]?.data).toMatchObject(whole);
  });

  it('a valid order -> 201 with the whole order, its total computed here', async () => {
    const alice = test.caller();
    const { body } = await alice.post(orderBody({ notes: 'Ring twice' })).expect(201);

    expect(body).toEqual({
      success: true,
      message: 'Order created',
      data: {
        id: expect.stringMatching(uuid),
        userId: alice.id,
        status: 'pending',
        statusReason: null,
        totalAmount: 44.98,
        currency: 'USD',
        shippingAddress: '1 Main Street, Springfield',
        notes: 'Ring twice',
        items: [
          { id: expect.stringMatching(uuid), productId: 'book', productName: 'A book', quantity: 2, unitPrice: 19.99 },
          { id: expect.stringMatching(uuid), productId: 'pen', productName: 'A pen', quantity: 1, unitPrice: 5 },
        ],
        statusHistory: [{ status: 'pending', at: body.data.createdAt, by: alice.id, reason: null }],
        payableUntil: expect.stringMatching(time),
        createdAt: expect.stringMatching(time),
        updatedAt: body.data.createdAt,
      },
    });
    const { payableUntil, createdAt } = body.data;
    expect(Date.parse(payableUntil) - Date.parse(createdAt)).toBe(test.config.paymentWindow);
    await alice.get(`/${body.data.id}`).expect(200, { ...body, message: 'Order retrieved' });
  });

  it('the event that describes it -> stands in the outbox, in the trace of the request', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const { body } = await test.caller().post(orderBody()).set('traceparent', `00-${trace}-00f067aa0ba902b7-01`);
    const { statusHistory: _, ...data } = body.data;
    expect(await eventsOf(body.data.id)).toEqual([
      {
        type: 'order.created',
        subject: body.data.id,
        sequence: 1,
        data: { ...data, currencyDecimals: 2 },
        traceparent: expect.stringMatching(new RegExp(`^00-${trace}-`)),
      },
    ]);
  });

  it.each([
    ['JPY', [{ ...item, quantity: 3, unitPrice: 500 }], 1_500],
    ['KWD', [{ ...item, quantity: 3, unitPrice: 0.335 }], 1.005],
    ['USD', [{ ...item, unitPrice: 9_999_999_999_999.99 }], 9_999_999_999_999.99],
    ['USD', Array.from({ length: 100 }, () => ({ ...item, unitPrice: 0.1 })), 10],
  ])('in %s -> a total in its decimals, read back as it was', async (currency, items, totalAmount) => {
    const alice = test.caller();
    const { body } = await alice.post(orderBody({ currency, items })).expect(201);
    const read = await alice.get(`/${body.data.id}`).expect(200);
    expect(read.body.data).toMatchObject({ currency, totalAmount });
    expect(read.body.data.items.map(({ unitPrice }: { unitPrice: number }) => unitPrice)).toEqual(
      items.map(({ unitPrice }) => unitPrice),
    );
  });

  it('a currency retired since -> the order is read as it was, alone and in a list, and goes on', async () => {
    const alice = test.caller();
    const { body } = await alice
      .post(orderBody({ currency: 'KWD', items: [{ ...item, unitPrice: 0.335 }] }))
      .expect(201);
    await test.query(`UPDATE orders SET currency = 'QQQ' WHERE id = $1`, [body.data.id]);
    const amounts = { currency: 'QQQ', totalAmount: 0.335 };
    expect((await alice.get(`/${body.data.id}`).expect(200)).body.data).toMatchObject(amounts);
    expect((await alice.get('/').expect(200)).body.data).toMatchObject([amounts]);
    const cancelled = await alice.patch(`/${body.data.id}/status`, { status: 'cancelled' }).expect(200);
    expect(cancelled.body.data).toMatchObject({ ...amounts, status: 'cancelled' });
  });

  it('placed by the version before, which does not name the decimals -> those of its currency', async () => {
    const { body } = await test.caller().post(orderBody({ currency: 'KWD', items: [{ ...item, unitPrice: 0.335 }] }));
    const columns = `user_id, status, total_amount, currency, shipping_address, payable_until, created_at, updated_at`;
    const [row] = await test.query(
      `WITH placed AS (
         INSERT INTO orders (id, ${columns}) SELECT gen_random_uuid(), ${columns} FROM orders WHERE id = $1 RETURNING *
       ), item AS (
         INSERT INTO order_items (id, order_id, position, product_id, product_name, quantity, unit_price)
         SELECT gen_random_uuid(), id, 0, 'book', 'A book', 1, total_amount FROM placed
       ), history AS (
         INSERT INTO order_status_history (order_id, version, status, at) SELECT id, 1, status, created_at FROM placed
       ) SELECT currency_decimals FROM placed`,
      [body.data.id],
    );
    expect(row).toEqual({ currency_decimals: 3 });
  });

  it("fields that are not the caller's to set -> ignored", async () => {
    const alice = test.caller();
    const foreign = { id: 'x', userId: test.caller().id, status: 'delivered', totalAmount: 1, version: 9 };
    const { body } = await alice.post(orderBody(foreign)).expect(201);
    expect(body.data).toMatchObject({ userId: alice.id, status: 'pending', totalAmount: 44.98 });
  });

  it('text -> trimmed and in NFC, counted in code points; blank notes are none', async () => {
    const shippingAddress = `  ${'\u{1F600}'.repeat(496)} Cafe\u0301  `;
    const { body } = await test.caller().post(orderBody({ shippingAddress, notes: '   ' }));
    expect(body.error?.details).toBe('shippingAddress: must have 1 to 500 characters');

    const fitting = `  ${'\u{1F600}'.repeat(495)} Cafe\u0301  `;
    const second = await test
      .caller()
      .post(orderBody({ shippingAddress: fitting, notes: '   ' }))
      .expect(201);
    expect(second.body.data).toMatchObject({ shippingAddress: fitting.trim().normalize('NFC'), notes: null });
  });

  it.each([
    [{ shippingAddress: undefined }, 'shippingAddress: is required'],
    [{ shippingAddress: '  ' }, 'shippingAddress: must not be empty'],
    [{ shippingAddress: 'x\0y' }, 'shippingAddress: must not contain NUL'],
    [{ notes: 'x'.repeat(1_001) }, 'notes: must have 0 to 1000 characters'],
    [{ notes: 5 }, 'notes: must be a string'],
    [{ currency: 'usd' }, 'currency: must be a currency code of ISO 4217'],
    [{ currency: 'XAU' }, 'currency: must be a currency code of ISO 4217'],
    [{ currency: 'CHE' }, 'currency: must be a currency code of ISO 4217'],
    [{ currency: 'BGN' }, 'currency: must be a currency code of ISO 4217'],
    [{ items: undefined }, 'items: is required'],
    [{ items: {} }, 'items: must be a list'],
    [{ items: [] }, 'items: must have 1 to 100 entries'],
    [{ items: Array.from({ length: 101 }, () => item) }, 'items: must have 1 to 100 entries'],
    [{ items: [7] }, 'items[0]: must be an object'],
    [{ items: [{ ...item, productId: '' }] }, 'items[0].productId: must not be empty'],
    [{ items: [{ ...item, productName: 'x'.repeat(256) }] }, 'items[0].productName: must have 1 to 255 characters'],
    [{ items: [item, { ...item, quantity: 0 }] }, 'items[1].quantity: must be from 1 to 10000'],
    [{ items: [{ ...item, quantity: 10_001 }] }, 'items[0].quantity: must be from 1 to 10000'],
    [{ items: [{ ...item, quantity: '5' }] }, 'items[0].quantity: must be a whole number'],
    [{ items: [{ ...item, unitPrice: 0 }] }, 'items[0].unitPrice: must be greater than 0'],
    [{ items: [{ ...item, unitPrice: [5] }] }, 'items[0].unitPrice: must be a number'],
    [
      { items: [item, item, item, { ...item, unitPrice: 1.999 }] },
      'items[3].unitPrice: must have at most 2 decimals in USD',
    ],
    [{ items: [{ ...item, unitPrice: 1e-30 }] }, 'items[0].unitPrice: must have at most 2 decimals in USD'],
    [
      { currency: 'JPY', items: [{ ...item, unitPrice: 0.5 }] },
      'items[0].unitPrice: must have at most 0 decimals in JPY',
    ],
    [{ items: [{ ...item, unitPrice: 1e13 }] }, 'items[0].unitPrice: is too large'],
    [{ items: [{ ...item, unitPrice: 1e9, quantity: 10_000 }] }, 'items: total amount is too large'],
  ])('%j -> 400, %s', async (changes, details) => {
    const { body } = await test.caller().post(orderBody(changes)).expect(400);
    const [field = '', message] = details.split(/: (.*)/);
    expect(body.error).toMatchObject({ code: 'INVALID_INPUT', details, fields: [{ field, message }] });
  });

  it('several faults -> all of them at once', async () => {
    const { body } = await test
      .caller()
      .post({ currency: 'X', items: [{ ...item, quantity: 1.5 }] })
      .expect(400);
    expect(body.error.details).toBe(
      'currency: must be a currency code of ISO 4217; shippingAddress: is required; items[0].quantity: must be a whole number',
    );
  });
});

describe('the database refuses, whoever writes', () => {
  const placed = async () => {
    const { body } = await test.caller().post(orderBody()).expect(201);
    return body.data.id as string;
  };

  it.each([
    ['a total that is not that of the items', 'UPDATE orders SET total_amount = 1 WHERE id = $1', 'orders_total'],
    ['an amount of nothing', 'UPDATE orders SET total_amount = 0 WHERE id = $1', 'orders_total_amount_check'],
    ['a currency in lower case', `UPDATE orders SET currency = 'usd' WHERE id = $1`, 'orders_currency_check'],
    [
      'a delivered order that was never confirmed',
      `UPDATE orders SET status = 'delivered' WHERE id = $1`,
      'orders_transition',
    ],
    ['a status that is not in the history', `UPDATE orders SET status = 'confirmed' WHERE id = $1`, 'orders_history'],
    [
      'a deleted order that is not over',
      'UPDATE orders SET deleted_at = now() WHERE id = $1',
      'orders_deleted_at_check',
    ],
    ['an empty address', `UPDATE orders SET shipping_address = '' WHERE id = $1`, 'orders_shipping_address_check'],
    [
      'a window that is over before it starts',
      'UPDATE orders SET payable_until = created_at WHERE id = $1',
      'orders_payable_until_check',
    ],
    ['a quantity of none', 'UPDATE order_items SET quantity = 0 WHERE order_id = $1', 'order_items_quantity_check'],
    ['a free item', 'UPDATE order_items SET unit_price = 0 WHERE order_id = $1', 'order_items_unit_price_check'],
    [
      'two items in one place',
      'UPDATE order_items SET position = 0 WHERE order_id = $1',
      'order_items_order_id_position_key',
    ],
    ['an order gone without its items', 'DELETE FROM orders WHERE id = $1', 'order_items_order_id_fkey'],
  ])('%s', async (_, statement, constraint) => {
    await expect(test.query(statement, [await placed()])).rejects.toMatchObject({ constraint });
  });

  it('an order without items, and one that does not start as pending', async () => {
    const insert = (status: string) =>
      test.query(
        `WITH placed AS (
           INSERT INTO orders (id, user_id, status, total_amount, currency, shipping_address, payable_until, created_at, updated_at)
           VALUES (gen_random_uuid(), gen_random_uuid(), $1, 100, 'USD', 'x', now() + interval '1 hour', now(), now())
           RETURNING *
         )
         INSERT INTO order_status_history (order_id, version, status, at) SELECT id, version, status, created_at FROM placed`,
        [status],
      );
    await expect(insert('pending')).rejects.toMatchObject({ constraint: 'orders_total' });
    await expect(insert('confirmed')).rejects.toMatchObject({ constraint: 'orders_transition' });
  });
});
