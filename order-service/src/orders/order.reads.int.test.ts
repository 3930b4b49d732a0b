import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { orderStatuses } from '@shop/common/contracts';
import { createJsonOfRows, stored, type JsonOfRows } from '@shop/testing';
import { SYSTEM, type DetailedOrder } from './order.js';
import { detailedOrderJson, orderJson } from './order.reads.js';
import { toDetailedResource, toResource } from './order.resource.js';

let json: JsonOfRows;
beforeAll(async () => {
  json = await createJsonOfRows(path.join(import.meta.dirname, '../..'));
});
afterAll(() => json.stop());

const { id, text, time, minorUnits, decimals: currencyDecimals } = stored;
const status = fc.constantFrom(...orderStatuses);
const item = fc.record({ id, productId: text, productName: text, quantity: fc.nat(), unitPrice: minorUnits });
const change = fc.record({ status, at: time, by: fc.oneof(id, fc.constant(SYSTEM)), reason: fc.option(text) });
const order: fc.Arbitrary<DetailedOrder> = fc.record({
  ...{ id, userId: id, status, statusReason: fc.option(text), totalAmount: minorUnits, currencyDecimals },
  ...{ currency: fc.constantFrom('USD', 'JPY'), shippingAddress: text, notes: fc.option(text), items: fc.array(item) },
  ...{ statusHistory: fc.array(change), payableUntil: time, version: fc.nat(), createdAt: time, updatedAt: time },
  bytes: fc.nat(),
});
const orders = fc.uniqueArray(order, { maxLength: 5, selector: (one) => one.id });

/** As they are stored. */
const tablesOf = (all: readonly DetailedOrder[]) => ({
  orders: all.map(({ items: _items, statusHistory: _history, ...row }) => row),
  order_items: all.flatMap(({ id: orderId, items }) => items.map((row, position) => ({ ...row, orderId, position }))),
  order_status_history: all.flatMap(({ id: orderId, statusHistory }) =>
    statusHistory.map(({ by, ...row }, index) => ({
      ...{ ...row, orderId, version: index + 1, changedBy: by === SYSTEM ? null : by },
    })),
  ),
});

it('any order -> PostgreSQL makes the JSON of it that TypeScript makes', async () => {
  await fc.assert(
    fc.asyncProperty(orders, async (all) => {
      expect(await json.of(orderJson.text, tablesOf(all))).toEqual(all.map(toResource));
      expect(await json.of(detailedOrderJson.text, tablesOf(all))).toEqual(all.map(toDetailedResource));
    }),
  );
});
